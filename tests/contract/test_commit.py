"""The ledger and the totals: each batch counts once, all of a group or none of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.request import OVERFLOW, Batch, Caps
from mailtally_aggregator.totals import Totals
from mailtally_shared.columns import MAX_SIZE
from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.header import BatchHeader, Heartbeat
from mailtally_shared.state.client import connect_state
from mailtally_shared.status import digest_of
from tests.support.records import NONCE, NOON, FakeCollector, Record, columns, domain_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_aggregator.outcome import Outcome
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
ONE = [Record(domain="a.example", size=10), Record(domain="b.example", size=5, attempts=3)]
TWO = [Record(domain="a.example", size=7)]


class Cluster:
    """A committer and what it wrote."""

    def __init__(
        self, state: State, keys: StateKeys, calendar: Calendar, caps: Caps | None = None
    ) -> None:
        self.state, self.keys = state, keys
        self.committer = Committer(state, keys, calendar, caps=caps)
        self.totals = Totals(state, keys)

    def apply(self, *batches: tuple[BatchHeader, Sequence[Record]]) -> Outcome:
        group = [Batch(header, columns(records)) for header, records in batches]
        return self.committer.apply(group, [], NOON)

    def sums(self, day: date = DAY) -> dict[str, int]:
        sums: dict[str, int] = {}
        for row in self.totals.read(day).rows:
            sums[row.domain] = sums.get(row.domain, 0) + row.bytes
        return sums

    def ledger(self, collector: FakeCollector) -> dict[bytes, bytes]:
        return self.state.hgetall(self.keys.ledger(collector.id))  # type: ignore[return-value]  # redis-py types both clients at once


@pytest.fixture
def cluster(state: State, keys: StateKeys, calendar: Calendar) -> Cluster:
    return Cluster(state, keys, calendar)


@pytest.fixture
def mail1(state: State, keys: StateKeys) -> FakeCollector:
    return FakeCollector(state, keys)


def test_a_group_is_added_up_and_marked(cluster: Cluster, mail1: FakeCollector) -> None:
    outcome = cluster.apply((mail1.batch(ONE), ONE), (mail1.batch(TWO), TWO))
    assert [b.header.seq for b in outcome.applied] == [1, 2]
    assert cluster.sums() == domain_sums(ONE + TWO)
    assert cluster.ledger(mail1)[b"hwm"] == b"2"
    assert cluster.ledger(mail1)[b"records"] == b"3"
    assert cluster.ledger(mail1)[b"progress"] == b'{"note":2}'
    totals = cluster.totals.read(DAY)
    assert (totals.messages, totals.bytes, totals.transferred) == (3, 22, 32)


def test_payloads_leave_with_the_commit(cluster: Cluster, mail1: FakeCollector) -> None:
    header = mail1.batch(ONE)
    cluster.apply((header, ONE))
    assert not cluster.state.exists(header.payload_key)


def test_a_batch_that_comes_twice_counts_once(cluster: Cluster, mail1: FakeCollector) -> None:
    first, second = mail1.batch(ONE), mail1.batch(TWO)
    cluster.apply((first, ONE))
    outcome = cluster.apply((first, ONE), (second, TWO))
    assert [b.header.seq for b in outcome.known] == [1]
    assert [b.header.seq for b in outcome.applied] == [2]
    assert cluster.sums() == domain_sums(ONE + TWO)


def test_a_batch_that_is_twice_in_one_group_counts_once(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    header = mail1.batch(ONE)
    outcome = cluster.apply((header, ONE), (header, ONE))
    assert (len(outcome.applied), len(outcome.known)) == (1, 1)
    assert cluster.sums() == domain_sums(ONE)


def test_batches_out_of_order_wait_above_the_gap(cluster: Cluster, mail1: FakeCollector) -> None:
    headers = [mail1.batch(TWO) for _ in range(4)]
    cluster.apply((headers[3], TWO), (headers[1], TWO))
    assert cluster.ledger(mail1).get(b"hwm", b"0") == b"0"
    outcome = cluster.apply((headers[3], TWO))
    assert [b.header.seq for b in outcome.known] == [4]
    cluster.apply((headers[0], TWO))
    assert cluster.ledger(mail1)[b"hwm"] == b"2"
    cluster.apply((headers[2], TWO))
    assert cluster.ledger(mail1)[b"hwm"] == b"4"
    assert cluster.state.hlen(cluster.keys.ahead(mail1.id)) == 0
    assert cluster.sums() == domain_sums(TWO * 4)


def test_a_watermark_counts_only_when_nothing_before_it_is_missing(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    first, second = mail1.batch(TWO, watermark=100), mail1.batch(TWO, watermark=200)
    cluster.apply((second, TWO))
    assert cluster.totals.watermarks() == {"mail1": 0.0}
    cluster.apply((first, TWO))
    assert cluster.totals.watermarks() == {"mail1": 200.0}


def test_a_watermark_never_goes_back(cluster: Cluster, mail1: FakeCollector) -> None:
    cluster.apply((mail1.batch(TWO, watermark=200), TWO))
    cluster.apply((mail1.batch(TWO, watermark=100), TWO))
    assert cluster.totals.watermarks() == {"mail1": 200.0}


@pytest.mark.parametrize(("after_seq", "expected"), [(1, 500.0), (2, 0.0)])
def test_a_heartbeat_counts_once_what_it_follows_is_applied(
    cluster: Cluster, mail1: FakeCollector, after_seq: int, expected: float
) -> None:
    cluster.apply((mail1.batch(TWO), TWO))
    heartbeat = Heartbeat(
        collector_id=mail1.id,
        epoch=1,
        nonce=NONCE,
        host="mail1",
        after_seq=after_seq,
        watermark=500,
    )
    cluster.committer.apply([], [heartbeat], NOON)
    assert cluster.totals.watermarks() == {"mail1": expected}


def beat(collector: FakeCollector, status: str | None, **more: Any) -> Heartbeat:  # noqa: ANN401 - of any field
    fields: dict[str, Any] = {
        "epoch": 1,
        "nonce": NONCE,
        "host": "mail1",
        "after_seq": 0,
        "watermark": 0,
    }
    return Heartbeat(collector_id=collector.id, status=status, **fields | more)


def test_the_ledger_keeps_the_last_status_document(cluster: Cluster, mail1: FakeCollector) -> None:
    for status in ('{"since": 1}', '{"since": 2}', None):
        cluster.committer.apply([], [beat(mail1, status)], NOON)
    found = cluster.ledger(mail1)
    assert found[b"status"] == b'{"since": 2}'
    assert found[b"status_digest"].decode() == digest_of('{"since": 2}')


def test_a_status_document_counts_though_batches_are_under_way(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    cluster.committer.apply([], [beat(mail1, "{}", after_seq=5, watermark=500)], NOON)
    assert cluster.ledger(mail1)[b"status"] == b"{}"
    assert cluster.totals.watermarks() == {"mail1": 0.0}


@pytest.mark.parametrize("other", [{"epoch": 2}, {"host": "mail2"}])
def test_a_status_document_of_another_is_not_kept(
    cluster: Cluster, mail1: FakeCollector, other: dict[str, Any]
) -> None:
    cluster.committer.apply([], [beat(mail1, "{}", **other)], NOON)
    assert b"status" not in cluster.ledger(mail1)


def test_an_expected_host_that_never_came_has_read_nothing(cluster: Cluster) -> None:
    assert cluster.totals.watermarks(["mail9"]) == {"mail9": 0.0}


def test_batches_of_a_collector_that_was_taken_over_are_refused(
    cluster: Cluster, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    before = mail1.batch(ONE)
    successor = FakeCollector(state, keys, epoch=2)
    after = successor.batch(TWO)
    outcome = cluster.apply((before, ONE), (after, TWO))
    assert [b.header.collector_id for b in outcome.fenced] == [mail1.id]
    assert [b.header.collector_id for b in outcome.applied] == [successor.id]
    assert cluster.sums() == domain_sums(TWO)


def test_names_beyond_the_cap_are_charged_to_overflow(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    cluster = Cluster(state, keys, calendar, Caps(names=3, statuses=200))
    first = [Record(domain=f"d{i}.example", size=1) for i in range(2)]
    second = [Record(domain=f"d{i}.example", size=1) for i in range(5)]
    cluster.apply((mail1.batch(first), first))
    cluster.apply((mail1.batch(second), second))
    sums = cluster.sums()
    assert sums.pop(OVERFLOW) == 2
    assert sum(sums.values()) == 5
    assert len(sums) == 3
    assert sums["d0.example"] == 2


def test_unknown_statuses_beyond_the_cap_are_called_other(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    cluster = Cluster(state, keys, calendar, Caps(names=1000, statuses=2))
    records = [Record(status=f"odd{i}") for i in range(4)] + [Record(status="success")]
    cluster.apply((mail1.batch(records), records))
    messages = {row.status: row.messages for row in cluster.totals.read(DAY).rows}
    assert messages["other"] == 2
    assert messages["success"] == 1
    assert len(messages) == 4


def test_a_batch_that_overflows_a_day_is_set_aside_alone(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    huge = [Record(size=MAX_SIZE)] * 500
    headers = [mail1.batch(huge) for _ in range(3)]
    small = mail1.batch(ONE)
    outcome = cluster.apply(*((h, huge) for h in headers), (small, ONE))
    assert [b.header.seq for b in outcome.applied] == [1, 2, 4]
    assert [b.header.seq for b in outcome.overflowing] == [3]
    totals = cluster.totals.read(DAY)
    assert totals.bytes == 1000 * MAX_SIZE + 15
    assert sum(row.bytes for row in totals.rows) == totals.bytes


def test_days_beyond_the_cap_are_kept_aside_with_their_batch(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    cluster = Cluster(state, keys, calendar, Caps(days=2))
    forged = [Record(time=NOON + day * 86_400) for day in range(1, 4)]
    outcome = cluster.apply((mail1.batch(forged), forged), (mail1.batch(ONE), ONE))
    assert [b.header.seq for b in outcome.crowding] == [1]
    assert [b.header.seq for b in outcome.applied] == [2]
    one_more = [Record(time=NOON + 86_400)]
    assert cluster.apply((mail1.batch(one_more), one_more)).applied
    another = [Record(time=NOON + 2 * 86_400)]
    assert cluster.apply((mail1.batch(another), another)).crowding
    assert cluster.apply((mail1.batch(ONE), ONE)).applied  # of a day that is there
    assert len(cluster.totals.days()) == 2


def test_days_that_one_collector_opened_crowd_no_other_collectors_next_day_out(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    cluster, mail2 = Cluster(state, keys, calendar, Caps(days=10)), FakeCollector(state, keys, "m2")
    forged = [Record(time=NOON + day * 86_400) for day in range(10)]
    assert cluster.apply((mail1.batch(forged), forged)).applied
    another = [Record(time=NOON - 86_400)]
    outcome = cluster.apply((mail1.batch(another), another), (mail2.batch(another), another))
    assert [batch.header.host for batch in outcome.crowding] == ["mail1"]
    assert [batch.header.host for batch in outcome.applied] == ["m2"]
    one_more = [Record(time=NOON - 2 * 86_400)]
    assert cluster.apply((mail2.batch(one_more), one_more)).crowding  # its share is used up


def test_records_of_a_closed_day_are_kept_aside_as_late(
    cluster: Cluster, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    state.set(keys.closed_before, "2026-02-17")
    tomorrow = [Record(time=NOON + 86_400, size=3)]
    cluster.apply((mail1.batch(ONE + tomorrow), ONE + tomorrow))
    assert [day.day for day in cluster.totals.days()] == [date(2026, 2, 17)]
    late = cluster.totals.read(DAY, keys.late)
    assert {row.domain: row.bytes for row in late.rows} == domain_sums(ONE)
    assert late.messages == 2


def test_an_emptied_state_is_refused_rather_than_counted_into(
    cluster: Cluster, mail1: FakeCollector, state: State
) -> None:
    header = mail1.batch(ONE)
    state.flushall()
    with pytest.raises(Refused, match="emptied"):
        cluster.apply((header, ONE))
    assert state.dbsize() == 0


def test_a_state_without_memory_is_unavailable_and_unchanged(
    cluster: Cluster, mail1: FakeCollector, state: State
) -> None:
    header = mail1.batch(ONE)
    former = state.config_get("maxmemory")["maxmemory"] or "0"
    state.config_set("maxmemory", 1)
    try:
        with pytest.raises(Unavailable, match="cannot work now"):
            cluster.apply((header, ONE))
    finally:
        state.config_set("maxmemory", former)
    assert cluster.totals.days() == []
    assert cluster.apply((header, ONE)).applied


def test_a_state_that_is_not_there_is_unavailable(
    keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    nowhere = connect_state("unix:///nonexistent/redis.sock")
    batch = Batch(mail1.batch(ONE), columns(ONE))
    with pytest.raises(Unavailable):
        Committer(nowhere, keys, calendar).apply([batch], [], NOON)


def test_a_batch_without_records_advances_the_ledger_only(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    cluster.apply((mail1.batch([]), []))
    assert cluster.ledger(mail1)[b"hwm"] == b"1"
    assert cluster.totals.days() == []


def test_malformed_lines_are_counted_by_reason(cluster: Cluster, mail1: FakeCollector) -> None:
    header = mail1.batch(TWO).model_copy(update={"lines": 3, "malformed": {"bad-date": 2}})
    cluster.apply((header, TWO))
    ledger = cluster.ledger(mail1)
    assert (ledger[b"lines"], ledger[b"malformed:bad-date"]) == (b"3", b"2")


def test_sums_beyond_the_precision_of_lua_stay_exact(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    large = [Record(size=MAX_SIZE - 1, attempts=3)]
    small = [Record(size=1, attempts=2)]
    for records in (small, large, small, large, small):
        cluster.apply((mail1.batch(records), records))
    (row,) = cluster.totals.read(DAY).rows
    assert row.bytes == 2 * (MAX_SIZE - 1) + 3
    assert row.transferred == 6 * (MAX_SIZE - 1) + 6


@pytest.mark.parametrize("size", [10**15 - 1, 10**15, 10**15 + 1])
def test_sums_are_exact_where_numbers_give_way_to_text(
    cluster: Cluster, mail1: FakeCollector, size: int
) -> None:
    group = [Record(size=size), Record(size=1), Record(domain="b.example", size=7)]
    for _ in range(3):
        cluster.apply((mail1.batch(group), group))
    assert cluster.sums() == domain_sums(group * 3)


def test_more_keys_than_one_command_may_hold_are_all_added(
    cluster: Cluster, mail1: FakeCollector
) -> None:
    records = [Record(domain=f"d{i}.example", size=i, attempts=1 + i % 2) for i in range(5000)]
    for _ in range(2):
        cluster.apply((mail1.batch(records), records))
    rows = {row.domain: row for row in cluster.totals.read(DAY).rows}
    assert len(rows) == 5000
    assert all(rows[r.domain].bytes == 2 * r.size for r in records)
    assert all(rows[r.domain].transferred == 2 * r.size * r.attempts for r in records)
