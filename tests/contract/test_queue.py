"""What every queue must do for collectors and aggregators.

It need not hand out again what a lost consumer held, nor keep anything through a restart: what the
ledger does not show is sent again.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_aggregator.intake.receive import Receiver
from mailtally_collector.ship.publish import Publisher
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import connect_state, unavailable_errors
from mailtally_shared.wire.announcement import Heartbeat
from mailtally_shared.wire.queue import batch_queue, connect_broker
from tests.support.records import NONCE
from tests.support.sentinel_pair import SentinelPair
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from tests.support.rabbitmq import RabbitNode

pytest_plugins = ["tests.support.rabbitmq"]

PREFETCH = 4


def some(number: int) -> Heartbeat:
    return Heartbeat(
        collector_id="a" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=number, watermark=7
    )


def numbers(*given: int) -> list[bytes]:
    return sorted(some(number).to_bytes() for number in given)


@pytest.fixture(scope="module")
def sentinel(redis_program: Path) -> Iterator[SentinelPair]:
    assert redis_program
    with (
        tempfile.TemporaryDirectory(prefix="mailtally-pair-") as directory,
        SentinelPair(Path(directory)) as pair,
    ):
        yield pair


@pytest.fixture(params=["redis", "rabbitmq", "sentinel"])
def broker_url(request: pytest.FixtureRequest, empty_redis: EmbeddedRedis) -> str:
    """An empty queue of each kind in turn."""
    if request.param == "redis":
        return empty_redis.broker_url
    server: RabbitNode | SentinelPair = request.getfixturevalue(request.param)
    with connect_broker(server.url) as connection:
        queue = batch_queue()(connection.channel())
        queue.declare()
        queue.purge()
    return server.url


@pytest.fixture
def publisher(broker_url: str, state: State) -> Iterator[Publisher]:
    made = Publisher(broker_url, state)
    yield made
    made.reset()


@contextmanager
def receiving(url: str) -> Iterator[Receiver]:
    made = Receiver(url, prefetch=PREFETCH)
    yield made
    made.reset()


def taken(receiver: Receiver, count: int) -> list[bytes]:
    """So many messages, in no order; fails if they do not come."""
    bodies: list[bytes] = []

    def enough() -> bool:
        received = receiver.collect(lambda held: held >= PREFETCH)
        bodies.extend(received.bodies())
        receiver.acknowledge(received.messages)
        return len(bodies) >= count

    wait_until(enough, what=f"{count} messages")
    return sorted(bodies)


def nothing_comes(receiver: Receiver) -> bool:
    return not receiver.collect(lambda held: held >= 1).messages


def test_what_is_sent_arrives_whole(publisher: Publisher, broker_url: str) -> None:
    big = b"\x00\xff" + bytes(range(256)) * 4096
    publisher.batches([(big, "payload", b"")])
    with receiving(broker_url) as receiver:
        assert taken(receiver, 1) == [big]
        assert nothing_comes(receiver)


def test_consumers_share_the_work_and_none_is_done_twice(
    publisher: Publisher, broker_url: str
) -> None:
    with receiving(broker_url) as one, receiving(broker_url) as other:
        assert nothing_comes(one)
        assert nothing_comes(other)
        for number in range(4 * PREFETCH):
            publisher.heartbeat(some(number))
        bodies: list[bytes] = []

        def all_come() -> bool:
            for receiver in (one, other):
                received = receiver.collect(lambda held: held >= PREFETCH)
                bodies.extend(received.bodies())
                receiver.acknowledge(received.messages)
            return len(bodies) >= 4 * PREFETCH

        wait_until(all_come, what="all messages")
    assert sorted(bodies) == numbers(*range(4 * PREFETCH))


def test_what_was_acknowledged_does_not_come_again(publisher: Publisher, broker_url: str) -> None:
    publisher.heartbeat(some(1))
    with receiving(broker_url) as receiver:
        taken(receiver, 1)
    with receiving(broker_url) as next_one:
        assert nothing_comes(next_one)


def test_a_message_of_a_lost_connection_is_not_acknowledged_on_the_next(
    publisher: Publisher, broker_url: str
) -> None:
    with receiving(broker_url) as receiver:
        publisher.heartbeat(some(1))
        found: list[Any] = wait_until(lambda: receiver.collect(lambda held: held >= 1).messages)
        receiver.reset()
        nothing_comes(receiver)  # it is connected again
        found[0].ack = lambda: pytest.fail("it was acknowledged")
        receiver.acknowledge(found)


def test_what_is_sent_before_anybody_listens_waits(publisher: Publisher, broker_url: str) -> None:
    for number in range(3):
        publisher.heartbeat(some(number))
    publisher.reset()
    with receiving(broker_url) as receiver:
        assert taken(receiver, 3) == numbers(0, 1, 2)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "amqp://guest:guest@127.0.0.1:1//",
        "sentinel://127.0.0.1:1/0?master_name=mailtally",
    ],
)
def test_a_broker_that_is_away_is_unavailable_in_a_plain_sentence(url: str) -> None:
    with (
        receiving(url) as receiver,
        pytest.raises(Unavailable, match=r"\AThe broker does not answer: [^<>]*\.\Z"),
    ):
        receiver.collect(lambda held: held >= 1)


def test_a_state_behind_sentinels_that_are_away_is_unavailable_in_a_plain_sentence() -> None:
    state = connect_state("sentinel://127.0.0.1:1/0?master_name=mailtally")
    plain = r"No master found for 'mailtally'\.\Z"
    with pytest.raises(Unavailable, match=plain), unavailable_errors():
        state.ping()


def persistently(end: Publisher | Receiver, action: Callable[[], object]) -> None:
    """What the services do: again, with new connections, until it works."""

    def works() -> bool:
        try:
            action()
        except Unavailable:
            end.reset()
            return False
        return True

    wait_until(works, 60, "the broker's return")


def comes(receiver: Receiver, number: int) -> None:
    """Fails unless this message comes; others may, for they were not lost."""
    bodies: list[bytes] = []
    while some(number).to_bytes() not in bodies:
        bodies += taken(receiver, 1)


def test_both_ends_go_on_after_rabbitmq_was_restarted(rabbitmq: RabbitNode, state: State) -> None:
    with connect_broker(rabbitmq.url) as connection:
        batch_queue()(connection.channel()).declare()
    with receiving(rabbitmq.url) as receiver:
        publisher = Publisher(rabbitmq.url, state)
        publisher.heartbeat(some(1))
        assert taken(receiver, 1) == numbers(1)
        publisher.heartbeat(some(2))
        rabbitmq.stop()
        with pytest.raises(Unavailable):
            wait_until(lambda: publisher.heartbeat(some(3)), what="notice of the loss")
        publisher.reset()
        rabbitmq.start()
        persistently(publisher, lambda: publisher.heartbeat(some(4)))
        persistently(receiver, lambda: comes(receiver, 4))


def test_both_ends_go_on_at_the_new_master_after_a_failover(
    redis_program: Path, tmp_path: Path
) -> None:
    assert redis_program
    with SentinelPair(tmp_path) as pair, receiving(pair.url) as receiver:
        state = connect_state(pair.url)
        publisher = Publisher(pair.url, state)
        publisher.batches([(some(1).to_bytes(), "payload", b"one")])
        assert taken(receiver, 1) == numbers(1)
        pair.fail_over()
        second = (some(2).to_bytes(), "payload", b"two")
        persistently(publisher, lambda: publisher.batches([second]))
        persistently(receiver, lambda: comes(receiver, 2))
        assert state.get("payload") == b"two"
        assert pair.client().get("payload") == b"two"
