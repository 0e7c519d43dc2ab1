"""The ledger as it is meant: which batches are applied, and all sums added up from them anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from mailtally_aggregator.request import NEVER_CAPPED, OVERFLOW
from mailtally_shared.columns import MAX_SUM, OTHER_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.records import Record

Batch = tuple[str, int]  # collector id, number
#: (domain, host, service, status) → messages, bytes, transferred.
Rows = dict[tuple[str, str, str, str], tuple[int, int, int]]


@dataclass(frozen=True)
class Entry:
    """A record as it was counted: in which book, under which name and status."""

    late: bool
    day: date
    record: Record


@dataclass
class PlainLedger:
    """``applied`` is the ledger; everything else about sums follows from it."""

    names_cap: int
    statuses_cap: int
    owner: dict[str, str] = field(default_factory=dict)
    predecessor: dict[str, str] = field(default_factory=dict)
    applied: dict[Batch, list[Entry]] = field(default_factory=dict)
    quarantined: dict[Batch, int] = field(default_factory=dict)  # records
    closed_before: date = date.min

    def register(self, host: str, collector: str) -> None:
        """The collector owns the host name from now on."""
        before = self.owner.get(host, collector)
        if before != collector:
            self.predecessor.setdefault(collector, before)
        self.owner[host] = collector

    def has(self, batch: Batch) -> bool:
        """Whether it is behind us."""
        return batch in self.applied or batch in self.quarantined

    def apply(self, group: dict[Batch, Sequence[Record]]) -> bool:
        """Apply new batches together, or none of them where a day's sum would overflow."""
        counted = {batch: list(map(self._entry, records)) for batch, records in group.items()}
        everything = [entry for entries in counted.values() for entry in entries]
        if any(self._overflows(late, day, everything) for late, day in _days(everything)):
            return False
        renamed = {key: self._renamer(*key, everything) for key in _days(everything)}
        for batch, entries in counted.items():
            self.applied[batch] = [renamed[e.late, e.day](e) for e in entries]
        return True

    def rows(self, day: date, *, late: bool) -> Rows:
        """A day's totals, added up plainly."""
        sums: dict[tuple[str, str, str, str], Counter[str]] = {}
        for record in (e.record for e in self._entries(late, day)):
            key = (record.domain, record.host, record.service.label, record.status)
            sums.setdefault(key, Counter()).update(
                messages=1, bytes=record.size, transferred=record.size * max(record.attempts, 1)
            )
        return {k: (s["messages"], s["bytes"], s["transferred"]) for k, s in sums.items()}

    def days(self, *, late: bool) -> list[date]:
        """The days with totals in the state: of the billed ones those that are not retired."""
        found = {e.day for e in self._all() if e.late == late}
        return sorted(day for day in found if late or day >= self.closed_before)

    def retired(self) -> int:
        """Messages of days whose totals have left the state."""
        return sum(not e.late and e.day < self.closed_before for e in self._all())

    def hwm(self, collector: str) -> int:
        """Up to where no batch is missing."""
        hwm = 0
        while self.has((collector, hwm + 1)):
            hwm += 1
        return hwm

    def ahead(self, collector: str) -> set[int]:
        """What is applied beyond that."""
        behind = [seq for c, seq in [*self.applied, *self.quarantined] if c == collector]
        return {seq for seq in behind if seq > self.hwm(collector)}

    def _all(self) -> list[Entry]:
        return [entry for entries in self.applied.values() for entry in entries]

    def _entries(self, late: bool, day: date) -> list[Entry]:  # noqa: FBT001 - half of a key
        return [e for e in self._all() if (e.late, e.day) == (late, day)]

    def _entry(self, record: Record) -> Entry:
        day = datetime.fromtimestamp(record.time, UTC).date()
        return Entry(day < self.closed_before, day, record)

    def _overflows(self, late: bool, day: date, more: list[Entry]) -> bool:  # noqa: FBT001 - half of a key
        entries = [*self._entries(late, day), *(e for e in more if (e.late, e.day) == (late, day))]
        return sum(e.record.size * max(e.record.attempts, 1) for e in entries) > MAX_SUM

    def _renamer(self, late: bool, day: date, more: list[Entry]) -> _Renamer:  # noqa: FBT001 - half of a key
        there = [e.record for e in self._entries(late, day)]
        new = [e.record for e in more if (e.late, e.day) == (late, day)]
        names = _refused({r.domain for r in there}, {r.domain for r in new}, self.names_cap)
        unknown = {r.status for r in there} - NEVER_CAPPED
        statuses = _refused(unknown, {r.status for r in new} - NEVER_CAPPED, self.statuses_cap)
        return _Renamer(names, statuses)


@dataclass(frozen=True)
class _Renamer:
    names: set[str]
    statuses: set[str]

    def __call__(self, entry: Entry) -> Entry:
        domain = OVERFLOW if entry.record.domain in self.names else entry.record.domain
        status = OTHER_STATUS if entry.record.status in self.statuses else entry.record.status
        return replace(entry, record=replace(entry.record, domain=domain, status=status))


def _days(entries: Iterable[Entry]) -> set[tuple[bool, date]]:
    return {(entry.late, entry.day) for entry in entries}


def _refused(there: set[str], asked: set[str], cap: int) -> set[str]:
    """Who finds no room, in the order of names."""
    room = max(0, cap - len(there - {OVERFLOW}))
    return set(sorted(asked - there)[room:])
