"""A day's breakdown as columns: millions of rows in the memory that their bytes take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.batches import batches
from mailtally_shared.day_files.charging import too_large
from mailtally_shared.day_files.rows import Sums, SumsTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailtally_shared.columns import Array

#: Rows handled at a time: their text stays in the processor's cache.
PIECE = 4096
_WORD = 8  # bytes of a name compared at once

#: What a row is of, apart from its domain: host, service label, status.
Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class DayRows:
    """``n`` rows, column by column; every array has shape ``(n,)``. Iterating gives ``Sums``."""

    kinds: tuple[Kind, ...]  # distinct, in no order
    domain: Array  # bytes of a fixed width, padded with NUL
    kind: Array  # int64, index into kinds
    messages: Array  # int64
    bytes: Array  # int64, as logged
    transferred: Array  # int64, bytes times attempts

    @classmethod
    def of(cls, rows: Iterable[Sums]) -> DayRows:
        """The same rows as columns.

        Raises:
            Refused: a sum does not fit 63 bits.
        """
        if isinstance(rows, DayRows):
            return rows
        gathered = Gathering()
        for batch in batches(rows, PIECE):
            domain, host, service, status, *sums = zip(*batch, strict=True)
            gathered.add(domain, list(zip(host, service, status, strict=True)), sums)
        return gathered.rows()

    def __len__(self) -> int:
        return len(self.domain)

    def __iter__(self) -> Iterator[Sums]:
        for piece in self.pieces():
            names = piece.domain.astype(str).tolist()
            kinds = map(self.kinds.__getitem__, piece.kind.tolist())
            sums = (column.tolist() for column in (piece.messages, piece.bytes, piece.transferred))
            for name, kind, *figures in zip(names, kinds, *sums, strict=True):
                yield Sums(name, *kind, *figures)

    def pieces(self) -> Iterator[DayRows]:
        """The rows, ``PIECE`` at a time."""
        for first in range(0, len(self), PIECE):
            yield self.taken(slice(first, first + PIECE))

    def taken(self, which: Array | slice) -> DayRows:
        """Some of the rows, by an index of numpy's."""
        return DayRows(
            self.kinds,
            self.domain[which],
            self.kind[which],
            self.messages[which],
            self.bytes[which],
            self.transferred[which],
        )

    def in_order(self) -> DayRows:
        """The rows in the order of the file.

        Raises:
            ValueError: a key stands twice.
        """
        kinds = sorted(self.kinds)
        place = {kind: number for number, kind in enumerate(kinds)}
        ranks = np.array([place[kind] for kind in self.kinds], np.int64)[self.kind]
        rows = self.taken(np.lexsort([ranks, *_words(self.domain)]))
        same = (rows.domain[1:] == rows.domain[:-1]) & (rows.kind[1:] == rows.kind[:-1])
        if same.any():
            (row,) = rows.taken(np.flatnonzero(same)[:1])
            raise ValueError(f"the breakdown holds {row[:4]} twice")
        return rows

    def totals(self) -> SumsTotals:
        """How many they are, and what they add up to."""
        return SumsTotals(len(self), exact_sum(self.messages), exact_sum(self.bytes))


class Gathering:
    """Puts rows together piece by piece."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, int] = {}
        self._pieces: list[tuple[Array, ...]] = []

    def add(
        self, domains: Sequence[str], kinds: Sequence[Kind], sums: Sequence[Sequence[int]]
    ) -> None:
        """Add rows.

        Args:
            domains: ASCII.
            kinds: as many.
            sums: messages, bytes and transferred of each.

        Raises:
            Refused: a sum does not fit 63 bits.
            ValueError: a name holds NUL or is not ASCII.
        """
        for kind in set(kinds).difference(self._kinds):
            _check_text(kind)
            self._kinds[kind] = len(self._kinds)
        codes = np.fromiter(map(self._kinds.__getitem__, kinds), np.int64, len(kinds))
        figures = (_int64(column, domains) for column in sums)
        self._pieces.append((_ascii(domains), codes, *figures))

    def rows(self) -> DayRows:
        """All of them, in the order in which they were added. Nothing can be added any more."""
        pieces, self._pieces = self._pieces, []
        if not pieces:
            pieces = [(np.empty(0, "S1"), *[np.empty(0, np.int64)] * 4)]
        columns = map(np.concatenate, zip(*pieces, strict=True))
        return DayRows(tuple(self._kinds), *columns)


def exact_sum(values: Array) -> int:
    """The sum of int64, however large."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFF_FFFF).sum())


def _check_text(names: Iterable[str]) -> None:
    """What pads a name must not stand in one: it would be lost, and with it the difference."""
    if "\0" in "".join(names):
        raise ValueError("a name of the breakdown holds NUL")


def _ascii(names: Sequence[str]) -> Array:
    _check_text(names)
    return np.array([name.encode("ascii") for name in names], "S")


def _int64(numbers: Sequence[int], domains: Sequence[str]) -> Array:
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        raise too_large(domains[numbers.index(max(numbers))]) from None


def _words(names: Array) -> Iterator[Array]:
    """Names as numbers of eight bytes that sort alike; the last, which weighs least, first."""
    width = -(-names.itemsize // _WORD)
    for word in reversed(range(width)):
        part = names.astype(f"S{width * _WORD}", copy=False).view(">u8").reshape(-1, width)
        yield part[:, word].astype(np.uint64)
