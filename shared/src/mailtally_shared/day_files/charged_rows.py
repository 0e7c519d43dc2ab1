"""What a day's columns are charged: ``charge``, for all domains at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import MAX_SUM, Array
from mailtally_shared.day_files.charging import OUTGOING, too_large
from mailtally_shared.day_files.day_rows import PIECE, exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.day_files.charging import ChargingPolicy
    from mailtally_shared.day_files.day_rows import DayRows
    from mailtally_shared.day_files.rows import QmlRow, QmlTotals

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


def charge_day(rows: DayRows, policy: ChargingPolicy, totals: QmlTotals) -> Iterator[ChargedRows]:
    """What ``charge`` gives for the same rows, in pieces, some of which may be empty.

    Args:
        rows: the breakdown.
        policy: what to charge.
        totals: to which the pieces are added as they pass.

    Raises:
        Refused: a domain's sum does not fit 63 bits.
    """
    first = _first_of_domains(rows)
    # No domain is cut in two.
    cuts = np.unique(np.searchsorted(first, np.arange(0, len(rows), PIECE)))
    begins = first[cuts[cuts < len(first)]]
    for begin, end in pairwise([*begins.tolist(), len(rows)]):
        inside = first[np.searchsorted(first, begin) : np.searchsorted(first, end)] - begin
        piece = _charged(rows.taken(slice(begin, end)), policy, inside)
        totals.rows += len(piece)
        totals.bytes += exact_sum(piece.bytes)
        totals.hits_all += exact_sum(piece.hits_all)
        totals.hits_html += exact_sum(piece.hits_html)
        yield piece


def _charged(rows: DayRows, policy: ChargingPolicy, first: Array) -> ChargedRows:
    """What is charged for whole domains, which begin with the rows of the numbers ``first``."""
    if policy.charged_statuses != "all":
        rows = rows.taken(_where(rows, [kind[2] in policy.charged_statuses for kind in rows.kinds]))
        first = _first_of_domains(rows)
    splits = policy.hits == "in-out"
    outgoing = _where(rows, [splits and kind[1] in OUTGOING for kind in rows.kinds])
    figures = (
        rows.bytes if policy.quantity == "bytes" else rows.transferred,
        np.where(outgoing, 0, rows.messages),
        np.where(outgoing, rows.messages, 0),
    )
    if len(first) == len(rows):
        return ChargedRows(rows.domain, *figures)
    names = rows.domain[first]
    return ChargedRows(names, *_sums(names, figures, first))


def _first_of_domains(rows: DayRows) -> Array:
    """The numbers of the rows with which the domains begin."""
    return np.flatnonzero(np.append(True, rows.domain[1:] != rows.domain[:-1])[: len(rows)])


def _where(rows: DayRows, kinds: list[bool]) -> Array:
    return np.array(kinds, np.bool_)[rows.kind]


def _sums(names: Array, figures: Iterable[Array], first: Array) -> Iterator[Array]:
    for column in figures:
        if exact_sum(column) > MAX_SUM:
            _check_fit(names, column, first)
        yield np.add.reduceat(column, first)


def _check_fit(names: Array, column: Array, first: Array) -> None:
    """Added up in halves, as the whole may not fit."""
    low = np.add.reduceat(column & (2**_HALF - 1), first)
    high = np.add.reduceat(column >> _HALF, first) + (low >> _HALF)
    beyond = np.flatnonzero(high > MAX_SUM >> _HALF)
    if len(beyond):
        raise too_large(names[beyond[0]].decode("ascii"))
