"""Writing the days that are due as files, and retiring old ones.

One aggregator at a time does this, the one with the lease. The steps of writing a day, and the
cost of a crash after each:

1. The lease is held and a revision number taken: nothing; the number is skipped.
2. The totals are read, all of one moment, and add up to the day's sums: nothing. Where they
   hold less than the newest files do, the day is left unchanged and reported.
3. The files are renamed into place, the qml file last: the next writer does not
   know it, and writes the same content again under the next revision.
4. The state records what was written: done.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.days.hours_turn import HoursTurn
from mailtally_aggregator.days.restating import (
    ClosedDays,
    hours_filed,
    incomplete_of,
    lacking,
    report_written,
    restated,
    totals_of,
)
from mailtally_aggregator.days.statistic_dir import directory_errors
from mailtally_aggregator.days.stopped_days import StoppedDays
from mailtally_shared.days import (
    DayFacts,
    newest_manifest,
    newest_revision,
    write_day,
)
from mailtally_shared.days.filed import (
    Unreadable,
    carried,
    check_manifests,
    is_filed,
    lowered_collectors,
    newest_filed,
)
from mailtally_shared.days.manifest import Seen
from mailtally_shared.days.watermark import (
    DayState,
    Due,
    due_days,
    due_late,
    patience,
    touching,
)
from mailtally_shared.errors import NewerFile
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.history import read_standing
from mailtally_shared.state.known_gaps import KnownGaps
from mailtally_shared.state.read.late_days import pin_of, pinned, with_late, with_late_hours
from mailtally_shared.state.read.totals import check_conservation
from mailtally_shared.state.read.went_back import missing_days, obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from mailtally_aggregator.days.clock_watch import ClockWatch
    from mailtally_aggregator.days.held_turn import HeldTurn
    from mailtally_aggregator.policies import WriterPolicy
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayRows
    from mailtally_shared.days.hour_rows import Hours
    from mailtally_shared.days.watermark import Gap
    from mailtally_shared.state.keys import Book, StateKeys
    from mailtally_shared.state.lease import Lease
    from mailtally_shared.state.read.totals import DayTotals, Totals


_log = logging.getLogger(__name__)


class DayWriter:
    """Writes days from one state into one statistic directory.

    ``clocks`` decides whether days may be closed; without it the time passed in is trusted.
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
        self._left_to_newer = False
        self._gaps = KnownGaps(totals.state, keys, calendar)
        self._stopped = StoppedDays(lease, directory)
        self._closed = ClosedDays(totals.state, keys, calendar, directory, lease)
        self._hours = HoursTurn(totals=totals, keys=keys, lease=lease, calendar=calendar)

    def tick(self, now: float) -> bool:
        """Write what is due if this process holds the lease; return whether it does.

        Where a newer version of mailtally has written a day's files, the lease is left to it.
        """
        try:
            return self._tick(now)
        except NewerFile as error:
            self._lease.release()
            if not self._left_to_newer:
                sentence = f"The days are left to a newer aggregator: {error}."
                event(_log, logging.WARNING, "newer-day-files", sentence)
            self._left_to_newer = True
            return False

    def _tick(self, now: float) -> bool:
        if not self._lease.hold():
            return False
        agreed = not self._clocks or self._clocks.agree()
        if agreed and self._held and not self._held.take(now):
            return False
        days = self._totals.days()
        if not self._hours.compact(days):
            return False
        if not agreed:
            return True
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
            self._hours.drop(days, now)
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
        day, book = due.state.day, self._keys.totals
        revision = self._begin(book, day)
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
            revision=revision,
            complete=due.complete,
            missing_hosts=due.missing,
            incomplete=incomplete_of(due.gaps),
            policy=self._policy.charging,
            state=seen and Seen(history=seen.history, commits=seen.commits),
        )
        if totals.hours is None:
            totals = replace(totals, hours=self._former_hours(day, totals.rows))
        return self._place(book, facts, totals, totals.rows, now)

    def _former_hours(self, day: date, rows: DayRows) -> Hours | None:
        """Return the hours of the newest files, where the state has none of the day any more."""
        with directory_errors(self._directory):
            newest = newest_manifest(self._directory, day)
            return carried(hours_filed(self._directory, newest), rows) if newest else None

    def _say(self, due: Due, now: float) -> bool:
        """Add the known gaps to the files of a day that is not written from the state."""
        state, book = due.state, self._keys.totals
        if self._stopped.is_unchanged(state, due.gaps):
            return True
        with directory_errors(self._directory):
            filed = lacking(self._directory, state.day, due.gaps)
        if filed is None:
            return True
        revision = self._begin(book, state.day)
        if revision is None:
            return False
        facts = restated(filed.manifest, revision, due.gaps)
        hours = hours_filed(self._directory, filed.manifest)
        totals = totals_of(filed, hours, state.written_changes or 0)
        return self._place(book, facts, totals, filed.rows, now)

    def _stated(self, now: float) -> float:
        return now if self._policy.written_at is None else self._policy.written_at

    def _begin(self, book: Book, day: date) -> int | None:
        """Take a revision number above any outside of the state."""
        revision = self._lease.begin(book, day, newest_revision(self._directory, day))
        if revision is not None:
            crash_point(CrashAt.REVISION_TAKEN)
        return revision

    def _place(
        self, book: Book, facts: DayFacts, totals: DayTotals, rows: DayRows, now: float
    ) -> bool:
        """Write a revision's files, and record in the state what they contain."""
        with directory_errors(self._directory):
            if not write_day(self._directory, facts, rows, totals.hours, now=self._stated(now)):
                return False
        crash_point(CrashAt.DAY_WRITTEN)
        report_written(facts, totals)
        return self._lease.finish(book, facts, totals.changes, now)

    def _write_late(self, state: DayState, now: float, gaps: tuple[Gap, ...]) -> bool:
        """Write the pinned revision of a day that left the state, and its whole late book."""
        try:
            return self._lease.hold() and self._write_late_book(state, now, gaps)
        except Unreadable as error:
            return self._stopped.keep(state, str(error))

    def _write_late_book(self, state: DayState, now: float, gaps: tuple[Gap, ...]) -> bool:
        day, book = state.day, self._keys.late
        pin = pinned(self._totals.state, self._keys, day)
        if pin is None or self._stopped.is_unchanged(state):
            return True  # there is no revision to add to: doctor shows the late book
        late = self._totals.read(day, book)
        check_conservation(day.isoformat(), late)
        with directory_errors(self._directory):
            found = with_late(self._directory, day, pin, late)
        if found is None:
            return self._stopped.keep(state, f"The files of its revision {pin.revision} are gone.")
        if lower := self._lowered(day, found.rows):
            return self._stopped.keep_lower(state, lower)
        revision = self._begin(book, day)
        if revision is None:
            return False
        known = incomplete_of(touching(gaps, day, self._calendar))
        facts = found.facts(revision, self._policy.charging, known)
        hours = with_late_hours(hours_filed(self._directory, found.pinned), late)
        return self._place(book, facts, replace(late, hours=hours), found.rows, now)

    def _lowered(self, day: date, rows: DayRows) -> tuple[str, ...]:
        """Return the hosts of which the state holds less than the newest files."""
        with directory_errors(self._directory):
            if not is_filed(self._directory, day):
                return ()
            filed = newest_filed(self._directory, day)
        return lowered_collectors(filed.rows, rows) if filed else ()

    def _retire(self, days: Sequence[DayState], now: float) -> None:
        """Drop totals from the oldest day on, as far as their files hold everything."""
        for state in days:
            age = now - self._calendar.end_of(state.day)
            if age < self._policy.retention or state.is_dirty or not self._retire_day(state):
                return

    def _retire_day(self, state: DayState) -> bool:
        day = state.day
        try:
            with directory_errors(self._directory):
                check_manifests(self._directory, day)
        except Unreadable as error:
            self._stopped.stop(state, str(error))
            return False
        return self._lease.retire(day, self._totals.places(day), pin_of(self._directory, day))
