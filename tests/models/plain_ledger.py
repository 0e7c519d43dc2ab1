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
Start = tuple[str, int, str]  # collector id, epoch, nonce
Key = tuple[bool, date, str]  # late, day, holder
#: (domain, host, service, status) → messages, bytes, transferred.
Rows = dict[tuple[str, str, str, str], tuple[int, int, int]]


@dataclass(frozen=True)
class Entry:
    """A record as it was counted: in which book, under which name and status.

    ``holder``: the collector under which it is held, empty for one that is counted.
    """

    late: bool
    day: date
    record: Record
    holder: str = ""

    @property
    def key(self) -> Key:
        return self.late, self.day, self.holder


@dataclass
class PlainLedger:
    """``applied`` is the ledger; everything else about sums follows from it."""

    names_cap: int
    statuses_cap: int
    held_from: int
    owner: dict[str, Start] = field(default_factory=dict)
    predecessor: dict[str, str] = field(default_factory=dict)
    applied: dict[Batch, list[Entry]] = field(default_factory=dict)
    checksums: dict[Batch, str] = field(default_factory=dict)
    quarantined: dict[Batch, int] = field(default_factory=dict)  # records
    closed_before: date = date.min
    dropped: int = 0

    def register(self, host: str, start: Start) -> None:
        """The start of a collector owns the host name from now on."""
        collector = start[0]
        before = self.owner.get(host, start)[0]
        if before != collector:
            self.predecessor.setdefault(collector, before)
        self.owner[host] = start

    def judge(self, host: str, speaks_as: Start, batch: Batch, checksum: str) -> str:
        """Return what becomes of a batch, where no sum overflows."""
        owner = self.owner[host]
        if owner[0] != speaks_as[0]:
            return "fenced"
        if owner != speaks_as:
            return "outdated"
        if not self.has(batch):
            return "applied"
        return "known" if self.checksums[batch] == checksum else "different"

    def has(self, batch: Batch) -> bool:
        """Whether it is behind us."""
        return batch in self.applied or batch in self.quarantined

    def apply(self, group: dict[Batch, Sequence[Record]]) -> bool:
        """Apply new batches together, or none of them where a day's sum would overflow."""
        counted = {
            batch: [self._entry(record, batch[0]) for record in records]
            for batch, records in group.items()
        }
        everything = [entry for entries in counted.values() for entry in entries]
        if any(self._overflows(key, everything) for key in _days(everything)):
            return False
        renamed = {key: self._renamer(key, everything) for key in _days(everything)}
        for batch, entries in counted.items():
            self.applied[batch] = [renamed[e.key](e) for e in entries]
        return True

    def count_held(self, holder: str, day: date) -> None:
        """Count what is held of a day under a collector."""
        moved = [self._counted(entry) for entry in self._entries((False, day, holder))]
        renamed = {key: self._renamer(key, moved) for key in _days(moved)}
        for batch, entries in self.applied.items():
            self.applied[batch] = [
                renamed[self._counted(e).key](self._counted(e))
                if e.key == (False, day, holder)
                else e
                for e in entries
            ]

    def drop_held(self, holder: str, day: date) -> None:
        """Forget what is held of a day under a collector, but not how many."""
        key = (False, day, holder)
        self.dropped += len(self._entries(key))
        for batch, entries in self.applied.items():
            self.applied[batch] = [entry for entry in entries if entry.key != key]

    def held(self) -> dict[tuple[str, date], Rows]:
        """What is held, by collector and day."""
        keys = {(e.holder, e.day) for e in self._all() if e.holder}
        return {key: self.rows(key[1], late=False, holder=key[0]) for key in keys}

    def rows(self, day: date, *, late: bool, holder: str = "") -> Rows:
        """A day's totals, added up plainly."""
        sums: dict[tuple[str, str, str, str], Counter[str]] = {}
        for record in (e.record for e in self._entries((late, day, holder))):
            key = (record.domain, record.host, record.service.label, record.status)
            sums.setdefault(key, Counter()).update(
                messages=1, bytes=record.size, transferred=record.size * max(record.attempts, 1)
            )
        return {k: (s["messages"], s["bytes"], s["transferred"]) for k, s in sums.items()}

    def days(self, *, late: bool) -> list[date]:
        """The days with totals in the state: of the billed ones those that are not retired."""
        found = {e.day for e in self._all() if e.late == late and not e.holder}
        return sorted(day for day in found if late or day >= self.closed_before)

    def retired(self) -> int:
        """Messages of days whose totals have left the state."""
        counted = [e for e in self._all() if not e.holder]
        return sum(not e.late and e.day < self.closed_before for e in counted)

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

    def _entries(self, key: Key) -> list[Entry]:
        return [e for e in self._all() if e.key == key]

    def _entry(self, record: Record, collector: str) -> Entry:
        day = datetime.fromtimestamp(record.time, UTC).date()
        if record.time >= self.held_from:
            return Entry(late=False, day=day, record=record, holder=collector)
        return Entry(day < self.closed_before, day, record)

    def _counted(self, entry: Entry) -> Entry:
        return replace(entry, late=entry.day < self.closed_before, holder="")

    def _overflows(self, key: Key, more: list[Entry]) -> bool:
        entries = [*self._entries(key), *(e for e in more if e.key == key)]
        return sum(e.record.size * max(e.record.attempts, 1) for e in entries) > MAX_SUM

    def _renamer(self, key: Key, more: list[Entry]) -> _Renamer:
        there = [e.record for e in self._entries(key)]
        new = [e.record for e in more if e.key == key]
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


def _days(entries: Iterable[Entry]) -> set[Key]:
    return {entry.key for entry in entries}


def _refused(there: set[str], asked: set[str], cap: int) -> set[str]:
    """Who finds no room, in the order of names."""
    room = max(0, cap - len(there - {OVERFLOW}))
    return set(sorted(asked - there - {OVERFLOW})[room:])
