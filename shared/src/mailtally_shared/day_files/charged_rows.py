"""What a day's columns are charged: ``charge``, for all domains at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import MAX_SUM, Array
from mailtally_shared.day_files.charging import OUTGOING, too_large
from mailtally_shared.day_files.day_rows import PIECE, exact_sum
from mailtally_shared.day_files.rows import QmlTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.day_files.charging import ChargingPolicy
    from mailtally_shared.day_files.day_rows import DayRows
    from mailtally_shared.day_files.rows import QmlRow

_HALF = 32  # bits


@dataclass(frozen=True, slots=True)
class ChargedRows:
    """``n`` rows of a qml file, column by column; every array has shape ``(n,)``."""

    name: Array  # bytes of a fixed width, padded with NUL
    bytes: Array  # int64
    hits_all: Array  # int64
    hits_html: Array  # int64

    @classmethod
    def of(cls, rows: Iterable[QmlRow]) -> ChargedRows:
        """The same rows as columns."""
        names, *figures = zip(*rows, strict=True)
        columns = (np.array(column, np.int64) for column in figures)
        return cls(np.array([name.encode("ascii") for name in names], "S"), *columns)

    def __len__(self) -> int:
        return len(self.name)

    def pieces(self) -> Iterator[ChargedRows]:
        """The rows, some thousands at a time."""
        for first in range(0, len(self), PIECE):
            part = slice(first, first + PIECE)
            yield ChargedRows(
                self.name[part], self.bytes[part], self.hits_all[part], self.hits_html[part]
            )

    def totals(self) -> QmlTotals:
        """How many they are, and what they add up to."""
        figures = (self.bytes, self.hits_all, self.hits_html)
        return QmlTotals(len(self), *map(exact_sum, figures))


def charge_day(rows: DayRows, policy: ChargingPolicy) -> ChargedRows:
    """What ``charge`` gives for the same rows.

    Args:
        rows: the breakdown.
        policy: what to charge.

    Raises:
        Refused: a domain's sum does not fit 63 bits.
    """
    if policy.charged_statuses != "all":
        rows = rows.taken(_where(rows, [kind[2] in policy.charged_statuses for kind in rows.kinds]))
    splits = policy.hits == "in-out"
    outgoing = _where(rows, [splits and kind[1] in OUTGOING for kind in rows.kinds])
    figures = (
        rows.bytes if policy.quantity == "bytes" else rows.transferred,
        np.where(outgoing, 0, rows.messages),
        np.where(outgoing, rows.messages, 0),
    )
    first = np.flatnonzero(np.append(True, rows.domain[1:] != rows.domain[:-1])[: len(rows)])
    names = rows.domain[first]
    return ChargedRows(names, *_sums(names, figures, first))


def _where(rows: DayRows, kinds: list[bool]) -> Array:
    return np.array(kinds, np.bool_)[rows.kind]


def _sums(names: Array, figures: Iterable[Array], first: Array) -> Iterator[Array]:
    for column in figures:
        if exact_sum(column) > MAX_SUM:
            _check_fit(names, column, first)
        yield np.add.reduceat(column, first) if len(first) else column


def _check_fit(names: Array, column: Array, first: Array) -> None:
    """Added up in halves, as the whole may not fit."""
    low = np.add.reduceat(column & (2**_HALF - 1), first)
    high = np.add.reduceat(column >> _HALF, first) + (low >> _HALF)
    beyond = np.flatnonzero(high > MAX_SUM >> _HALF)
    if len(beyond):
        raise too_large(names[beyond[0]].decode("ascii"))
