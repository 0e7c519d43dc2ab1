"""The clock of a log: the zone of its stamps, and what earlier stamps say about later ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_kernel.interface import ClockTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_kernel.malformed import Array

#: Changes of a zone's offset are looked for up to the year 2100; later stamps have the last offset.
_LAST: Final = 4_102_444_800
_STEP: Final = 86_400
_NO_TIME: Final = -(2**63)
_NO_YEAR: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """Offsets of a zone from UTC, in seconds east: before the first change, and after each."""

    changes: Array  # int64 (n,), Unix seconds
    offsets: Array  # int64 (n + 1,)

    @classmethod
    def of(cls, offset_at: Callable[[int], int]) -> Zone:
        """Return the zone with these offsets at Unix seconds, from 1970 on."""
        changes: list[int] = []
        offsets = [offset_at(0)]
        for day in range(_STEP, _LAST, _STEP):
            if offset_at(day) != offsets[-1]:
                change = _change(offset_at, day - _STEP, day)
                changes.append(change)
                offsets.append(offset_at(change))
        return cls(np.array(changes, np.int64), np.array(offsets, np.int64))


def _change(offset_at: Callable[[int], int], before: int, after: int) -> int:
    """Return the first second with the later one of two offsets."""
    offset = offset_at(after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if offset_at(middle) == offset else (middle, after)
    return after


UTC: Final = Zone(np.zeros(0, np.int64), np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a log before a chunk.

    Attributes:
        zone: of stamps without an offset.
        modified: Unix seconds when the chunk's file was changed last.
        begins: whether the chunk is the first of its file.
        first_year: year of the log's first stamp without one; unset: by the file's change.
        previous: local time that the last stamp shows, as seconds since 1970 without a zone.
        second_pass: local time at which an hour began that is being repeated.
    """

    zone: Zone = UTC
    modified: int = 0
    begins: bool = False
    first_year: int | None = None
    previous: int | None = None
    second_pass: int | None = None

    def table(self) -> ClockTable:
        """Return it as the kernel reads it; the zone has to be kept meanwhile."""
        by_neighbours = self.first_year is not None and self.previous is not None
        return ClockTable(
            changes=self.zone.changes.ctypes.data,
            offsets=self.zone.offsets.ctypes.data,
            count=len(self.zone.changes),
            modified=max(0, min(self.modified, _LAST)),
            first_year=_NO_YEAR if self.first_year is None else self.first_year,
            previous=_NO_TIME if self.previous is None else self.previous,
            second_pass=_NO_TIME if self.second_pass is None else self.second_pass,
            begins=self.begins and not by_neighbours,
        )


def faces_of(table: ClockTable) -> tuple[int | None, int | None]:
    """Return ``previous`` and ``second_pass`` after a chunk."""
    faces = (int(table.previous), int(table.second_pass))
    previous, second_pass = (None if face == _NO_TIME else face for face in faces)
    return previous, second_pass
