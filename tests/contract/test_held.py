"""Records too far ahead of time: held under their collector, once, until their time comes."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.days.held_turn import HeldTurn
from mailtally_aggregator.opening import SNAPSHOTS
from mailtally_shared.audit.conservation import check_records
from mailtally_shared.audit.finding import Level
from mailtally_shared.audit.uncounted import check_kept_in_state
from mailtally_shared.errors import BadBatch
from mailtally_shared.rows import STEPS
from mailtally_shared.runtime.clock import REDIS_VARIABLE
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.state.lease import Fence
from mailtally_shared.state.snapshot import restore_newest, take_snapshot
from mailtally_shared.state.uncounted.quarantine import SOUND_SHARE, Quarantine, QuarantineLimits
from tests.support.records import FakeCollector, Record, rows
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.batch import Outcome
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.held import HeldDay
    from tests.twin.accounting import Accounting

DAY = 86_400
NOW = int(time.time()) // DAY * DAY + DAY // 2
TODAY = datetime.fromtimestamp(NOW, UTC).date()
FAR = NOW + 40 * DAY
FAR_DAY = TODAY + timedelta(40)
PRESENT = [Record(time=NOW - 3600, domain="a.example", size=10)]
AHEAD = [
    Record(time=FAR, domain="a.example", size=3, attempts=2),
    Record(time=FAR, domain="b.example", size=4, host="relay.example.net"),
]


def put(accounting: Accounting, who: FakeCollector, records: Sequence[Record]) -> Outcome:
    return accounting.send((who.batch(records), records), now=NOW)


def days(accounting: Accounting) -> list[date]:
    return [day.day for day in accounting.days()]


def held(accounting: Accounting) -> dict[date, int]:
    return {each.day: each.messages for each in accounting.held()}


def read(accounting: Accounting, who: FakeCollector, day: date = FAR_DAY) -> HeldDay:
    found = accounting.read_held(who.id, day)
    assert found is not None
    return found


def check_conserved(accounting: Accounting) -> None:
    finding = check_records(accounting.books())
    assert finding.level is Level.OK, finding.sentence


def test_a_record_too_far_ahead_opens_no_day_and_is_held_under_its_collector(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    outcome = put(accounting, mail1, PRESENT + AHEAD)
    assert len(outcome.applied) == 1
    assert days(accounting) == [TODAY]
    assert accounting.sums(TODAY) == {"a.example": 10}
    (each,) = accounting.held()
    assert each == (mail1.id, FAR_DAY, 2, 7)
    check_conserved(accounting)


def test_a_record_of_tomorrow_is_counted(accounting: Accounting, mail1: FakeCollector) -> None:
    put(accounting, mail1, [Record(time=NOW + DAY)])
    assert days(accounting) == [TODAY + timedelta(1)]
    assert not held(accounting)


def test_an_aggregator_whose_clock_is_late_holds_nothing(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.send((mail1.batch(PRESENT), PRESENT), now=0)
    assert days(accounting) == [TODAY]


def test_a_batch_sent_again_is_held_once(accounting: Accounting, mail1: FakeCollector) -> None:
    batch = Batch(mail1.batch(AHEAD), rows(AHEAD))
    assert accounting.apply([batch], [], NOW).applied
    accounting.restart()
    assert accounting.apply([batch], [], NOW).known
    assert held(accounting) == {FAR_DAY: 2}
    check_conserved(accounting)


def test_held_days_take_no_room_of_the_days(accounting: Accounting, mail1: FakeCollector) -> None:
    accounting.caps, mail2 = Caps(days=20), accounting.collector("mail2")
    assert put(accounting, mail1, [Record(time=FAR + DAY), Record(time=FAR)]).applied
    for day in range(20):
        assert put(accounting, mail2, [Record(time=NOW - day * DAY)]).applied
    assert put(accounting, mail1, [Record(time=FAR + 2 * DAY)]).too_far_ahead
    assert put(accounting, mail1, [Record(time=FAR)]).applied  # of a day that is held


def test_a_collector_that_holds_too_many_names_is_refused_alone(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps, mail2 = Caps(held_names=3), accounting.collector("mail2")
    more = [Record(time=FAR, domain=f"d{number}.example") for number in range(2)]
    assert put(accounting, mail1, AHEAD).applied
    group = [(mail1, more), (mail2, more), (mail1, PRESENT)]
    outcome = accounting.send(*((who.batch(each), each) for who, each in group), now=NOW)
    assert [batch.header.host for batch in outcome.too_far_ahead] == ["mail1"]
    assert len(outcome.applied) == 2
    assert put(accounting, mail1, AHEAD).applied  # names that are held already


def test_a_held_day_that_changed_since_it_was_read_is_not_counted(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, AHEAD)
    day = read(accounting, mail1)
    put(accounting, mail1, AHEAD)
    assert accounting.count_held(day, NOW) == "changed"
    assert not accounting.drop_held(day)
    assert held(accounting) == {FAR_DAY: 4}
    assert accounting.count_held(read(accounting, mail1), NOW) == "applied"
    assert accounting.sums(FAR_DAY) == {"a.example": 6, "b.example": 8}


def test_a_held_day_is_counted_once_however_often_it_is_asked_for(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, AHEAD)
    day = read(accounting, mail1)
    assert [accounting.count_held(day, NOW) for _ in range(2)] == ["applied", "changed"]
    assert accounting.sums(FAR_DAY) == {"a.example": 3, "b.example": 4}
    assert accounting.read_held(mail1.id, FAR_DAY) is None
    totals = accounting.read(FAR_DAY)
    assert (totals.messages, totals.bytes, totals.transferred) == (2, 7, 10)
    check_conserved(accounting)


def test_held_records_of_a_day_that_left_the_state_come_late(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, AHEAD)
    accounting.close_before(FAR_DAY + timedelta(1))
    assert accounting.count_held(read(accounting, mail1), NOW) == "applied"
    assert days(accounting) == []
    assert accounting.read(FAR_DAY, late=True).messages == 2
    check_conserved(accounting)


def test_dropped_records_stay_counted_as_dropped(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, PRESENT + AHEAD)
    assert accounting.drop_held(read(accounting, mail1))
    assert held(accounting) == {}
    (ledger,) = accounting.books().ledgers
    assert (ledger.records, ledger.held, ledger.dropped) == (3, 0, 2)
    check_conserved(accounting)


def test_unknown_statuses_that_are_held_have_a_cap(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps = Caps(statuses=2)
    odd = [Record(time=FAR, status=f"odd{number}") for number in range(5)]
    today = [Record(time=NOW, status=f"odd{number}") for number in range(5)]
    put(accounting, mail1, odd + today)
    assert accounting.count_held(read(accounting, mail1), NOW) == "applied"
    for day in (TODAY, FAR_DAY):
        statuses = {row.status: row.messages for row in accounting.read(day).rows}
        assert statuses == {"odd0": 1, "odd1": 1, "other": 3}


def test_a_rebuilt_day_settles_what_is_held_of_it(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, [*AHEAD, Record(time=FAR + DAY)])
    before = accounting.unsettled(FAR_DAY)
    assert accounting.settle(FAR_DAY, "1 abc", before)
    assert held(accounting) == {FAR_DAY + timedelta(1): 1}
    check_conserved(accounting)


def test_what_is_held_while_a_day_is_rebuilt_is_not_settled(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, AHEAD)
    before = accounting.unsettled(FAR_DAY)
    put(accounting, mail1, AHEAD)
    assert not accounting.settle(FAR_DAY, "1 abc", before)
    assert held(accounting) == {FAR_DAY: 4}


def test_the_doctor_names_the_host_the_number_and_the_command(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    put(accounting, mail1, AHEAD)
    findings = check_kept_in_state(accounting.books())
    (finding,) = [each for each in findings if each.check.startswith("held")]
    assert finding.level is Level.WARNING
    for word in ("mail1", "2 records", FAR_DAY.isoformat(), "mailtally held list"):
        assert word in f"{finding.sentence} {finding}"


# What only a server has


@pytest.fixture
def server(state: State, keys: StateKeys, calendar: Calendar) -> OnRedis:
    return OnRedis(state, keys, calendar)


def turn(server: OnRedis, now: float) -> bool:
    return HeldTurn(
        state=server.state,
        keys=server.keys,
        committer=Committer(server.state, server.keys, server.calendar),
        calendar=server.calendar,
        lease=server.lease,
        slack=server.caps.future_slack,
    ).take(now)


def test_a_redis_whose_clock_is_ahead_of_the_aggregators_holds_nothing(
    server: OnRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = tmp_path / "shift"
    shift.write_text(str(50 * DAY))
    monkeypatch.setenv(REDIS_VARIABLE, str(shift))
    put(server, server.collector(), AHEAD)
    assert days(server) == [FAR_DAY]
    assert not held(server)


def test_a_held_day_is_counted_once_when_its_time_comes(server: OnRedis) -> None:
    put(server, server.collector(), AHEAD)
    begins = server.calendar.end_of(FAR_DAY - timedelta(1))
    assert turn(server, begins - 1)
    assert days(server) == []
    for _ in range(2):
        assert turn(server, begins)
        assert server.sums(FAR_DAY) == {"a.example": 3, "b.example": 4}
    totals = server.read(FAR_DAY)
    assert (totals.messages, totals.bytes, totals.transferred) == (2, 7, 10)
    assert held(server) == {}
    assert not list(server.state.scan_iter(f"{server.keys.held_records}*"))
    check_conserved(server)


def test_a_writer_that_was_overtaken_counts_no_held_day(server: OnRedis) -> None:
    mail1 = server.collector()
    put(server, mail1, AHEAD)
    day = read(server, mail1)
    assert server.lease.hold()
    fence = server.lease.fence
    server.state.delete(server.keys.writer_lease)
    assert server.committer.count_held(day, NOW, fence) == "overtaken"
    assert server.committer.count_held(day, NOW, Fence("")) == "overtaken"
    assert held(server) == {FAR_DAY: 2}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_held_is_the_same_however_records_are_folded(server: OnRedis, step: int) -> None:
    """Decided by whole hours: that of the limit is counted, each later one is held."""
    now = (int(time.time()) // 3600 + 2) * 3600  # later than the server's, whatever the time of day
    limit = now + DAY
    records = [Record(time=limit + more) for more in (-1, 0, 1, 3599, 3600, 3601)]
    sent = rows(records, step)
    assert server.apply([Batch(server.collector().batch_of(sent), sent)], [], now).applied
    assert sum(held(server).values()) == 2
    check_conserved(server)


def test_batches_too_far_ahead_leave_room_in_quarantine_and_wait_alone(
    state: State, keys: StateKeys
) -> None:
    quarantine = Quarantine(state, keys, QuarantineLimits(batches=8, bytes=10_000))
    why, became = BadBatch("too-far-ahead", "More than is held."), []
    mail1 = FakeCollector(state, keys)
    for _ in range(4):
        header = mail1.batch(AHEAD)
        became.append(quarantine.batch(header, b"sound", why, NOW, at_once=True, share=SOUND_SHARE))
    assert became == ["kept", "kept", "again", "again"]
    other = FakeCollector(state, keys, "mail2").batch(PRESENT)
    junk = BadBatch("bad-checksum", "It is damaged.")
    assert quarantine.batch(other, b"junk", junk, NOW, at_once=True) == "kept"


def test_a_snapshot_brings_held_records_back(server: OnRedis, tmp_path: Path) -> None:
    put(server, server.collector(), PRESENT + AHEAD)
    take_snapshot(server.state, server.keys, tmp_path / SNAPSHOTS, NOW)
    server.state.flushall()
    assert restore_newest(server.state, server.keys, tmp_path / SNAPSHOTS)
    assert held(server) == {FAR_DAY: 2}
    check_conserved(server)


def test_each_change_of_what_is_held_is_a_commit(server: OnRedis) -> None:
    def commits() -> int:
        return int(server.state.hget(server.keys.history, "commits") or 0)

    seen, mail1 = [commits()], server.collector()
    put(server, mail1, [*AHEAD, Record(time=FAR + DAY)])
    seen.append(commits())
    server.committer.count_held(read(server, mail1), NOW)
    seen.append(commits())
    server.drop_held(read(server, mail1, FAR_DAY + timedelta(1)))
    seen.append(commits())
    assert all(later > sooner for sooner, later in pairwise(seen))
