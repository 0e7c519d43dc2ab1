"""From the queue into the totals: bad items are set aside, the others are not held up."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally_aggregator.intake.receive import Received, Receiver
from mailtally_aggregator.policies import GroupLimits
from mailtally_collector.ship.publish import Publisher
from mailtally_shared.calendar import Calendar
from mailtally_shared.rows import STEPS
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.uncounted.quarantine import FAILURES
from mailtally_shared.state.uncounted.quarantined import kept_aside
from mailtally_shared.wire.announcement import BatchHeader, Heartbeat
from mailtally_shared.wire.payload import checksum
from tests.support.intake import Intake
from tests.support.records import NONCE, NOON, FakeCollector, Record, domain_sums, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
RECORDS = [Record(size=10), Record(domain="b.example", size=5)]


class Pipe:
    """A collector's sending end and an aggregator's taking end of one queue."""

    def __init__(
        self,
        *,
        state: State,
        keys: StateKeys,
        calendar: Calendar,
        url: str,
        hosted: Path | None = None,
        limits: GroupLimits | None = None,
    ) -> None:
        self.state, self.keys = state, keys
        self.mail1 = FakeCollector(state, keys)
        self.publisher = Publisher(url, state)
        self.receiver = Receiver(url, prefetch=32)
        self.committer = Committer(state, keys, calendar)
        self.intake = Intake(
            receiver=self.receiver,
            state=state,
            keys=keys,
            committer=self.committer,
            hosted=hosted,
            limits=limits,
        )

    def send(self, header: BatchHeader, payload: bytes | None = None) -> None:
        stored = self.state.get(header.payload_key) if payload is None else payload
        assert isinstance(stored, bytes)
        self.publisher.batches([(header.to_bytes(), header.payload_key, stored)])

    def say(self, body: bytes) -> None:
        self.publisher.batches([(body, self.keys.payload("x", 1, "y"), b"")])

    def drain(self) -> None:
        while self.intake.turn(NOON):
            pass

    def sums(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for row in Totals(self.state, self.keys).read(DAY).rows:
            sums[row.domain] += row.bytes
        return dict(sums)

    def close(self) -> None:
        self.publisher.reset()
        self.receiver.close()


@pytest.fixture
def pipe(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> Iterator[Pipe]:
    made = Pipe(state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url)
    yield made
    made.close()


def test_what_is_sent_is_counted(pipe: Pipe) -> None:
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)


def test_a_message_that_a_lost_connection_still_hands_out_is_not_taken(pipe: Pipe) -> None:
    pipe.drain()  # it waits for the next message from here on
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.intake.reset()
    pipe.drain()
    assert pipe.sums() in ({}, domain_sums(RECORDS))


def test_a_batch_sent_many_times_counts_once_and_leaves_no_payload(pipe: Pipe) -> None:
    header = pipe.mail1.batch(RECORDS)
    payload = pipe.state.get(header.payload_key)
    assert isinstance(payload, bytes)
    for _ in range(3):
        pipe.send(header, payload)
        pipe.drain()
        pipe.send(header, payload)
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)
    assert not pipe.state.exists(header.payload_key)


def test_an_acknowledged_message_does_not_come_back(pipe: Pipe) -> None:
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.drain()
    pipe.intake.reset()
    assert pipe.intake.turn(NOON) == 0
    assert not pipe.state.keys("*unacked*")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[1]", b'{"kind":"batch"}'])
def test_a_message_that_is_no_announcement_is_set_aside(pipe: Pipe, body: bytes) -> None:
    pipe.say(body)
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)
    assert pipe.state.hget(pipe.keys.quarantine_sums, "batches") == b"1"


def test_a_poison_batch_is_kept_aside_and_the_next_one_counts(pipe: Pipe) -> None:
    poison, good = pipe.mail1.batch(RECORDS), pipe.mail1.batch(RECORDS)
    for _ in range(FAILURES):
        pipe.send(poison, b"junk")
    pipe.send(good)
    pipe.drain()
    for _ in range(FAILURES):  # a handful holds a batch once, however often it was announced
        pipe.send(poison, b"junk")
        pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)
    assert pipe.state.hget(pipe.keys.ledger(pipe.mail1.id), "hwm") == b"2"
    assert pipe.state.hget(pipe.keys.quarantine_sums, "reason:bad-checksum") == b"1"


def test_a_damaged_payload_heals_when_it_is_sent_again(pipe: Pipe) -> None:
    header = pipe.mail1.batch(RECORDS)
    payload = pipe.state.get(header.payload_key)
    assert isinstance(payload, bytes)
    pipe.send(header, b"junk")
    pipe.drain()
    pipe.send(header, payload)
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)
    assert not pipe.state.exists(pipe.keys.quarantine)


def test_a_header_that_miscounts_its_payload_is_refused(pipe: Pipe) -> None:
    header = pipe.mail1.batch(RECORDS).model_copy(update={"records": 3, "lines": 3})
    for _ in range(FAILURES):
        pipe.send(header)
        pipe.drain()
    assert pipe.state.hget(pipe.keys.quarantine_sums, "reason:bad-counts") == b"1"


@pytest.mark.parametrize("step", STEPS)
def test_folded_records_count_as_those_sent_one_by_one(pipe: Pipe, step: int) -> None:
    records = [*RECORDS * 3, Record(time=NOON + 1, size=5, attempts=4)]
    pipe.send(pipe.mail1.batch_of(rows(records, step)))
    pipe.drain()
    totals = Totals(pipe.state, pipe.keys).read(DAY)
    assert pipe.sums() == domain_sums(records)
    assert totals.messages == len(records)
    assert totals.transferred == sum(r.size * max(r.attempts, 1) for r in records)
    assert pipe.state.hget(pipe.keys.ledger(pipe.mail1.id), "records") == b"%d" % len(records)


def test_a_row_with_records_of_two_days_is_refused(pipe: Pipe) -> None:
    """Its day would be that of the step's first second; others may belong to the next one."""
    pipe.committer.calendar = Calendar(ZoneInfo("Asia/Kolkata"))  # whose days begin at 18:30 UTC
    evening = [Record(time=NOON + 6 * 3600 + minute * 60) for minute in (1, 59)]
    for step in (3600, 900):
        header = pipe.mail1.batch_of(rows(evening, step))
        payload = pipe.state.get(header.payload_key)
        assert isinstance(payload, bytes)
        for _ in range(FAILURES):
            pipe.send(header, payload)
            pipe.drain()
    assert pipe.state.hget(pipe.keys.quarantine_sums, "reason:bad-step") == b"1"
    assert Totals(pipe.state, pipe.keys).read(DAY).messages == 1
    assert Totals(pipe.state, pipe.keys).read(DAY + timedelta(1)).messages == 1


