"""What a sender writes around a message is not obeyed, whatever the broker, and ends nothing."""

from __future__ import annotations

import bz2
import json
import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import amqp
import pytest
from kombu.utils.url import parse_url

from mailtally_aggregator.intake import receive
from mailtally_aggregator.intake.receive import MAX_IN_HAND, Receiver
from mailtally_shared.errors import BadBatch, SettingsError
from mailtally_shared.wire.announcement import MAX_MESSAGE, TOO_LARGE, Heartbeat, parse_announcement
from mailtally_shared.wire.envelope import MAX_ENVELOPE, MAX_FOREIGN
from mailtally_shared.wire.queue import QUEUE, batch_queue, connect_broker
from tests.support.records import NONCE
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from tests.support.rabbitmq import RabbitNode

pytest_plugins = ["tests.support.rabbitmq"]

GOOD = Heartbeat(
    collector_id="a" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=1, watermark=7
)
#: Some hundred bytes that would become 300 MiB.
BOMB = bz2.compress(bytes(300 * 2**20))
VICTIM = "{mailtally}:closed-before"


@pytest.fixture
def receiver(empty_redis: EmbeddedRedis) -> Iterator[Receiver]:
    made = Receiver(empty_redis.broker_url, prefetch=4)
    yield made
    made.reset()


def taken(receiver: Receiver, count: int) -> list[bytes]:
    bodies: list[bytes] = []

    def enough() -> bool:
        received = receiver.collect(lambda held: held >= 1)
        bodies.extend(received.bodies())
        receiver.acknowledge(received.messages)
        return len(bodies) >= count

    wait_until(enough, what=f"{count} messages")
    return bodies


def envelope(body: bytes, **parts: Any) -> bytes:  # noqa: ANN401 - anything that JSON knows
    """As kombu makes it, with some of its parts replaced."""
    properties = {
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": "tag",
    } | parts.pop("properties", {})
    whole = {
        "body": b64encode(body).decode(),
        "content-encoding": "binary",
        "content-type": "application/vnd.mailtally+json",
        "headers": {},
        "properties": properties,
    }
    return json.dumps(whole | parts).encode()


OBEYED_BY_KOMBU: dict[str, dict[str, Any]] = {
    "compression": {"headers": {"compression": "bzip2"}},
    "a compression by its type": {"headers": {"compression": "application/x-bz2"}},
    "an encoding of the content": {"content-encoding": "gzip"},
    "pickle": {"content-type": "application/x-python-serialize"},
    "yaml": {"content-type": "application/x-yaml"},
    "an encoding of the body": {"properties": {"body_encoding": "rot13"}},
    "a routing key": {"properties": {"delivery_info": {"exchange": "", "routing_key": VICTIM}}},
    "an exchange": {"properties": {"delivery_info": {"exchange": "x", "routing_key": "y"}}},
    "a priority": {"properties": {"priority": 9}},
    "a delivery tag that is none": {"properties": {"delivery_tag": [{}]}},
    "where to answer": {"properties": {"reply_to": VICTIM}},
    "no properties": {"properties": {"delivery_tag": None, "delivery_info": None}},
    "types of kombu's JSON": {"headers": {"__type__": "decimal", "__value__": "1e999999"}},
}


@pytest.mark.parametrize("parts", OBEYED_BY_KOMBU.values(), ids=OBEYED_BY_KOMBU.keys())
def test_nothing_around_a_body_is_obeyed(
    parts: dict[str, Any], state: State, receiver: Receiver
) -> None:
    state.lpush(QUEUE, envelope(GOOD.to_bytes(), **parts), envelope(BOMB, **parts))
    assert taken(receiver, 2) == [GOOD.to_bytes(), BOMB]
    with pytest.raises(BadBatch):
        parse_announcement(BOMB)


def test_what_is_no_envelope_of_a_collectors_is_a_message_that_announces_nothing(
    state: State, receiver: Receiver
) -> None:
    strange = [
        b"",
        b"{}",
        b"[" * 10_000_000,
        b"\xff",
        b'{"body": "!"}',
        b'{"body": "eA="}',
        b"null",
    ]
    state.lpush(QUEUE, *strange)
    bodies = taken(receiver, len(strange))
    assert bodies == [each[:MAX_FOREIGN] for each in strange]
    for body in bodies:
        with pytest.raises(BadBatch):
            parse_announcement(body)


def test_a_message_that_is_too_large_is_passed_over_and_the_next_one_taken(
    state: State, receiver: Receiver
) -> None:
    state.lpush(QUEUE, bytes(MAX_ENVELOPE + 1), envelope(GOOD.to_bytes()))
    assert taken(receiver, 2) == [TOO_LARGE, GOOD.to_bytes()]
    with pytest.raises(BadBatch, match="was not read"):
        parse_announcement(TOO_LARGE)


