"""Write the days that are due as files, retire old ones, and write snapshots.

One aggregator at a time does this, whichever holds the lease. A day's way to
its files, and what a crash costs after each step:

1. The lease is held and a revision number taken: nothing; the number is skipped.
2. The totals are read, all of one moment, and add up to the day's sums. Where they hold
   less than the newest files do, the day is left as it is and reported.
3. The three files are put in place, the qml file last: the next writer does not
   know yet, and writes the same content again under the next revision.
4. The state notes what was written: done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.gaps import packed
from mailtally_aggregator.known_gaps import KnownGaps
from mailtally_aggregator.late_days import pin_of, pinned, with_late
from mailtally_aggregator.reporting import report_written
from mailtally_aggregator.restating import (
    ClosedDays,
    incomplete_of,
    lacking,
    restated,
    totals_of,
    touching,
)
from mailtally_aggregator.statistic_dir import directory_errors
from mailtally_aggregator.stopped_days import StoppedDays
from mailtally_aggregator.totals import check_conservation
from mailtally_aggregator.watermark import DayPolicy, DayState, Due, due_days, due_late, patience
from mailtally_aggregator.went_back import missing_days, obstacle
from mailtally_shared.day_files import (
    ChargingPolicy,
    DayFacts,
    newest_manifest,
    newest_revision,
    write_day,
)
from mailtally_shared.day_files.filed import (
    Unreadable,
    check_manifests,
    is_filed,
    newest_filed,
)
from mailtally_shared.day_files.manifest import Seen
from mailtally_shared.day_files.side_by_side import lowered_hosts
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.state.history import read_standing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from mailtally_aggregator.clock_watch import ClockWatch
    from mailtally_aggregator.gaps import Gap
    from mailtally_aggregator.held_turn import HeldTurn
    from mailtally_aggregator.lease import Lease
    from mailtally_aggregator.totals import DayTotals, Totals
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.day_files import DayRows
    from mailtally_shared.state.keys import StateKeys


@dataclass(frozen=True, slots=True)
class WriterPolicy:
    """What the site wants of its day files.

    Attributes:
        days: when they are written.
        charging: what is charged.
        expected: collector host names that are waited for, seen or not.
        retention: seconds after a day's end from when its totals are dropped.
        written_at: stated in manifests as the time of writing, for files that
            are the same however often they are made; ``None``: that time.
    """

    days: DayPolicy = field(default_factory=DayPolicy)
    charging: ChargingPolicy = field(default_factory=ChargingPolicy)
    expected: tuple[str, ...] = ()
    retention: float = 35 * 86_400.0
    written_at: float | None = None


class DayWriter:
    """Writes days from one state into one statistic directory.

    ``clocks`` says whether days may be closed; without it the hour that is handed in is believed.
    ``held`` counts held records first.
    """

    def __init__(
        self,
        *,
        totals: Totals,
        lease: Lease,
        keys: StateKeys,
        calendar: Calendar,
        directory: Path,
        policy: WriterPolicy,
        clocks: ClockWatch | None = None,
        held: HeldTurn | None = None,
    ) -> None:
        self._totals = totals
        self._lease = lease
        self._keys = keys
        self._calendar = calendar
        self._directory = directory
        self._policy = policy
        self._clocks, self._held = clocks, held
        self._gaps = KnownGaps(totals.state, keys, calendar)
        self._stopped = StoppedDays(lease, keys, directory)
        self._closed = ClosedDays(totals.state, keys, calendar, directory, lease)

    def tick(self, now: float) -> bool:
        """Do what is due, if this is the one to do it; says whether it was."""
        if not self._lease.hold():
            return False
        if self._clocks and not self._clocks.agree():
            return True
        if self._held and not self._held.take(now):
            return False
        days = self._totals.days()
        watermarks = self._totals.watermarks(self._policy.expected)
        missing = missing_days(self._totals.state, self._keys, self._calendar)
        gaps, policy = self._gaps.now(), patience(self._policy.days, watermarks)
        due = due_days(days, watermarks, self._calendar, policy, now, gaps=gaps)
        late = due_late(self._totals.days(self._keys.late), policy, now)
        done = (
            all(self._write(each, now, missing) for each in due)
            and all(self._write_late(each, now, gaps) for each in late)
            and self._closed.restate(gaps, now)
        )
        if done:
            self._retire(days, now)
        return done

    def _write(self, due: Due, now: float, missing: Mapping[date, tuple[str, ...]]) -> bool:
        if not self._lease.hold():
            return False
        day = due.state.day
        newest = newest_manifest(self._directory, day)
        try:
            if why := obstacle(self._totals.state, self._keys, missing.get(day, ()), newest):
                return self._say(due, now) and self._stopped.stop(due.state, why)
            return self._stopped.is_unchanged(due.state, due.gaps) or self._write_totals(due, now)
        except Unreadable as error:
            return self._stopped.keep(due.state, str(error), due.gaps)

    def _write_totals(self, due: Due, now: float) -> bool:
        day = due.state.day
        key = self._keys.totals.day(day)
        revision = self._begin(key, day)
        if revision is None:
            return False
        seen = read_standing(self._totals.state, self._keys, None).now
        totals = self._totals.read(day)
        check_conservation(day.isoformat(), totals)
        if lower := self._lowered(day, totals.rows):
            return self._say(due, now) and self._stopped.keep_lower(due.state, lower, due.gaps)
        facts = DayFacts(
            day=day,
            timezone=self._calendar.name,
            revision=int(revision),
            complete=due.complete,
            missing_hosts=due.missing,
            incomplete=incomplete_of(due.gaps),
            policy=self._policy.charging,
            state=seen and Seen(history=seen.history, commits=seen.commits),
        )
        return self._place(key, facts, totals, totals.rows, now)

    def _say(self, due: Due, now: float) -> bool:
        """Have the files of a day that is not written name what is known to be lacking of it."""
        state, key = due.state, self._keys.totals.day(due.state.day)
        if self._stopped.is_unchanged(state, due.gaps):
            return True
        with directory_errors(self._directory):
            filed = lacking(self._directory, state.day, due.gaps)
        if filed is None:
            return True
        revision = self._begin(key, state.day)
        if revision is None:
            return False
        facts = restated(filed.manifest, int(revision), due.gaps)
        totals = totals_of(filed, state.written_changes or 0)
        return self._place(key, facts, totals, filed.rows, now)

    def _stated(self, now: float) -> float:
        return now if self._policy.written_at is None else self._policy.written_at

    def _begin(self, key: str, day: date) -> str | None:
        """Take a revision number above whatever lies outside of the state."""
        above = str(newest_revision(self._directory, day))
        revision = self._lease.step("begin", day=key, above=above)
        if revision is not None:
            crash_point(CrashAt.REVISION_TAKEN)
        return revision

    def _place(
        self, key: str, facts: DayFacts, totals: DayTotals, rows: DayRows, now: float
    ) -> bool:
        """Put a revision's files in place, and note what of the state they hold."""
        with directory_errors(self._directory):
            if not write_day(self._directory, facts, rows, now=self._stated(now)):
                return False
        crash_point(CrashAt.DAY_WRITTEN)
        report_written(facts, totals)
        return self._finish(key, facts, totals, now)

    def _write_late(self, state: DayState, now: float, gaps: tuple[Gap, ...]) -> bool:
        """Write the pinned revision of a day that left the state, and its whole late book."""
        try:
            return self._lease.hold() and self._write_late_book(state, now, gaps)
        except Unreadable as error:
            return self._stopped.keep(state, str(error))

    def _write_late_book(self, state: DayState, now: float, gaps: tuple[Gap, ...]) -> bool:
        day, key = state.day, self._keys.late.day(state.day)
        pin = pinned(self._totals.state, self._keys, day)
        if pin is None or self._stopped.is_unchanged(state):
            return True  # there is nothing to add to: doctor shows the book
        late = self._totals.read(day, self._keys.late)
        check_conservation(day.isoformat(), late)
        with directory_errors(self._directory):
            found = with_late(self._directory, day, pin, late)
        if found is None:
            return self._stopped.keep(state, f"The files of its revision {pin.revision} are gone.")
        if lower := self._lowered(day, found.rows):
            return self._stopped.keep_lower(state, lower)
        revision = self._begin(key, day)
        if revision is None:
            return False
        known = incomplete_of(touching(gaps, day, self._calendar))
        facts = found.facts(int(revision), self._policy.charging, known)
        return self._place(key, facts, late, found.rows, now)

    def _lowered(self, day: date, rows: DayRows) -> tuple[str, ...]:
        """The hosts of which the state holds less than the newest files anywhere."""
        with directory_errors(self._directory):
            if not is_filed(self._directory, day):
                return ()
            filed = newest_filed(self._directory, day)
        return lowered_hosts(filed.rows, rows) if filed else ()

    def _finish(self, key: str, facts: DayFacts, totals: DayTotals, now: float) -> bool:
        done = self._lease.step(
            "finish",
            day=key,
            revision=str(facts.revision),
            changes=str(totals.changes),
            now=str(int(now)),
            complete="1" if facts.complete else "0",
            missing=",".join(facts.missing_hosts),
            stopped=self._keys.stopped,
            iso=facts.day.isoformat(),
            incomplete=packed([(each.host, each.reason) for each in facts.incomplete]),
        )
        return done is not None

    def _retire(self, days: list[DayState], now: float) -> None:
        """Drop totals from the oldest day on, as far as their files hold everything."""
        for state in days:
            age = now - self._calendar.end_of(state.day)
            if age < self._policy.retention or state.is_dirty or not self._retire_day(state):
                return

    def _retire_day(self, state: DayState) -> bool:
        book, day = self._keys.totals, state.day
        try:
            with directory_errors(self._directory):
                check_manifests(self._directory, day)
        except Unreadable as error:
            self._stopped.stop(state, str(error))
            return False
        sums = [book.sums(day, host) for host in self._totals.hosts(day)]
        done = self._lease.step(
            "retire",
            day=book.day(day),
            iso=day.isoformat(),
            next_day=(day + timedelta(days=1)).isoformat(),
            days=book.days,
            opened=book.opened,
            closed_before=self._keys.closed_before,
            retired=self._keys.retired,
            pinned=self._keys.pinned,
            pin=pin_of(self._directory, day),
            stopped=self._keys.stopped,
            totals=[*sums, book.hosts(day), book.names(day), book.statuses(day)],
        )
        return done is not None
