"""Records too far ahead of time: held under their collector, once, until their time comes."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from mailtally.doctor.aside import check_kept_in_state
from mailtally.doctor.conservation import check_records
from mailtally.doctor.finding import Level
from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.held import drop_held, held, read_held
from mailtally_aggregator.held_turn import HeldTurn
from mailtally_aggregator.lease import Fence, Lease
from mailtally_aggregator.opening import SNAPSHOTS
from mailtally_aggregator.quarantine import SOUND_SHARE, Quarantine, QuarantineLimits
from mailtally_aggregator.request import Batch, Caps
from mailtally_aggregator.settle import settle, unsettled
from mailtally_aggregator.snapshot import restore_newest, take_snapshot
from mailtally_aggregator.totals import Totals
from mailtally_shared.errors import BadBatch
from mailtally_shared.process.clock import REDIS_VARIABLE
from tests.support.records import FakeCollector, Record, columns, domain_sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailtally_aggregator.held import HeldDay
    from mailtally_aggregator.outcome import Outcome
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

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


class Site:
    """A state with one committer."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, **caps: int) -> None:
        self.state, self.keys, self.calendar = state, keys, calendar
        self.caps = Caps(**caps)
        self.committer = self.a_committer()
        self.totals = Totals(state, keys)
        self.lease = Lease(state, keys, 3600)

    def a_committer(self) -> Committer:
        return Committer(self.state, self.keys, self.calendar, caps=self.caps)

    def apply(self, *batches: tuple[FakeCollector, Sequence[Record]], now: float = NOW) -> Outcome:
        group = [Batch(who.batch(records), columns(records)) for who, records in batches]
        return self.committer.apply(group, [], now)

    def days(self) -> list[date]:
        return [day.day for day in self.totals.days()]

    def held(self) -> dict[date, int]:
        return {each.day: each.messages for each in held(self.state, self.keys)}

    def read(self, who: FakeCollector, day: date = FAR_DAY) -> HeldDay:
        found = read_held(self.state, self.keys, who.id, day)
        assert found is not None
        return found

    def sums(self, day: date) -> dict[str, int]:
        return domain_sums(
            Record(domain=row.domain, size=row.bytes) for row in self.totals.read(day).rows
        )

    def turn(self, now: float) -> bool:
        return HeldTurn(
            state=self.state,
            keys=self.keys,
            committer=self.a_committer(),
            calendar=self.calendar,
            lease=self.lease,
            slack=self.caps.future_slack,
        ).take(now)

    def check_conserved(self) -> None:
        finding = check_records(read_books(self.state, self.keys))
        assert finding.level is Level.OK, finding.sentence


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar) -> Site:
    return Site(state, keys, calendar)


@pytest.fixture
def mail1(state: State, keys: StateKeys) -> FakeCollector:
    return FakeCollector(state, keys)


def test_a_record_too_far_ahead_opens_no_day_and_is_held_under_its_collector(
    site: Site, mail1: FakeCollector
) -> None:
    outcome = site.apply((mail1, PRESENT + AHEAD))
    assert len(outcome.applied) == 1
    assert site.days() == [TODAY]
    assert site.sums(TODAY) == {"a.example": 10}
    (each,) = held(site.state, site.keys)
    assert each == (mail1.id, FAR_DAY, 2, 7)
    site.check_conserved()


def test_a_record_of_tomorrow_is_counted(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, [Record(time=NOW + DAY)]))
    assert site.days() == [TODAY + timedelta(1)]
    assert not site.held()


def test_a_redis_whose_clock_is_ahead_of_the_aggregators_holds_nothing(
    site: Site, mail1: FakeCollector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = tmp_path / "shift"
    shift.write_text(str(50 * DAY))
    monkeypatch.setenv(REDIS_VARIABLE, str(shift))
    site.apply((mail1, AHEAD))
    assert site.days() == [FAR_DAY]
    assert not site.held()


def test_an_aggregator_whose_clock_is_late_holds_nothing(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, PRESENT), now=0)
    assert site.days() == [TODAY]


