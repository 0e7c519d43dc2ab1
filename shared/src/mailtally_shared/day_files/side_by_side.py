"""Two breakdowns of a day next to each other: are figures lower, and what do both make?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.day_files.day_rows import DayRows, words
from mailtally_shared.day_files.manifest import CountedSums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.columns import Array

_FIGURES = ("messages", "bytes", "transferred")


def aligned(one: DayRows, other: DayRows) -> tuple[DayRows, DayRows]:
    """Return both with the rows of either; a row that one of them lacks is zero there."""
    kinds = tuple(sorted({*one.kinds, *other.kinds}))
    domain = np.concatenate([one.domain, other.domain])
    kind = np.concatenate([_codes(one, kinds), _codes(other, kinds)])
    order = np.lexsort([kind, *words(domain)])
    domain, kind = domain[order], kind[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (domain[1:] != domain[:-1]) | (kind[1:] != kind[:-1])
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(first) - 1
    keys = DayRows(kinds, domain[first], kind[first], *([np.zeros(0, np.int64)] * 3))
    return _spread(one, place[: len(one)], keys), _spread(other, place[len(one) :], keys)


def added(one: DayRows, other: DayRows) -> DayRows:
    """Return what both make together, row by row."""
    left, right = aligned(one, other)
    sums = [getattr(left, name) + getattr(right, name) for name in _FIGURES]
    return DayRows(left.kinds, left.domain, left.kind, *sums)


def lowered_hosts(before: DayRows, now: DayRows) -> tuple[str, ...]:
    """Return the hosts of which a row of ``before`` is lower or missing in ``now``."""
    left, right = aligned(before, now)
    lower = np.zeros(len(left), np.bool_)
    for name in _FIGURES:
        lower |= getattr(right, name) < getattr(left, name)
    return tuple(sorted({left.kinds[code][0] for code in np.unique(left.kind[lower]).tolist()}))


def host_sums(rows: DayRows) -> dict[str, CountedSums]:
    """Return what was counted of each host."""
    hosts = sorted({host for host, _, _ in rows.kinds})
    of_kind = np.array([hosts.index(host) for host, _, _ in rows.kinds], np.int64)
    code = of_kind[rows.kind] if len(rows) else np.zeros(0, np.int64)
    columns = [list(_summed(code, getattr(rows, name), len(hosts))) for name in _FIGURES]
    return {
        host: CountedSums(messages=messages, bytes=size, transferred=transferred)
        for host, messages, size, transferred in zip(hosts, *columns, strict=True)
    }


def _summed(code: Array, values: Array, count: int) -> Iterator[int]:
    """Yield exact sums by code, however large."""
    halves = np.zeros((2, count), np.int64)
    np.add.at(halves[0], code, values >> 32)
    np.add.at(halves[1], code, values & 0xFFFF_FFFF)
    for high, low in halves.T.tolist():
        yield (high << 32) + low


def _codes(rows: DayRows, kinds: tuple[tuple[str, str, str], ...]) -> Array:
    place = {kind: number for number, kind in enumerate(kinds)}
    codes = np.array([place[kind] for kind in rows.kinds], np.int32)
    return codes[rows.kind] if len(rows) else np.zeros(0, np.int32)


def _spread(rows: DayRows, place: Array, keys: DayRows) -> DayRows:
    """Return the figures of ``rows`` at their places among the keys of both."""
    columns = {name: np.zeros(len(keys), np.int64) for name in _FIGURES}
    for name, column in columns.items():
        column[place] = getattr(rows, name)
    return DayRows(keys.kinds, keys.domain, keys.kind, **columns)
