"""Dictionaries of the names in log lines, in memory that the kernel fills."""

from __future__ import annotations

import secrets
from ctypes import byref
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_kernel.interface import DictionariesTable, NamesTable
from mailtally_kernel.library import library

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of a slot, and of text for a slot: names are shorter on average.
_SLOT: Final = 64
_TEXT: Final = 24
_LONGEST: Final = 1024
#: How much larger a full dictionary becomes.
_GROWTH: Final = 4
_NOT_A_DOMAIN: Final = -1


class Names:
    """A dictionary of distinct names. ``table`` is what the kernel works on."""

    def __init__(self, table: NamesTable, slots: int) -> None:
        self.table: Final = table
        table.key[:] = [secrets.randbits(64) for _ in table.key]
        self._make_room(slots)

    def __len__(self) -> int:
        return int(self.table.count)

    def _make_room(self, slots: int) -> None:
        # Both or none: where memory is short, the table keeps pointing at what is still owned.
        made = np.zeros(slots * _SLOT, np.uint8), np.empty(slots * _TEXT + _LONGEST, np.uint8)
        self._slots, self._text = made
        self.table.slots, self.table.slot_count = self._slots.ctypes.data, slots
        self.table.text, self.table.text_room = self._text.ctypes.data, len(self._text)
        self.table.count = self.table.text_used = 0

    def is_full(self) -> bool:
        """Return whether the next new name may have no room."""
        table = self.table
        left = table.text_room - table.text_used
        return bool(table.count >= table.slot_count // 2 or left <= _LONGEST)

    def grow(self) -> None:
        """Make room for four times as many names."""
        smaller = NamesTable.from_buffer_copy(self.table)
        kept = self._slots, self._text
        self._make_room(int(smaller.slot_count) * _GROWTH)
        library().mt_move_names(byref(smaller), byref(self.table))
        del kept

    def index_of(self, name: bytes) -> int:
        """Return the index of a name, which is added if it is new."""
        while (index := library().mt_intern(byref(self.table), name, len(name))) < 0:
            self.grow()
        return int(index)

    def spelled(self, offset: int = 0) -> list[bytes]:
        """Return the names in the order of their index, those from ``offset`` in the text on."""
        return self._text[offset : self.table.text_used].tobytes().split(b"\n")[:-1]

    def texts(self) -> tuple[str, ...]:
        """Return the names, which are ASCII, in the order of their index."""
        text = self._text[: self.table.text_used].tobytes()
        return tuple(text.decode("ascii").split("\n")[:-1])


class Dictionaries:
    """The hosts, statuses and domains of records.

    Args:
        normalised: returns the canonical form of a name with other than ASCII bytes, or ``None`` if
            it is not a domain. It is asked once for each spelling.
        domains: the number of domains to make room for at first.
    """

    def __init__(self, normalised: Callable[[bytes], str | None], domains: int) -> None:
        self._normalised: Final = normalised
        self.table: Final = DictionariesTable()
        self.hosts: Final = Names(self.table.hosts, 64)
        #: Room for all that there may be: ten known, 200 unknown, and ``other``.
        self.statuses: Final = Names(self.table.statuses, 512)
        self.domains: Final = Names(self.table.domains, 1 << max(7, (2 * domains).bit_length()))
        self.spellings: Final = Names(self.table.spellings, 64)
        self._canonical = np.empty(64, np.int64)
        self.table.canonical = self._canonical.ctypes.data
        self._settled_text = 0

    def grow(self) -> None:
        """Make room in each dictionary that is full.

        Raises:
            AssertionError: None is, so that the kernel would ask for room again and again.
        """
        full = [
            names
            for names in (self.hosts, self.statuses, self.domains, self.spellings)
            if names.is_full()
        ]
        if not full:
            raise AssertionError("The kernel asks for room where there is some.")
        for names in full:
            names.grow()

    def settle(self) -> None:
        """Find the canonical form of each new spelling.

        If ``normalised`` raises, that spelling is settled by the next call.
        """
        for spelling in self.spellings.spelled(self._settled_text):
            domain = self._normalised(spelling)
            index = _NOT_A_DOMAIN if domain is None else self.domains.index_of(domain.encode())
            self._note_settled(index)
            self._settled_text += len(spelling) + 1

    def _note_settled(self, index: int) -> None:
        settled = int(self.table.settled)
        if settled == len(self._canonical):
            self._canonical = np.resize(self._canonical, 2 * settled)
            self.table.canonical = self._canonical.ctypes.data
        self._canonical[settled] = index
        self.table.settled += 1