def test_a_batch_sent_again_is_held_once(site: Site, mail1: FakeCollector) -> None:
    batch = Batch(mail1.batch(AHEAD), columns(AHEAD))
    assert site.committer.apply([batch], [], NOW).applied
    assert site.a_committer().apply([batch], [], NOW).known
    assert site.held() == {FAR_DAY: 2}
    site.check_conserved()


def test_held_days_take_no_room_of_the_days(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    site, mail2 = Site(state, keys, calendar, days=20), FakeCollector(state, keys, "mail2")
    assert site.apply((mail1, [Record(time=FAR + DAY), Record(time=FAR)])).applied
    for day in range(20):
        assert site.apply((mail2, [Record(time=NOW - day * DAY)])).applied
    assert site.apply((mail1, [Record(time=FAR + 2 * DAY)])).too_far_ahead
    assert site.apply((mail1, [Record(time=FAR)])).applied  # of a day that is held


def test_a_collector_that_holds_too_many_names_is_refused_alone(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    site, mail2 = Site(state, keys, calendar, held_names=3), FakeCollector(state, keys, "mail2")
    more = [Record(time=FAR, domain=f"d{number}.example") for number in range(2)]
    assert site.apply((mail1, AHEAD)).applied
    outcome = site.apply((mail1, more), (mail2, more), (mail1, PRESENT))
    assert [batch.header.host for batch in outcome.too_far_ahead] == ["mail1"]
    assert len(outcome.applied) == 2
    assert site.apply((mail1, AHEAD)).applied  # names that are held already


def test_a_held_day_is_counted_once_when_its_time_comes(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, AHEAD))
    begins = site.calendar.end_of(FAR_DAY - timedelta(1))
    assert site.turn(begins - 1)
    assert site.days() == []
    for _ in range(2):
        assert site.turn(begins)
        assert site.sums(FAR_DAY) == {"a.example": 3, "b.example": 4}
    totals = site.totals.read(FAR_DAY)
    assert (totals.messages, totals.bytes, totals.transferred) == (2, 7, 10)
    assert site.held() == {}
    assert not list(site.state.scan_iter(f"{site.keys.held_records}*"))
    site.check_conserved()


def test_a_held_day_that_changed_since_it_was_read_is_not_counted(
    site: Site, mail1: FakeCollector
) -> None:
    site.apply((mail1, AHEAD))
    day = site.read(mail1)
    site.apply((mail1, AHEAD))
    assert site.committer.count_held(day, NOW) == "changed"
    assert not drop_held(site.state, site.keys, day)
    assert site.held() == {FAR_DAY: 4}
    assert site.committer.count_held(site.read(mail1), NOW) == "applied"
    assert site.sums(FAR_DAY) == {"a.example": 6, "b.example": 8}


def test_a_writer_that_was_overtaken_counts_no_held_day(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, AHEAD))
    day = site.read(mail1)
    assert site.lease.hold()
    fence = site.lease.fence
    site.state.delete(site.keys.writer_lease)
    assert site.committer.count_held(day, NOW, fence) == "overtaken"
    assert site.committer.count_held(day, NOW, Fence("")) == "overtaken"
    assert site.held() == {FAR_DAY: 2}


def test_held_records_of_a_day_that_left_the_state_come_late(
    site: Site, mail1: FakeCollector
) -> None:
    site.apply((mail1, AHEAD))
    site.state.set(site.keys.closed_before, (FAR_DAY + timedelta(1)).isoformat())
    assert site.committer.count_held(site.read(mail1), NOW) == "applied"
    assert site.days() == []
    assert site.totals.read(FAR_DAY, site.keys.late).messages == 2
    site.check_conserved()


def test_dropped_records_stay_counted_as_dropped(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, PRESENT + AHEAD))
    assert drop_held(site.state, site.keys, site.read(mail1))
    assert site.held() == {}
    (ledger,) = read_books(site.state, site.keys).ledgers
    assert (ledger.records, ledger.held, ledger.dropped) == (3, 0, 2)
    site.check_conserved()