def test_no_more_is_held_than_may_be_in_hand(
    state: State, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = envelope(bytes(MAX_MESSAGE))
    for _ in range(4):
        state.lpush(QUEUE, large)
    monkeypatch.setattr(receive, "_NEXT", 60.0)  # however long the next one takes
    received = receiver.collect(lambda held: held >= 32, 60.0)
    assert sum(map(len, received.bodies())) == MAX_IN_HAND


def test_what_is_in_hand_is_noted_nowhere_and_given_back_to_no_key(
    state: State, receiver: Receiver, empty_redis: EmbeddedRedis
) -> None:
    aimed = envelope(b"x", properties={"delivery_info": {"exchange": "", "routing_key": VICTIM}})
    state.lpush(QUEUE, aimed)
    received = receiver.collect(lambda held: held >= 1)
    assert received.bodies() == [b"x"]
    assert not state.keys("mailtally.batches*")
    with connect_broker(empty_redis.broker_url) as connection:
        channel = connection.channel()
        message = channel.message_to_python(json.loads(aimed))
        channel.qos.append(message, "tag")
        channel.qos.reject("tag", requeue=True)
        channel.qos.restore_unacked()
        channel.qos.restore_visible()
    receiver.reset()
    assert not state.exists(VICTIM)
    assert not state.keys("mailtally.batches*")


def test_poisoned_notes_of_kombus_move_nothing(state: State, receiver: Receiver) -> None:
    for suffix in ("unacked", "unacked-index"):
        assert not state.exists(f"{QUEUE}.{suffix}")
    note = json.dumps([json.loads(envelope(b"x")), "", VICTIM])
    for name in ("unacked", f"{QUEUE}.unacked"):
        state.hset(name, "tag", note)
        state.zadd(f"{name}_index", {"tag": 1.0})
        state.zadd(f"{name}-index", {"tag": 1.0})
    for _ in range(5):
        assert not receiver.collect(lambda held: held >= 1).messages
    assert not state.exists(VICTIM)
    assert not state.exists(QUEUE)


def test_a_queue_that_is_not_made_safe_is_refused() -> None:
    for url in ("memory://", "filesystem://", "sqs://"):
        with pytest.raises(SettingsError, match="MAILTALLY_BROKER_URL"):
            connect_broker(url).channel()


@pytest.fixture
def rabbit(rabbitmq: RabbitNode) -> Iterator[tuple[amqp.Channel, Receiver]]:
    """A sender that says of a message what it likes, and a receiver."""
    with connect_broker(rabbitmq.url) as connection:
        queue = batch_queue()(connection.channel())
        queue.declare()
        queue.purge()
    where = parse_url(rabbitmq.url)
    address = f"{where['hostname']}:{where['port']}"
    receiver = Receiver(rabbitmq.url, prefetch=4)
    with amqp.Connection(address, userid=where["userid"], password=where["password"]) as sender:
        yield sender.channel(), receiver
    receiver.reset()


HEADERS: dict[str, dict[str, Any]] = {
    "compression": {"application_headers": {"compression": "bzip2"}},
    "an encoding": {"content_encoding": "gzip", "content_type": "application/x-python-serialize"},
    "where to answer": {"reply_to": VICTIM, "correlation_id": "x", "priority": 9},
    "tables in tables": {"application_headers": {"a": {"b": {"c": {"compression": "zlib"}}}}},
}


@pytest.mark.parametrize("said", HEADERS.values(), ids=HEADERS.keys())
def test_nothing_that_an_amqp_message_says_is_obeyed(
    said: dict[str, Any], rabbit: tuple[amqp.Channel, Receiver]
) -> None:
    sender, receiver = rabbit
    for body in (zlib.compress(bytes(10**6)), BOMB, GOOD.to_bytes(), b""):
        sender.basic_publish(amqp.Message(body, **said), routing_key=QUEUE)
    assert taken(receiver, 4)[1:] == [BOMB, GOOD.to_bytes(), b""]


def test_an_amqp_message_that_is_too_large_is_passed_over_and_the_next_one_taken(
    rabbit: tuple[amqp.Channel, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailtally_shared.wire.amqp_frames.MAX_MESSAGE", 2**20)
    sender, receiver = rabbit
    for body in (bytes(2**20 + 1), GOOD.to_bytes(), bytes(3 * 2**20), bytes(2**20)):
        sender.basic_publish(amqp.Message(body), routing_key=QUEUE)
    assert taken(receiver, 4) == [TOO_LARGE, GOOD.to_bytes(), TOO_LARGE, bytes(2**20)]
