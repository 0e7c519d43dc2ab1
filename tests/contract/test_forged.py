"""Whoever may write into the queue, or into one collector's own keys, harms no other figures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_aggregator.intake.group import Group
from mailtally_aggregator.intake.receive import Receiver
from mailtally_aggregator.policies import GroupLimits
from mailtally_collector.ship.publish import Publisher
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.uncounted.quarantine import FAILURES
from mailtally_shared.wire.announcement import MAX_REASONS, BatchHeader, Heartbeat
from mailtally_shared.wire.queue import QUEUE
from tests.support.intake import Intake
from tests.support.records import NONCE, NOON, FakeCollector, Record, rows
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

RECORDS = [Record(size=10)]
SMALL = GroupLimits(max_payload=64 * 1024)


class Forger:
    """One honest collector, one whose host was taken over, and an aggregator."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, url: str) -> None:
        self.state, self.keys = state, keys
        self.honest = FakeCollector(state, keys, "mail1")
        self.taken = FakeCollector(state, keys, "mail2")
        self.publisher = Publisher(url, state)
        self.receiver = Receiver(url, prefetch=32)
        self.intake = Intake(
            receiver=self.receiver,
            state=state,
            keys=keys,
            committer=Committer(state, keys, calendar),
            limits=SMALL,
        )
        self.days = Totals(state, keys)

    def announce(self, header: BatchHeader, **forged: object) -> None:
        """Send a header with some of its fields replaced."""
        body = json.dumps(json.loads(header.to_bytes()) | forged).encode()
        self.publisher.batches([(body, header.payload_key, self._stored(header))])

    def _stored(self, header: BatchHeader) -> bytes:
        stored = self.state.get(header.payload_key)
        assert isinstance(stored, bytes)
        return stored

    def drain(self) -> None:
        while self.intake.turn(NOON):
            pass

    def counted(self) -> int:
        """Messages in all totals."""
        return sum(
            row.messages for state in self.days.days() for row in self.days.read(state.day).rows
        )

    def reasons(self) -> dict[bytes, bytes]:
        sums: dict[bytes, bytes] = self.state.hgetall(self.keys.quarantine_sums)  # type: ignore[assignment]  # not asynchronous
        return sums