def test_unknown_statuses_that_are_held_have_a_cap(
    state: State, keys: StateKeys, calendar: Calendar, mail1: FakeCollector
) -> None:
    site = Site(state, keys, calendar, statuses=2)
    odd = [Record(time=FAR, status=f"odd{number}") for number in range(5)]
    today = [Record(time=NOW, status=f"odd{number}") for number in range(5)]
    site.apply((mail1, odd + today))
    assert site.committer.count_held(site.read(mail1), NOW) == "applied"
    for day in (TODAY, FAR_DAY):
        statuses = {row.status: row.messages for row in site.totals.read(day).rows}
        assert statuses == {"odd0": 1, "odd1": 1, "other": 3}


def test_batches_too_far_ahead_leave_room_in_quarantine_and_wait_alone(
    state: State, keys: StateKeys, mail1: FakeCollector
) -> None:
    quarantine = Quarantine(state, keys, QuarantineLimits(batches=8, bytes=10_000))
    why, became = BadBatch("too-far-ahead", "More than is held."), []
    for _ in range(4):
        header = mail1.batch(AHEAD)
        became.append(quarantine.batch(header, b"sound", why, NOW, at_once=True, share=SOUND_SHARE))
    assert became == ["kept", "kept", "again", "again"]
    other = FakeCollector(state, keys, "mail2").batch(PRESENT)
    junk = BadBatch("bad-checksum", "It is damaged.")
    assert quarantine.batch(other, b"junk", junk, NOW, at_once=True) == "kept"


def test_a_snapshot_brings_held_records_back(
    site: Site, mail1: FakeCollector, tmp_path: Path
) -> None:
    site.apply((mail1, PRESENT + AHEAD))
    take_snapshot(site.state, site.keys, tmp_path / SNAPSHOTS, NOW)
    site.state.flushall()
    assert restore_newest(site.state, site.keys, tmp_path / SNAPSHOTS)
    assert site.held() == {FAR_DAY: 2}
    site.check_conserved()


def test_each_change_of_what_is_held_is_a_commit(site: Site, mail1: FakeCollector) -> None:
    def commits() -> int:
        return int(site.state.hget(site.keys.history, "commits") or 0)

    seen = [commits()]
    site.apply((mail1, [*AHEAD, Record(time=FAR + DAY)]))
    seen.append(commits())
    site.committer.count_held(site.read(mail1), NOW)
    seen.append(commits())
    drop_held(site.state, site.keys, site.read(mail1, FAR_DAY + timedelta(1)))
    seen.append(commits())
    assert all(later > sooner for sooner, later in pairwise(seen))


def test_a_rebuilt_day_settles_what_is_held_of_it(site: Site, mail1: FakeCollector) -> None:
    site.apply((mail1, [*AHEAD, Record(time=FAR + DAY)]))
    before = unsettled(site.state, site.keys, FAR_DAY)
    assert settle(site.state, site.keys, site.calendar, FAR_DAY, pin="1 abc", before=before)
    assert site.held() == {FAR_DAY + timedelta(1): 1}
    site.check_conserved()


def test_what_is_held_while_a_day_is_rebuilt_is_not_settled(
    site: Site, mail1: FakeCollector
) -> None:
    site.apply((mail1, AHEAD))
    before = unsettled(site.state, site.keys, FAR_DAY)
    site.apply((mail1, AHEAD))
    assert not settle(site.state, site.keys, site.calendar, FAR_DAY, pin="1 abc", before=before)
    assert site.held() == {FAR_DAY: 4}


def test_the_doctor_names_the_host_the_number_and_the_command(
    site: Site, mail1: FakeCollector
) -> None:
    site.apply((mail1, AHEAD))
    findings = check_kept_in_state(read_books(site.state, site.keys))
    (finding,) = [each for each in findings if each.check.startswith("held")]
    assert finding.level is Level.WARNING
    for word in ("mail1", "2 records", FAR_DAY.isoformat(), "mailtally held list"):
        assert word in f"{finding.sentence} {finding}"
