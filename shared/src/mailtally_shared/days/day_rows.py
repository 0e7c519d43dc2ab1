"""A day's breakdown as columns: millions of rows in little more memory than their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mailtally_shared.batches import batches
from mailtally_shared.errors import Refused
from mailtally_shared.schema import KIND, MAX_SUM, Kind, Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import DTypeLike

    from mailtally_shared.columns import Array


#: Values of a block: enough that the allocator maps it, and the system gets it back when it is
#: freed. Memory that is freed in small pieces stays with the process.
_BLOCK = 65_536


class Growing:
    """An array that grows by appending; names may become wider as they come."""

    def __init__(self, kind: DTypeLike) -> None:
        self._kind = np.dtype(kind)
        self._blocks: list[Array] = []
        self._filled: list[int] = []

    def __len__(self) -> int:
        return sum(self._filled)

    def add(self, values: Array) -> None:
        """Append values."""
        if not self._has_room(values):
            self._blocks.append(np.empty(max(_BLOCK, len(values)), values.dtype))
            self._filled.append(0)
        begin = self._filled[-1]
        self._filled[-1] += len(values)
        self._blocks[-1][begin : self._filled[-1]] = values

    def given(self) -> Array:
        """Return all values as one array, freeing each block once copied; empty this object."""
        kind = max((self._kind, *(block.dtype for block in self._blocks)), key=_width)
        whole = np.empty(len(self), kind)
        end = len(whole)
        while self._blocks:
            block, filled = self._blocks.pop(), self._filled.pop()
            whole[end - filled : end] = block[:filled]
            end -= filled
        return whole

    def _has_room(self, values: Array) -> bool:
        if not self._blocks:
            return False
        block = self._blocks[-1]
        fits = values.dtype.itemsize <= block.dtype.itemsize
        return fits and self._filled[-1] + len(values) <= len(block)


def _width(kind: np.dtype[np.generic]) -> int:
    return kind.itemsize


#: Rows handled at a time: their text fits the processor's cache.
PIECE = 4096
_WORD = 8  # bytes of a name compared at once
_HALF = 32  # bits
_LOW = 2**_HALF - 1
_EMPTY_NAMES = f"S{_WORD}"


class SumsTotals(NamedTuple):
    """Sums over the counted rows of a day."""

    rows: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DayRows:
    """``n`` rows in the order of the file, each key once; every array has shape ``(n,)``.

    Iterating yields ``Sums``; two with the same sums are equal.
    """

    kinds: tuple[Kind, ...]  # distinct, ascending
    domain: Array  # bytes of a fixed width, whole words, padded with NUL
    kind: Array  # int32, index into kinds
    messages: Array  # int64
    bytes: Array  # int64, as logged
    transferred: Array  # int64, bytes times attempts

    @classmethod
    def of(cls, rows: Iterable[Sums]) -> DayRows:
        """Return the same rows as columns; ``rows`` may be in any order.

        Raises:
            Refused: a sum does not fit 63 bits.
            ValueError: a key appears twice, contains NUL or is not ASCII.
        """
        if isinstance(rows, DayRows):
            return rows
        gathered = Gathering()
        for batch in batches(rows, PIECE):
            domains, *columns = zip(*batch, strict=True)
            kinds = list(zip(*columns[: len(KIND)], strict=True))
            gathered.add(domains, kinds, columns[len(KIND) :])
        return gathered.rows()

    def __len__(self) -> int:
        return len(self.domain)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DayRows) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __iter__(self) -> Iterator[Sums]:
        for piece in self.pieces():
            yield from map(Sums._make, zip(*piece.lists(), strict=True))

    def lists(self) -> list[list[Any]]:
        """Return the columns of ``Sums`` as values that a database accepts."""
        codes = self.kind.tolist()
        kinds = ([texts[code] for code in codes] for texts in zip(*self.kinds, strict=True))
        figures = (column.tolist() for column in (self.messages, self.bytes, self.transferred))
        return [[name.decode() for name in self.domain.tolist()], *kinds, *figures]

    def key(self, place: int) -> tuple[str, ...]:
        """Return the key of one row."""
        return self.domain[place].decode("ascii"), *self.kinds[self.kind[place]]

    def ascends(self) -> bool:
        """Return whether the rows are in the order of the file, each key once."""
        below, above = self.domain[:-1], self.domain[1:]
        later = self.kind[1:] > self.kind[:-1]
        return bool(((above > below) | (above == below) & later).all())

    def pieces(self) -> Iterator[DayRows]:
        """Yield the rows, ``PIECE`` at a time."""
        for first in range(0, len(self), PIECE):
            yield self.taken(slice(first, first + PIECE))

    def taken(self, which: Array | slice) -> DayRows:
        """Return some of the rows, by a numpy index."""
        return DayRows(
            self.kinds,
            self.domain[which],
            self.kind[which],
            self.messages[which],
            self.bytes[which],
            self.transferred[which],
        )

    def totals(self) -> SumsTotals:
        """Return the number of rows, and their sums."""
        return SumsTotals(len(self), *self.sums()[:2])

    def sums(self) -> tuple[int, int, int]:
        """Return the sums of messages, bytes and transferred."""
        return exact_sum(self.messages), exact_sum(self.bytes), exact_sum(self.transferred)


class Gathering:
    """Collects the rows of a day, piece by piece and in any order."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, int] = {}
        kinds: tuple[DTypeLike, ...] = (_EMPTY_NAMES, np.int32, np.int64, np.int64, np.int64)
        self._columns = tuple(map(Growing, kinds))

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(
        self, domains: Sequence[str], kinds: Sequence[Kind], sums: Sequence[Sequence[int]]
    ) -> None:
        """Add rows.

        Args:
            domains: the domain of each row, ASCII.
            kinds: the kind of each row.
            sums: messages, bytes and transferred of each row.

        Raises:
            Refused: a sum does not fit 63 bits.
            ValueError: a name contains NUL or is not ASCII.
        """
        codes = self._codes_of(dict.fromkeys(kinds))
        code = np.fromiter(map(codes.__getitem__, kinds), np.int32, len(kinds))
        figures = (_int64(column, domains) for column in sums)
        self._add(_ascii(domains), code, figures)

    def add_rows(self, rows: DayRows) -> None:
        """Add the rows of another breakdown, or of a piece of one."""
        codes = self._codes_of(rows.kinds)
        code = np.array([codes[kind] for kind in rows.kinds], np.int32)[rows.kind]
        self._add(rows.domain, code, (rows.messages, rows.bytes, rows.transferred))

    def _codes_of(self, kinds: Iterable[Kind]) -> dict[Kind, int]:
        for kind in kinds:
            if kind not in self._kinds:
                _check_text(kind)
                self._kinds[kind] = len(self._kinds)
        return self._kinds

    def _add(self, domains: Array, codes: Array, sums: Iterable[Array]) -> None:
        for growing, column in zip(self._columns, (domains, codes, *sums), strict=True):
            growing.add(column)

    def rows(self, *, add_up: bool = False) -> DayRows:
        """Return all rows and empty this object, so that little is in memory twice.

        Args:
            add_up: whether the rows of a key that appears twice are added up, or refused.

        Raises:
            Refused: a sum does not fit 63 bits.
            ValueError: a key appears twice.
        """
        kinds = sorted(self._kinds)
        rank = {kind: number for number, kind in enumerate(kinds)}
        ranks = np.array([rank[kind] for kind in self._kinds], np.int32)
        names, codes, *sums = self._columns
        domain, kind = names.given(), ranks[codes.given()]
        order = np.lexsort([kind, *words(domain)])
        domain, kind = domain[order], kind[order]
        rows = DayRows(tuple(kinds), domain, kind, *(column.given()[order] for column in sums))
        first = first_of_runs(domain, kind)
        if len(first) == len(rows):
            return rows
        if not add_up:
            again = np.setdiff1d(np.arange(len(rows)), first)[0]
            raise ValueError(f"the breakdown contains {rows.key(again)} twice")
        columns = (rows.messages, rows.bytes, rows.transferred)
        figures = (run_sums(column, first, domain) for column in columns)
        return DayRows(rows.kinds, domain[first], kind[first], *figures)


