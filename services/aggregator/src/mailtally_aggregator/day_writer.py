"""Write the days that are due as files, retire old ones, and write snapshots.

One aggregator at a time does this, whichever holds the lease. A day's way to
its files, and what a crash costs after each step:

1. The lease is held and a revision number taken: nothing; the number is skipped.
2. The totals are read, all of one moment, and add up to the day's sums.
3. The three files are put in place, the qml file last: the next writer does not
   know yet, and writes the same content again under the next revision.
4. The state notes what was written: done.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.statistic_dir import directory_errors
from mailtally_aggregator.watermark import DayPolicy, DayState, Due, due_days
from mailtally_shared.day_files import ChargingPolicy, DayFacts, newest_revision, write_day
from mailtally_shared.errors import Refused
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_aggregator.lease import Lease
    from mailtally_aggregator.totals import DayTotals, Totals
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


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
    """Writes days from one state into one statistic directory."""

    def __init__(
        self,
        *,
        totals: Totals,
        lease: Lease,
        keys: StateKeys,
        calendar: Calendar,
        directory: Path,
        policy: WriterPolicy,
    ) -> None:
        self._totals = totals
        self._lease = lease
        self._keys = keys
        self._calendar = calendar
        self._directory = directory
        self._policy = policy

    def tick(self, now: float) -> bool:
        """Do what is due, if this is the one to do it; says whether it was."""
        if not self._lease.hold():
            return False
        days = self._totals.days()
        watermarks = self._totals.watermarks(self._policy.expected)
        for due in due_days(days, watermarks, self._calendar, self._policy.days, now):
            if not self._lease.hold() or not self._write(due, now):
                return False
        self._retire(days, now)
        return True

    def _write(self, due: Due, now: float) -> bool:
        day = due.state.day
        key = self._keys.totals.day(day)
        above = str(newest_revision(self._directory, day))
        revision = self._lease.step("begin", day=key, above=above)
        if revision is None:
            return False
        crash_point(CrashAt.REVISION_TAKEN)
        totals = self._totals.read(day)
        _check_conservation(day.isoformat(), totals)
        facts = DayFacts(
            day=day,
            timezone=self._calendar.name,
            revision=int(revision),
            complete=due.complete,
            missing_hosts=due.missing,
            policy=self._policy.charging,
        )
        stated = now if self._policy.written_at is None else self._policy.written_at
        with directory_errors(self._directory):
            if not write_day(self._directory, facts, totals.rows, now=stated):
                return False
        crash_point(CrashAt.DAY_WRITTEN)
        self._tell(facts, totals)
        return self._finish(key, facts, totals, now)

    def _finish(self, key: str, facts: DayFacts, totals: DayTotals, now: float) -> bool:
        done = self._lease.step(
            "finish",
            day=key,
            revision=str(facts.revision),
            changes=str(totals.changes),
            now=str(int(now)),
            complete="1" if facts.complete else "0",
            missing=",".join(facts.missing_hosts),
        )
        return done is not None

    def _tell(self, facts: DayFacts, totals: DayTotals) -> None:
        missing = f", without {', '.join(facts.missing_hosts)}" if facts.missing_hosts else ""
        event(
            _log,
            logging.WARNING if missing else logging.INFO,
            "day-written",
            f"Wrote {facts.day} as revision {facts.revision}{missing}.",
            day=facts.day.isoformat(),
            revision=facts.revision,
            messages=totals.messages,
            bytes=totals.bytes,
            missing=list(facts.missing_hosts),
        )

    def _retire(self, days: list[DayState], now: float) -> None:
        """Drop totals from the oldest day on, as far as their files hold everything."""
        for state in days:
            age = now - self._calendar.end_of(state.day)
            if age < self._policy.retention or state.is_dirty or not self._retire_day(state):
                return

    def _retire_day(self, state: DayState) -> bool:
        book, day = self._keys.totals, state.day
        sums = [book.sums(day, host) for host in self._totals.hosts(day)]
        done = self._lease.step(
            "retire",
            day=book.day(day),
            iso=day.isoformat(),
            next_day=(day + timedelta(days=1)).isoformat(),
            days=book.days,
            closed_before=self._keys.closed_before,
            retired=self._keys.retired,
            totals=[*sums, book.hosts(day), book.names(day), book.statuses(day)],
        )
        return done is not None


def _check_conservation(day: str, totals: DayTotals) -> None:
    """The rows must add up to the day's own sums; a file that does not is never written."""
    messages, sizes, transferred = totals.rows.sums()
    if (messages, sizes, transferred) != (totals.messages, totals.bytes, totals.transferred):
        raise Refused(
            f"The totals of {day} in Redis do not add up: {messages} messages and {sizes} bytes "
            f"in its rows, {totals.messages} and {totals.bytes} in its sums. Keys were lost or "
            "changed from outside; check that Redis never evicts (maxmemory-policy noeviction)."
        )
