"""Sums by group, and by name: messages, bytes, wasted bytes and bytes sent again."""

from __future__ import annotations

import secrets
from ctypes import byref, c_uint64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mailtally_kernel.interface import AmountsTable, RankingTable, Stop
from mailtally_kernel.library import library

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[Any]

#: Sums of a group or name.
FIGURES: Final = 4
_LEAST_NAMES, _LEAST_TEXT = 1 << 10, 1 << 15


class Amounts(NamedTuple):
    """What each of ``n`` records adds to sums; int64, shape ``(n,)``.

    ``messages`` is ``None`` where each record is one message.
    """

    size: Array
    wasted: Array
    again: Array
    messages: Array | None = None

    def table(self) -> tuple[AmountsTable, Sequence[Array | None]]:
        """Return the columns as the kernel takes them, and what owns their memory.

        Raises:
            ValueError: They are not of one length.
        """
        columns = (self.messages, self.size, self.wasted, self.again)
        held = [None if one is None else np.ascontiguousarray(one, np.int64) for one in columns]
        if any(one is not None and one.shape != self.size.shape for one in held):
            raise ValueError("Each record has one amount of each figure.")
        places = (None if one is None else one.ctypes.data for one in held)
        return AmountsTable(*places, len(self.size)), held


def add_up(group: Array, amounts: Amounts, groups: int) -> Array:
    """Return the sums of each group, int64, shape ``(groups, FIGURES)``.

    Sums stop at the largest int64.

    Raises:
        ValueError: A group is not below ``groups``, or the columns differ in length.
    """
    sums = np.zeros((groups, FIGURES), np.int64)
    table, _held = amounts.table()
    codes = _uint32(group, table.count)
    if library().mt_add_up(codes.ctypes.data, byref(table), sums.ctypes.data, groups):
        raise ValueError("A record has a group that does not exist.")
    return sums


class RankedNames:
    """Distinct names with their sums, in the order in which they were added."""

    def __init__(self) -> None:
        self._make(_LEAST_NAMES, _LEAST_TEXT, [secrets.randbits(64) for _ in range(4)])

    def __len__(self) -> int:
        return int(self._table.count)

    @property
    def sums(self) -> Array:
        """The sums of the names, int64 ``(len(self), FIGURES)``; valid until the next change."""
        return self._sums[: len(self)]

    def add(self, text: Array, start: Array, end: Array, amounts: Amounts) -> None:
        """Add records whose names are ``text[start:end]`` of each row.

        Raises:
            ValueError: A range is not within the text, or the columns differ in length.
        """
        text = np.ascontiguousarray(text, np.uint8)
        table, _held = amounts.table()
        start, end = _uint32(start, table.count), _uint32(end, table.count)
        done = c_uint64(0)
        while stop := library().mt_rank(
            byref(self._table),
            *(text.ctypes.data, len(text), start.ctypes.data, end.ctypes.data),
            *(byref(table), byref(done)),
        ):
            if stop != Stop.FULL_NAMES:
                raise ValueError("A name is not within the text.")
            self._grow()

    def name(self, index: int) -> bytes:
        """Return the name of an index."""
        start = int(self._ends[index - 1]) if index else 0
        return self._text[start : int(self._ends[index])].tobytes()

    def keep(self, kept: Array) -> None:
        """Forget all names but those of some indices, which are in order."""
        self._move(kept, len(self._ends), len(self._text))

    def _grow(self) -> None:
        """Double the room for names if that is full, else the room for their text."""
        is_full = len(self) == len(self._ends)
        names, text = len(self._ends) << is_full, len(self._text) << (not is_full)
        self._move(np.arange(len(self)), names, text)

    def _move(self, kept: Array, names: int, text: int) -> None:
        before = self._table
        owned = self._slots, self._ends, self._sums, self._text
        self._make(names, text, list(before.key))
        kept = _uint32(kept, len(kept))
        done = library().mt_keep_ranked(
            byref(before), kept.ctypes.data, len(kept), byref(self._table)
        )
        del owned
        if done:
            raise ValueError("An index is no name's, or is there twice.")

    def _make(self, names: int, text: int, key: Sequence[int]) -> None:
        # All or none: where memory is short, the table keeps pointing at what is still owned.
        made = (
            np.zeros(1 << (2 * names - 1).bit_length(), np.uint64),
            np.empty(names, np.uint64),
            np.empty((names, FIGURES), np.int64),
            np.empty(text, np.uint8),
        )
        slots, ends, sums, letters = self._slots, self._ends, self._sums, self._text = made
        self._table = RankingTable(
            slots=slots.ctypes.data,
            slot_count=len(slots),
            ends=ends.ctypes.data,
            sums=sums.ctypes.data,
            room=names,
            text=letters.ctypes.data,
            text_room=text,
        )
        self._table.key[:] = key


def _uint32(column: Array, count: int) -> Array:
    """Return a column as the kernel takes it.

    Raises:
        ValueError: It is not of this length.
    """
    if len(column) != count:
        raise ValueError("Columns of records differ in length.")
    return np.ascontiguousarray(column, np.uint32)