@pytest.fixture
def forger(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> Iterator[Forger]:
    made = Forger(state, keys, calendar, empty_redis.broker_url)
    yield made
    made.publisher.reset()
    made.receiver.close()


def assert_honest_batches_count(forger: Forger) -> None:
    before = forger.counted()
    forger.announce(forger.honest.batch(RECORDS))
    forger.drain()
    assert forger.counted() == before + 1


def test_an_announcement_cannot_have_another_key_read_or_deleted(forger: Forger) -> None:
    victim = forger.keys.registration("mail1")
    header = forger.taken.batch(RECORDS)
    forger.announce(header, payload_key=victim)
    forger.drain()
    assert forger.state.exists(victim)
    assert forger.reasons()[b"reason:foreign-key"] == b"1"
    assert_honest_batches_count(forger)


def test_a_batch_in_the_name_of_another_host_is_refused(forger: Forger) -> None:
    forger.announce(forger.taken.batch(RECORDS), host="mail1")
    forger.drain()
    assert forger.counted() == 0


def test_lines_that_name_another_host_change_none_of_its_collectors_figures(
    forger: Forger,
) -> None:
    theirs = Record(host="mail1", size=10)
    forger.announce(forger.honest.batch([theirs]))
    forger.announce(forger.taken.batch([replace(theirs, size=50)]))
    forger.drain()
    (day,) = forger.days.days()
    rows = forger.days.read(day.day).rows
    found = {(row.collector, row.host): row.bytes for row in rows}
    assert found == {("mail1", "mail1"): 10, ("mail2", "mail1"): 50}


def test_a_batch_under_another_epoch_is_refused(forger: Forger) -> None:
    forger.announce(forger.taken.batch(RECORDS), epoch=2)
    forger.drain()
    assert forger.counted() == 0


def test_a_watermark_in_the_future_passes_only_the_senders_own_host(forger: Forger) -> None:
    for host in ("mail1", "mail2"):
        heartbeat = Heartbeat(
            collector_id=forger.taken.id,
            epoch=1,
            nonce=NONCE,
            host=host,
            after_seq=0,
            watermark=2**53 - 1,
        )
        forger.publisher.heartbeat(heartbeat)
    forger.drain()
    assert forger.days.watermarks() == {"mail1": 0.0, "mail2": float(2**53 - 1)}


def test_how_far_an_earlier_start_had_read_closes_no_day_for_the_next_one(forger: Forger) -> None:
    def beat(watermark: int) -> None:
        heartbeat = Heartbeat(
            collector_id=forger.taken.id,
            epoch=forger.taken.epoch,
            nonce=forger.taken.nonce,
            host="mail2",
            after_seq=0,
            watermark=watermark,
        )
        forger.publisher.heartbeat(heartbeat)
        forger.drain()

    beat(END_OF_TIME)
    forger.taken.epoch, forger.taken.nonce = 2, "f" * 32
    forger.taken.register()
    assert forger.days.watermarks()["mail2"] == 0.0
    beat(NOON)
    assert forger.days.watermarks() == {"mail1": 0.0, "mail2": float(NOON)}


def test_what_a_header_claims_to_count_is_bounded(forger: Forger) -> None:
    many = {f"reason-{'x' * n}": 2**40 for n in range(MAX_REASONS + 1)}
    for forged in ({"malformed": many}, {"records": 2**41}, {"lines": 2**53 - 1}):
        forger.announce(forger.taken.batch(RECORDS), **forged)
    forger.drain()
    assert forger.reasons()[b"reason:bad-header"] == b"3"
    assert_honest_batches_count(forger)


def test_counts_that_no_payload_holds_reach_no_total(forger: Forger) -> None:
    header = forger.taken.batch(RECORDS)
    for _ in range(FAILURES):
        forger.announce(header, records=2**40, lines=2**40)
        forger.state.set(header.payload_key, b"junk")
        forger.drain()
    assert_honest_batches_count(forger)


def test_a_payload_larger_than_announced_is_not_fetched_whole(forger: Forger) -> None:
    header = forger.taken.batch(RECORDS)
    forger.state.append(header.payload_key, b"x" * 10_000_000)
    forger.announce(header)
    forger.drain()
    assert forger.counted() == 1  # of what was announced nothing is wrong
    assert not forger.state.exists(header.payload_key)


def test_a_payload_announced_as_too_large_is_refused_unread(forger: Forger) -> None:
    header = forger.taken.batch(RECORDS)
    for _ in range(FAILURES):
        forger.announce(header, payload_bytes=2**50)
        forger.drain()
    assert forger.reasons()[b"reason:too-large"] == b"1"
    assert_honest_batches_count(forger)


def test_a_group_holds_no_more_bytes_than_one_payload_may(forger: Forger) -> None:
    half = SMALL.max_payload // 2 + 1
    header = forger.taken.batch(RECORDS).model_copy(update={"payload_bytes": half})
    group = Group()
    assert group.has_room_for(header, SMALL)
    group.add(Batch(header, rows(RECORDS)))
    assert not group.has_room_for(header, SMALL)


PROPERTIES: list[dict[str, Any]] = [
    {},
    {"delivery_tag": "t", "delivery_info": {}},
    {"delivery_tag": ["t"], "delivery_info": {"exchange": "", "routing_key": QUEUE}},
    {"delivery_tag": "t", "delivery_info": {"exchange": "", "routing_key": QUEUE}},
]
PROPERTIES += [{**properties, "body_encoding": "base64"} for properties in PROPERTIES]
ENVELOPES = ["", "{}", "[]", "1", "null", '"x"', "[" * 100_000, '{"body":"x"}']
ENVELOPES += [
    json.dumps({"body": body, "headers": {}, "properties": properties})
    for body in ("", None, 10**12, "\ud800")
    for properties in PROPERTIES
]


def test_what_is_no_message_at_all_stops_nothing(forger: Forger) -> None:
    forger.drain()
    for envelope in ENVELOPES:
        forger.state.lpush(QUEUE, envelope)
    forger.announce(forger.honest.batch(RECORDS))
    wait_until(lambda: forger.intake.turn(NOON) >= 0 and forger.counted() == 1)


SPOILT: list[dict[Any, Any]] = [
    {"hwm": "much"},
    {"hwm": "nan"},
    {"hwm": "1e308"},
    {"watermark": "tomorrow"},
    {"watermark": b"\xff"},
    {"lines": "many"},
    {"malformed:\n": "x", "malformed:\xff".encode("latin-1"): "-1"},
    {"lines": str(2**63 - 1), "records": str(2**63 - 1)},
]


@pytest.mark.parametrize("spoilt", SPOILT, ids=str)
def test_a_collector_that_spoils_its_own_ledger_spoils_no_other_figures(
    forger: Forger, spoilt: dict[Any, Any]
) -> None:
    forger.state.hset(forger.keys.ledger(forger.taken.id), mapping=spoilt)
    header = forger.taken.batch(RECORDS)
    forger.announce(header)
    forger.announce(forger.honest.batch(RECORDS))
    forger.drain()
    forger.announce(forger.honest.batch(RECORDS), seq=1)  # known: a repetition
    forger.drain()
    assert read_books(forger.state, forger.keys).ledgers
    honest = forger.state.hgetall(forger.keys.ledger(forger.honest.id))
    assert honest[b"records"] == b"1"
    assert forger.counted() <= 2
    assert forger.days.watermarks()["mail1"] == 0.0


def test_a_host_name_that_is_none_does_not_end_the_day_writer(forger: Forger) -> None:
    forger.state.sadd(forger.keys.hosts, b"\xff\n")
    forger.state.hset(forger.keys.registration("mail2"), "id", b"\xfe")
    assert set(forger.days.watermarks()) == {"mail1", "mail2"}
    assert read_books(forger.state, forger.keys).owners["mail2"] == "\\xfe"
