"""Malformed lines, in memory that the kernel fills and the caller empties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailtally_kernel.interface import RejectsTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"

_COLUMNS: Final = {"start": np.int64, "end": np.int64, "reason": np.uint8}


def places_of(columns: dict[str, Array]) -> dict[str, int]:
    """Return the address of each column, by name."""
    return {name: column.ctypes.data for name, column in columns.items()}


class Malformed:
    """The malformed lines of a chunk of ``length`` bytes. ``table`` is what the kernel works on."""

    def __init__(self, length: int) -> None:
        room = length // 256 + 64
        self._room: Final = {name: np.empty(room, kind) for name, kind in _COLUMNS.items()}
        self.table: Final = RejectsTable(room=room, **places_of(self._room))
        self._parts: list[dict[str, Array]] = []

    def make_room(self) -> None:
        """Take what is in the table out of it."""
        count = self.table.count
        self._parts.append({name: array[:count].copy() for name, array in self._room.items()})
        self.table.count = 0

    def all(self) -> dict[str, Array]:
        """Return all malformed lines so far, column by column."""
        self.make_room()
        if len(self._parts) > 1:
            whole = {name: [part[name] for part in self._parts] for name in _COLUMNS}
            self._parts = [{name: np.concatenate(parts) for name, parts in whole.items()}]
        return self._parts[0]