def first_of_runs(*columns: Array) -> Array:
    """Return the numbers of the rows that differ from the row before."""
    is_first = np.ones(len(columns[0]), np.bool_)
    if len(is_first):
        is_first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return np.flatnonzero(is_first)


def run_sums(column: Array, first: Array, domain: Array) -> Array:
    """Return the sums of runs of rows, which begin at ``first``.

    Raises:
        Refused: a sum does not fit 63 bits.
    """
    if exact_sum(column) > MAX_SUM:
        # Added up in halves, as the whole may not fit.
        low = np.add.reduceat(column & _LOW, first)
        high = np.add.reduceat(column >> _HALF, first) + (low >> _HALF)
        beyond = np.flatnonzero(high > MAX_SUM >> _HALF)
        if len(beyond):
            raise too_large(domain[first[beyond[0]]].decode("ascii"))
    sums: Array = np.add.reduceat(column, first)
    return sums


def exact_sum(values: Array) -> int:
    """Return the sum of int64 values, however large."""
    return (int((values >> _HALF).sum()) << _HALF) + int((values & _LOW).sum())


def _check_text(names: Iterable[str]) -> None:
    """Refuse the padding character in a name: it would be lost, and two names become one."""
    if "\0" in "".join(names):
        raise ValueError("a name of the breakdown contains NUL")


def _ascii(names: Sequence[str]) -> Array:
    _check_text(names)
    return whole_words(np.array([name.encode("ascii") for name in names], "S"))


def whole_words(names: Array) -> Array:
    """Return names, bytes of a fixed width, with one that ``words`` can divide."""
    return names.astype(f"S{-(-names.itemsize // _WORD) * _WORD}", copy=False)


def too_large(name: str) -> Refused:
    """Return the error for a domain whose sum does not fit 63 bits."""
    return Refused(
        f"the day's sum of {name} exceeds 2^63-1 and cannot be stored; "
        "look for forged sizes or attempts in the mail logs"
    )


def _int64(numbers: Sequence[int], domains: Sequence[str]) -> Array:
    try:
        return np.array(numbers, np.int64)
    except OverflowError:
        raise too_large(domains[numbers.index(max(numbers))]) from None


def words(names: Array) -> Iterator[Array]:
    """Yield names as numbers of eight bytes that sort alike; the last, least significant, first.

    They are views: numpy copies one of them at a time.
    """
    words = names.view(">u8").reshape(-1, names.itemsize // _WORD)
    for word in reversed(range(words.shape[1])):
        yield words[:, word]
