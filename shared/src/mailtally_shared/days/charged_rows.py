"""The rows of a qml file as columns: the charge of each name for a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mailtally_shared.days.day_rows import exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.columns import Array


class QmlRow(NamedTuple):
    """The charge of one name for a day; a line of the qml file."""

    name: str
    bytes: int
    hits_all: int
    hits_html: int


#: The figures that are charged to a name.
CHARGES = QmlRow._fields[1:]


class QmlTotals(NamedTuple):
    """Sums over the charged rows of a day."""

    rows: int = 0
    bytes: int = 0
    hits_all: int = 0
    hits_html: int = 0


@dataclass(frozen=True, slots=True)
class ChargedRows:
    """``n`` rows of a qml file, column by column; every array has shape ``(n,)``.

    Iterating yields ``QmlRow``.
    """

    name: Array  # bytes of a fixed width, padded with NUL
    bytes: Array  # int64
    hits_all: Array  # int64
    hits_html: Array  # int64

    @classmethod
    def of(cls, rows: Iterable[QmlRow]) -> ChargedRows:
        """Return the same rows as columns; a value of a wrong type is kept and equals no other."""
        names, *figures = list(zip(*rows, strict=True)) or [()] * len(QmlRow._fields)
        columns = (np.array(column, None if column else np.int64) for column in figures)
        spelled = [name.encode("ascii", "backslashreplace") for name in names]
        return cls(np.array(spelled, "S"), *columns)

    @classmethod
    def joined(cls, pieces: Iterable[ChargedRows]) -> ChargedRows:
        """Return the rows of all pieces, in order."""
        columns = zip(*(rows.arrays() for rows in (cls.of([]), *pieces)), strict=True)
        return cls(*map(np.concatenate, columns))

    def __len__(self) -> int:
        return len(self.name)

    def __iter__(self) -> Iterator[QmlRow]:
        return map(QmlRow._make, zip(*self.lists(), strict=True))

    def arrays(self) -> tuple[Array, ...]:
        """Return the columns in the order of the file."""
        return self.name, self.bytes, self.hits_all, self.hits_html

    def lists(self) -> list[list[Any]]:
        """Return the columns in the order of the file, as values that a database accepts."""
        return [
            [name.decode() for name in self.name.tolist()],
            *map(np.ndarray.tolist, self.arrays()[1:]),
        ]

    def totals(self) -> QmlTotals:
        """Return the number of rows, and their sums."""
        return QmlTotals(len(self), *map(exact_sum, self.arrays()[1:]))

    def taken(self, which: Array | slice) -> ChargedRows:
        """Return some of the rows, by a numpy index."""
        return ChargedRows(*(column[which] for column in self.arrays()))


def first_difference(*files: Iterable[ChargedRows]) -> list[QmlRow | None] | None:
    """Return the first rows that differ between files; ``None`` if all files are the same.

    Args:
        files: the rows of each, in pieces of any length.

    Returns:
        A row of each file, ``None`` for one that has ended.
    """
    end = ChargedRows.of([])
    rest = [filter(len, file) for file in files]
    heads = [next(file, end) for file in rest]
    while all(heads):
        length = min(map(len, heads))
        first, *others = (head.taken(slice(length)).arrays() for head in heads)
        same = np.ones(length, np.bool_)
        for other in others:
            for one, another in zip(first, other, strict=True):
                same &= one == another
        if not same.all():
            at = int(same.argmin())
            return [next(iter(head.taken(slice(at, at + 1)))) for head in heads]
        heads = [
            head.taken(slice(length, None)) or next(file, end)
            for head, file in zip(heads, rest, strict=True)
        ]
    return [next(iter(head), None) for head in heads] if any(heads) else None
