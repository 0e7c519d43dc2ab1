"""The ledger and the totals: each batch counts once, all of a group or none of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.schema import MAX_SIZE
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.commit.request import OVERFLOW, Caps
from mailtally_shared.wire.announcement import Heartbeat
from mailtally_shared.wire.status import digest_of
from tests.support.records import NONCE, NOON, FakeCollector, Record, domain_sums
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
FAR_AHEAD = 4_102_444_800  # 2100-01-01
ONE = [Record(domain="a.example", size=10), Record(domain="b.example", size=5, attempts=3)]
TWO = [Record(domain="a.example", size=7)]


def test_a_group_is_added_up_and_marked(accounting: Accounting, mail1: FakeCollector) -> None:
    outcome = accounting.send((mail1.batch(ONE), ONE), (mail1.batch(TWO), TWO))
    assert [b.header.seq for b in outcome.applied] == [1, 2]
    assert accounting.sums(DAY) == domain_sums(ONE + TWO)
    ledger = accounting.ledger(mail1.id)
    assert (ledger.hwm, ledger.records) == (2, 3)
    totals = accounting.read(DAY)
    assert (totals.messages, totals.bytes, totals.transferred) == (3, 22, 32)


def test_a_batch_that_comes_twice_counts_once(accounting: Accounting, mail1: FakeCollector) -> None:
    first, second = mail1.batch(ONE), mail1.batch(TWO)
    accounting.send((first, ONE))
    outcome = accounting.send((first, ONE), (second, TWO))
    assert [b.header.seq for b in outcome.known] == [1]
    assert [b.header.seq for b in outcome.applied] == [2]
    assert accounting.sums(DAY) == domain_sums(ONE + TWO)


def test_a_batch_that_is_twice_in_one_group_counts_once(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    header = mail1.batch(ONE)
    outcome = accounting.send((header, ONE), (header, ONE))
    assert (len(outcome.applied), len(outcome.known)) == (1, 1)
    assert accounting.sums(DAY) == domain_sums(ONE)


def test_batches_out_of_order_wait_above_the_gap(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    headers = [mail1.batch(TWO) for _ in range(4)]
    accounting.send((headers[3], TWO), (headers[1], TWO))
    assert accounting.ledger(mail1.id).hwm == 0
    outcome = accounting.send((headers[3], TWO))
    assert [b.header.seq for b in outcome.known] == [4]
    accounting.send((headers[0], TWO))
    assert accounting.ledger(mail1.id).hwm == 2
    accounting.send((headers[2], TWO))
    assert accounting.ledger(mail1.id).hwm == 4
    assert accounting.ledger(mail1.id).ahead == 0
    assert accounting.sums(DAY) == domain_sums(TWO * 4)


def test_a_watermark_counts_only_when_nothing_before_it_is_missing(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    first, second = mail1.batch(TWO, watermark=100), mail1.batch(TWO, watermark=200)
    accounting.send((second, TWO))
    assert accounting.watermarks() == {"mail1": 0.0}
    accounting.send((first, TWO))
    assert accounting.watermarks() == {"mail1": 200.0}


def test_a_watermark_never_goes_back(accounting: Accounting, mail1: FakeCollector) -> None:
    accounting.send((mail1.batch(TWO, watermark=200), TWO))
    accounting.send((mail1.batch(TWO, watermark=100), TWO))
    assert accounting.watermarks() == {"mail1": 200.0}


@pytest.mark.parametrize(("after_seq", "expected"), [(1, 500.0), (2, 0.0)])
def test_a_heartbeat_counts_once_what_it_follows_is_applied(
    accounting: Accounting, mail1: FakeCollector, after_seq: int, expected: float
) -> None:
    accounting.send((mail1.batch(TWO), TWO))
    heartbeat = Heartbeat(
        collector_id=mail1.id,
        epoch=1,
        nonce=NONCE,
        host="mail1",
        after_seq=after_seq,
        watermark=500,
    )
    accounting.apply([], [heartbeat], NOON)
    assert accounting.watermarks() == {"mail1": expected}


def beat(collector: FakeCollector, status: str | None, **more: Any) -> Heartbeat:  # noqa: ANN401 - of any field
    fields: dict[str, Any] = {
        "epoch": 1,
        "nonce": NONCE,
        "host": "mail1",
        "after_seq": 0,
        "watermark": 0,
    }
    return Heartbeat(collector_id=collector.id, status=status, **fields | more)


def test_the_ledger_keeps_the_last_status_document(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    for status in ('{"since": 1}', '{"since": 2}', None):
        accounting.apply([], [beat(mail1, status)], NOON)
    assert accounting.ledger(mail1.id).status == b'{"since": 2}'


def test_a_status_document_counts_though_batches_are_under_way(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.apply([], [beat(mail1, "{}", after_seq=5, watermark=500)], NOON)
    assert accounting.ledger(mail1.id).status == b"{}"
    assert accounting.watermarks() == {"mail1": 0.0}


@pytest.mark.parametrize("other", [{"epoch": 2}, {"host": "mail2"}])
def test_a_status_document_of_another_is_not_kept(
    accounting: Accounting, mail1: FakeCollector, other: dict[str, Any]
) -> None:
    accounting.apply([], [beat(mail1, "{}", **other)], NOON)
    assert accounting.ledger(mail1.id).status == b""


def test_an_expected_host_that_never_came_has_read_nothing(accounting: Accounting) -> None:
    assert accounting.watermarks(["mail9"]) == {"mail9": 0.0}


def test_batches_of_a_collector_that_was_taken_over_are_refused(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    before = mail1.batch(ONE)
    successor = accounting.collector(epoch=2)
    after = successor.batch(TWO)
    outcome = accounting.send((before, ONE), (after, TWO))
    assert [b.header.collector_id for b in outcome.fenced] == [mail1.id]
    assert [b.header.collector_id for b in outcome.applied] == [successor.id]
    assert accounting.sums(DAY) == domain_sums(TWO)


def test_names_beyond_the_cap_are_charged_to_overflow(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps = Caps(names=3, statuses=200)
    first = [Record(domain=f"d{i}.example", size=1) for i in range(2)]
    second = [Record(domain=f"d{i}.example", size=1) for i in range(5)]
    accounting.send((mail1.batch(first), first))
    accounting.send((mail1.batch(second), second))
    sums = accounting.sums(DAY)
    assert sums.pop(OVERFLOW) == 2
    assert sum(sums.values()) == 5
    assert len(sums) == 3
    assert sums["d0.example"] == 2


def test_unknown_statuses_beyond_the_cap_are_called_other(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps = Caps(names=1000, statuses=2)
    records = [Record(status=f"odd{i}") for i in range(4)] + [Record(status="success")]
    accounting.send((mail1.batch(records), records))
    messages = {row.status: row.messages for row in accounting.read(DAY).rows}
    assert messages["other"] == 2
    assert messages["success"] == 1
    assert len(messages) == 4


def test_a_batch_that_overflows_a_day_is_set_aside_alone(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    huge = [Record(size=MAX_SIZE)] * 500
    headers = [mail1.batch(huge) for _ in range(3)]
    small = mail1.batch(ONE)
    outcome = accounting.send(*((h, huge) for h in headers), (small, ONE))
    assert [b.header.seq for b in outcome.applied] == [1, 2, 4]
    assert [b.header.seq for b in outcome.overflowing] == [3]
    totals = accounting.read(DAY)
    assert totals.bytes == 1000 * MAX_SIZE + 15
    assert sum(row.bytes for row in totals.rows) == totals.bytes


@pytest.mark.parametrize("time", [NOON, FAR_AHEAD])
def test_a_batch_that_alone_comes_near_63_bits_is_set_aside(
    accounting: Accounting, mail1: FakeCollector, time: int
) -> None:
    huge = [Record(time=time, size=MAX_SIZE)] * 513
    outcome = accounting.send((mail1.batch(huge), huge), (mail1.batch(ONE), ONE))
    assert [b.header.seq for b in outcome.overflowing] == [1]
    assert [b.header.seq for b in outcome.applied] == [2]
    assert accounting.sums(DAY) == domain_sums(ONE)


def test_a_day_knows_when_it_changed_first_and_last(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    for now in (NOON, NOON + 5.5):
        accounting.send((mail1.batch(ONE), ONE), now=now)
    (day,) = accounting.days()
    assert (day.since, day.changed_at, day.changes) == (NOON, NOON + 5, 2)


def test_days_beyond_the_cap_are_kept_aside_with_their_batch(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps = Caps(days=2)
    forged = [Record(time=NOON + day * 86_400) for day in range(1, 4)]
    outcome = accounting.send((mail1.batch(forged), forged), (mail1.batch(ONE), ONE))
    assert [b.header.seq for b in outcome.crowding] == [1]
    assert [b.header.seq for b in outcome.applied] == [2]
    one_more = [Record(time=NOON + 86_400)]
    assert accounting.send((mail1.batch(one_more), one_more)).applied
    another = [Record(time=NOON + 2 * 86_400)]
    assert accounting.send((mail1.batch(another), another)).crowding
    assert accounting.send((mail1.batch(ONE), ONE)).applied  # of a day that is there
    assert len(accounting.days()) == 2


def test_days_that_one_collector_opened_crowd_no_other_collectors_next_day_out(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps, mail2 = Caps(days=10), accounting.collector("m2")
    forged = [Record(time=NOON + day * 86_400) for day in range(10)]
    assert accounting.send((mail1.batch(forged), forged)).applied
    another = [Record(time=NOON - 86_400)]
    outcome = accounting.send((mail1.batch(another), another), (mail2.batch(another), another))
    assert [batch.header.host for batch in outcome.crowding] == ["mail1"]
    assert [batch.header.host for batch in outcome.applied] == ["m2"]
    one_more = [Record(time=NOON - 2 * 86_400)]
    assert accounting.send((mail2.batch(one_more), one_more)).crowding  # its share is used up


def test_records_of_a_closed_day_are_kept_aside_as_late(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.close_before(date(2026, 2, 17))
    tomorrow = [Record(time=NOON + 86_400, size=3)]
    accounting.send((mail1.batch(ONE + tomorrow), ONE + tomorrow))
    assert [day.day for day in accounting.days()] == [date(2026, 2, 17)]
    late = accounting.read(DAY, late=True)
    assert {row.domain: row.bytes for row in late.rows} == domain_sums(ONE)
    assert late.messages == 2


def test_a_batch_without_records_advances_the_ledger_only(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.send((mail1.batch([]), []))
    assert accounting.ledger(mail1.id).hwm == 1
    assert accounting.days() == []


def test_malformed_lines_are_counted_by_reason(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    header = mail1.batch(TWO).model_copy(update={"lines": 3, "malformed": {"bad-date": 2}})
    accounting.send((header, TWO))
    ledger = accounting.ledger(mail1.id)
    assert (ledger.lines, ledger.malformed) == (3, {"bad-date": 2})


def test_sums_beyond_the_precision_of_lua_stay_exact(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    large = [Record(size=MAX_SIZE - 1, attempts=3)]
    small = [Record(size=1, attempts=2)]
    for records in (small, large, small, large, small):
        accounting.send((mail1.batch(records), records))
    (row,) = accounting.read(DAY).rows
    assert row.bytes == 2 * (MAX_SIZE - 1) + 3
    assert row.transferred == 6 * (MAX_SIZE - 1) + 6


@pytest.mark.parametrize("size", [10**15 - 1, 10**15, 10**15 + 1])
def test_sums_are_exact_where_numbers_give_way_to_text(
    accounting: Accounting, mail1: FakeCollector, size: int
) -> None:
    group = [Record(size=size), Record(size=1), Record(domain="b.example", size=7)]
    for _ in range(3):
        accounting.send((mail1.batch(group), group))
    assert accounting.sums(DAY) == domain_sums(group * 3)


def test_more_keys_than_one_command_may_hold_are_all_added(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    records = [Record(domain=f"d{i}.example", size=i, attempts=1 + i % 2) for i in range(5000)]
    for _ in range(2):
        accounting.send((mail1.batch(records), records))
    rows = {row.domain: row for row in accounting.read(DAY).rows}
    assert len(rows) == 5000
    assert all(rows[r.domain].bytes == 2 * r.size for r in records)
    assert all(rows[r.domain].transferred == 2 * r.size * r.attempts for r in records)


# What only a server has


@pytest.fixture
def server(state: State, keys: StateKeys, calendar: Calendar) -> OnRedis:
    return OnRedis(state, keys, calendar)


def test_payloads_leave_with_the_commit(server: OnRedis) -> None:
    header = server.collector().batch(ONE)
    server.send((header, ONE))
    assert not server.state.exists(header.payload_key)


def test_the_ledger_keeps_what_the_last_batch_and_status_document_are(server: OnRedis) -> None:
    mail1 = server.collector()
    server.send((mail1.batch(ONE), ONE), (mail1.batch(TWO), TWO))
    server.apply([], [beat(mail1, '{"since": 2}')], NOON)
    progress, digest = server.state.hmget(server.keys.ledger(mail1.id), "progress", "status_digest")
    assert (progress, digest) == (b'{"note":2}', digest_of('{"since": 2}').encode())


def test_an_emptied_state_is_refused_rather_than_counted_into(server: OnRedis) -> None:
    header = server.collector().batch(ONE)
    server.state.flushall()
    with pytest.raises(Refused, match="emptied"):
        server.send((header, ONE))
    assert server.state.dbsize() == 0


def test_a_state_without_memory_is_unavailable_and_unchanged(server: OnRedis) -> None:
    header, state = server.collector().batch(ONE), server.state
    former = state.config_get("maxmemory")["maxmemory"] or "0"
    state.config_set("maxmemory", 1)
    try:
        with pytest.raises(Unavailable, match="cannot work now"):
            server.send((header, ONE))
    finally:
        state.config_set("maxmemory", former)
    assert server.days() == []
    assert server.send((header, ONE)).applied


def test_a_state_that_is_not_there_is_unavailable(server: OnRedis, calendar: Calendar) -> None:
    nowhere = OnRedis(connect_state("unix:///nonexistent/redis.sock"), server.keys, calendar)
    header = server.collector().batch(ONE)
    with pytest.raises(Unavailable):
        nowhere.send((header, ONE))