@pytest.mark.parametrize("counts", [{"rows": 1}, {"rows": 3}, {"records": 3, "lines": 3}])
def test_a_header_that_miscounts_folded_rows_is_refused(pipe: Pipe, counts: dict[str, int]) -> None:
    two = rows([Record(), Record(), Record(domain="b.example"), Record(domain="b.example")], 3600)
    header = pipe.mail1.batch_of(two).model_copy(update=counts)
    for _ in range(FAILURES):
        pipe.send(header)
        pipe.drain()
    assert pipe.state.hget(pipe.keys.quarantine_sums, "reason:bad-counts") == b"1"


def test_an_announcement_whose_payload_is_gone_is_dropped(pipe: Pipe) -> None:
    header = pipe.mail1.batch(RECORDS)
    payload = pipe.state.get(header.payload_key)
    assert isinstance(payload, bytes)
    pipe.send(header, payload)
    pipe.state.delete(header.payload_key)
    pipe.drain()
    assert pipe.sums() == {}
    pipe.send(header, payload)
    pipe.drain()
    assert pipe.sums() == domain_sums(RECORDS)


def test_a_heartbeat_that_comes_with_its_batch_counts(pipe: Pipe) -> None:
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.publisher.heartbeat(
        Heartbeat(
            collector_id=pipe.mail1.id,
            epoch=1,
            nonce=NONCE,
            host="mail1",
            after_seq=1,
            watermark=77,
        )
    )
    pipe.drain()
    assert Totals(pipe.state, pipe.keys).watermarks() == {"mail1": 77.0}


