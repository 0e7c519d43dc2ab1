"""The records of one day in one of the twin's books, and all that follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_shared.days import DayRows, Sums
from mailtally_shared.days.day_rows import whole_words
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.schema import MAX_SUM, OTHER_STATUS
from mailtally_shared.state.commit.request import NEVER_CAPPED, OVERFLOW
from mailtally_shared.state.read.live_day import LiveDay
from mailtally_shared.state.read.totals import DayTotals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayFacts
    from mailtally_shared.state.commit.request import Caps
    from tests.support.records import Record


class Entry(NamedTuple):
    """A record as it is counted, and the host whose collector reported it."""

    record: Record
    collector: str
    by_hour: bool = False  # whether it is counted by hour as well

    @property
    def transferred(self) -> int:
        return self.record.size * max(self.record.attempts, 1)


@dataclass
class Sheet:
    """A day in a book. The figures are added up from the entries whenever they are asked for."""

    entries: list[Entry] = field(default_factory=list)
    opener: str = ""  # id of the collector whose records opened it
    changes: int = 0
    since: int = 0
    changed_at: int = 0
    revision: int = 0
    written: DayFacts | None = None
    written_changes: int | None = None
    written_at: int | None = None
    stopped_changes: int | None = None
    hours_whole: bool | None = None
    hours_left: bool = False

    def has_room_for(self, more: Sequence[Entry]) -> bool:
        """Return whether no sum of the day would exceed 63 bits."""
        return sum(entry.transferred for entry in (*self.entries, *more)) <= MAX_SUM

    def add(self, more: Sequence[Entry], caps: Caps, now: float, *, hours: bool = False) -> None:
        """Count entries: names and statuses for which there is no room under those for the rest."""
        kept = [entry.record for entry in self.entries]
        new = [entry.record for entry in more]
        names = _refused({r.domain for r in kept}, {r.domain for r in new}, caps.names)
        statuses = _refused(
            {r.status for r in kept} - NEVER_CAPPED,
            {r.status for r in new} - NEVER_CAPPED,
            caps.statuses,
        )
        for record, collector, _ in more:
            domain = OVERFLOW if record.domain in names else record.domain
            status = OTHER_STATUS if record.status in statuses else record.status
            renamed = replace(record, domain=domain, status=status)
            self.entries.append(Entry(renamed, collector, by_hour=hours))
        self._note_hours(counted=hours and not self.hours_left)
        self.since = self.since if self.changes else int(now)
        self.changed_at = int(now)
        self.changes += 1

    def _note_hours(self, *, counted: bool) -> None:
        """Note whether all of the day is counted by hour, if any of it is."""
        if counted and self.hours_whole is None:
            self.hours_whole = not self.changes
        elif not counted and self.hours_whole:
            self.hours_whole = False

    def drop_hours(self) -> bool:
        """Drop the hours, if the files hold all of the day."""
        if self.changes != self.written_changes:
            return False
        self.hours_left = True
        return True

    def held_names(self) -> set[tuple[str, str, str]]:
        """Return the names that its collector's limit counts: each once at every place."""
        return {(record.domain, collector, record.host) for record, collector, _ in self.entries}

    def finish(self, facts: DayFacts, changes: int, now: float) -> None:
        """Record that the files of a revision are in place."""
        self.written, self.written_changes, self.written_at = facts, changes, int(now)
        self.stopped_changes = None

    def totals(self, calendar: Calendar | None = None) -> DayTotals:
        """Return its rows and their sums; with a calendar, its hours too."""
        rows: dict[tuple[str, ...], Counter[str]] = {}
        for record, collector, _ in self.entries:
            key = (record.domain, collector, record.host, record.service.label, record.status)
            transferred = record.size * max(record.attempts, 1)
            rows.setdefault(key, Counter()).update(
                messages=1, bytes=record.size, transferred=transferred
            )
        found = [Sums(*key, **sums) for key, sums in rows.items()]  # type: ignore[arg-type]  # its key and its measures
        messages, size, transferred = (
            sum(getattr(row, name) for row in found)
            for name in ("messages", "bytes", "transferred")
        )
        hours = self._hours(calendar) if calendar else None
        rows_found = DayRows.of(found)
        return DayTotals(
            *(self.changes, messages, size, transferred, rows_found), hours, self.hours_whole
        )

    def _hours(self, calendar: Calendar) -> Hours | None:
        if self.hours_whole is None or self.hours_left:
            return None
        rows: dict[tuple[str, int, int], Counter[str]] = {}
        for entry in filter(lambda each: each.by_hour, self.entries):
            record = entry.record
            (hour,) = calendar.hours_of(np.array([record.time])).tolist()
            rows.setdefault((record.domain, hour, record.service), Counter()).update(
                messages=1, bytes=record.size, transferred=entry.transferred
            )
        return Hours(hour_rows(rows), self.hours_whole)

    def live_day(self, day: date) -> LiveDay:
        """Return it as the reader of days does."""
        own, written = self.totals(), self.written
        incomplete = written.incomplete if written else ()
        return LiveDay(
            day,
            messages=own.messages,
            bytes=own.bytes,
            transferred=own.transferred,
            changes=self.changes,
            since=self.since,
            changed_at=self.changed_at,
            written_changes=self.written_changes,
            written_revision=written.revision if written else None,
            written_at=self.written_at,
            complete=bool(written and written.complete),
            missing_hosts=written.missing_hosts if written else (),
            has_missing=bool(written and written.missing_hosts),
            incomplete=tuple((each.host, each.reason) for each in incomplete),
            stopped_changes=self.stopped_changes,
            hours_whole=self.hours_whole,
            hours_left=self.hours_left,
        )


def hour_rows(sums: Mapping[tuple[str, int, int], Mapping[str, int]]) -> HourRows:
    """Return sums by domain, hour and service as columns."""
    if not sums:
        return HourRows.empty()
    domain, hour, service = zip(*sorted(sums), strict=True)
    measures = (
        [sums[key][name] for key in sorted(sums)] for name in ("messages", "bytes", "transferred")
    )
    return HourRows(
        whole_words(np.array([name.encode() for name in domain], "S")),
        np.array(hour, np.int64),
        np.array(service, np.uint8),
        *(np.array(column, np.int64) for column in measures),
    )


def _refused(known: set[str], asked: set[str], cap: int) -> set[str]:
    """Return those that find no room, in the order of names."""
    room = max(0, cap - len(known - {OVERFLOW}))
    return set(sorted(asked - known - {OVERFLOW})[room:])
