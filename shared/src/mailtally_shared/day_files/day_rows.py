"""A day's breakdown as columns: millions of rows in the memory that their bytes take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.batches import batches
from mailtally_shared.day_files.charging import too_large
from mailtally_shared.day_files.growing import Growing
from mailtally_shared.day_files.rows import Sums, SumsTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailtally_shared.columns import Array

#: Rows handled at a time: their text stays in the processor's cache.
PIECE = 4096
_WORD = 8  # bytes of a name compared at once
_EMPTY_NAMES = f"S{_WORD}"

#: What a row is of, apart from its domain: host, service label, status.
Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class DayRows:
    """``n`` rows in the order of the file, each key once; every array has shape ``(n,)``.

    Iterating gives ``Sums``; those that give the same are equal.
    """

    kinds: tuple[Kind, ...]  # distinct, ascending
    domain: Array  # bytes of a fixed width, whole words, padded with NUL
    kind: Array  # int32, index into kinds
    messages: Array  # int64
    bytes: Array  # int64, as logged
    transferred: Array  # int64, bytes times attempts

    @classmethod
    def of(cls, rows: Iterable[Sums]) -> DayRows:
        """The same rows as columns; ``rows`` may be in any order.

        Raises:
            Refused: a sum does not fit 63 bits.
            ValueError: a key stands twice, holds NUL or is not ASCII.
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DayRows) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list

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

    def totals(self) -> SumsTotals:
        """How many they are, and what they add up to."""
        messages, size, _ = self.sums()
        return SumsTotals(len(self), messages, size)

    def sums(self) -> tuple[int, int, int]:
        """What messages, bytes and transferred add up to."""
        return exact_sum(self.messages), exact_sum(self.bytes), exact_sum(self.transferred)


class Gathering:
    """Puts the rows of a day together, piece by piece and in any order."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, int] = {}
        self._names = Growing(_EMPTY_NAMES)
        self._codes = Growing(np.int32)
        self._sums = tuple(Growing(np.int64) for _ in range(3))

    def __len__(self) -> int:
        return len(self._names)

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
        self._names.add(_ascii(domains))
        self._codes.add(np.fromiter(map(self._kinds.__getitem__, kinds), np.int32, len(kinds)))
        for growing, column in zip(self._sums, sums, strict=True):
            growing.add(_int64(column, domains))

    def rows(self) -> DayRows:
        """All that was added, which is given away: little is ever there twice.

        Raises:
            ValueError: a key stands twice.
        """
        kinds = sorted(self._kinds)
        rank = {kind: number for number, kind in enumerate(kinds)}
        ranks = np.array([rank[kind] for kind in self._kinds], np.int32)
        domain, kind = self._names.given(), ranks[self._codes.given()]
        order = np.lexsort([kind, *words(domain)])
        domain, kind = domain[order], kind[order]
        sums = [column.given()[order] for column in self._sums]
        rows = DayRows(tuple(kinds), domain, kind, *sums)
        _check_distinct(rows)
        return rows


def _check_distinct(rows: DayRows) -> None:
    same = (rows.domain[1:] == rows.domain[:-1]) & (rows.kind[1:] == rows.kind[:-1])
    if same.any():
        (row,) = rows.taken(np.flatnonzero(same)[:1])
        raise ValueError(f"the breakdown holds {row[:4]} twice")


def exact_sum(values: Array) -> int:
    """The sum of int64, however large."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFF_FFFF).sum())


def _check_text(names: Iterable[str]) -> None:
    """What pads a name must not stand in one: it would be lost, and with it the difference."""
    if "\0" in "".join(names):
        raise ValueError("a name of the breakdown holds NUL")


def _ascii(names: Sequence[str]) -> Array:
    _check_text(names)
    found = np.array([name.encode("ascii") for name in names], "S")
    return found.astype(f"S{-(-found.itemsize // _WORD) * _WORD}")


def _int64(numbers: Sequence[int], domains: Sequence[str]) -> Array:
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        raise too_large(domains[numbers.index(max(numbers))]) from None


def words(names: Array) -> Iterator[Array]:
    """Names as numbers of eight bytes that sort alike; the last, which weighs least, first.

    They are looked at where they lie: numpy copies one of them at a time.
    """
    words = names.view(">u8").reshape(-1, names.itemsize // _WORD)
    for word in reversed(range(words.shape[1])):
        yield words[:, word]