@pytest.mark.parametrize(
    ("limits", "hosts", "groups"),
    [
        (GroupLimits(batches=8, rows=3), ["mail1"], 6),
        (GroupLimits(batches=4), ["mail1"], 2),
        (GroupLimits(names=2), ["mail1"], 6),
        (GroupLimits(names=3), ["mail1"], 1),  # the same two, however many batches have them
        (GroupLimits(names=3), ["mail1", "mail2"], 3),  # each collector has names of its own
        (GroupLimits(names=5), ["mail1", "mail2"], 1),
        (GroupLimits(), ["mail1"], 1),
    ],
)
def test_groups_keep_to_their_limits_and_all_is_counted(
    *,
    state: State,
    keys: StateKeys,
    calendar: Calendar,
    empty_redis: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
    limits: GroupLimits,
    hosts: list[str],
    groups: int,
) -> None:
    pipe = Pipe(
        state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url, limits=limits
    )
    collect = pipe.receiver.collect

    def collect_all(*_: object) -> Received:
        received = Received()
        while len(received.messages) < 6:
            received.messages += collect(lambda _: False).messages
        return received

    monkeypatch.setattr(pipe.receiver, "collect", collect_all)
    senders = [pipe.mail1, *(FakeCollector(state, keys, host) for host in hosts[1:])]
    for number in range(6):
        pipe.send(senders[number % len(senders)].batch(RECORDS))
    for _ in range(groups):
        pipe.intake.turn(NOON)
    assert pipe.sums() == domain_sums(RECORDS * 6)
    assert state.hget(keys.totals.day(DAY), "changes") == b"%d" % groups
    pipe.close()


def test_only_hosted_domains_are_charged_by_name(
    state: State,
    keys: StateKeys,
    calendar: Calendar,
    empty_redis: EmbeddedRedis,
    tmp_path: Path,
) -> None:
    hosted = tmp_path / "hosted"
    hosted.write_text("example.com\n")
    pipe = Pipe(
        state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url, hosted=hosted
    )
    pipe.send(pipe.mail1.batch(RECORDS))
    pipe.drain()
    assert pipe.sums() == {"example.com": 10, "(not hosted)": 5}
    pipe.close()


def test_a_payload_of_another_batch_is_not_counted(pipe: Pipe) -> None:
    mine, other = pipe.mail1.batch(RECORDS), pipe.mail1.batch([Record(size=999)])
    payload = pipe.state.get(other.payload_key)
    assert isinstance(payload, bytes)
    assert checksum(payload) != mine.checksum
    pipe.send(mine, payload)
    pipe.drain()
    assert pipe.sums() == {}


def test_another_batch_under_a_known_number_is_counted_as_such_and_its_payload_goes(
    pipe: Pipe,
) -> None:
    for records in (RECORDS, RECORDS[:1]):
        header = pipe.mail1.batch(records, seq=1)
        pipe.send(header)
        pipe.drain()
        assert not pipe.state.exists(header.payload_key)
    ledger = pipe.state.hgetall(pipe.keys.ledger(pipe.mail1.id))
    assert (ledger[b"different"], ledger[b"different_at"]) == (b"1", b"%d" % NOON)
    assert pipe.sums() == domain_sums(RECORDS)


def test_a_batch_that_is_too_large_to_be_read_is_kept_whole(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> None:
    limits = GroupLimits(max_payload=50)
    url = empty_redis.broker_url
    pipe = Pipe(state=state, keys=keys, calendar=calendar, url=url, limits=limits)
    header = pipe.mail1.batch(RECORDS)
    payload = state.get(header.payload_key)
    assert isinstance(payload, bytes)
    assert len(payload) > limits.max_payload
    for _ in range(FAILURES):
        pipe.send(header, payload)
        pipe.drain()
    assert [kept.payload for kept in kept_aside(state, keys)] == [payload]
    pipe.close()
