"""Merge the records of several batches into increments of the daily totals. Pure.

Everything is done on columns. In each batch a record gets one number for its
(day, host, service, status) and one for its domain, and the quantities are
summed by that pair; then the batches' sums, far fewer than their records, are
brought under common numbers and summed once more. Python loops only over
distinct names and distinct keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from mailtally_shared.columns import Array, Columns, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar

#: Sums below this are exact in a double; beyond it slower integer sums are used.
_EXACT = 2.0**53
#: A group whose sum comes near 63 bits is refused before it could wrap around.
_TOO_MUCH = 2.0**62
T = TypeVar("T")

_SERVICES = tuple(service.label for service in Service)


class SumOverflowError(ArithmeticError):
    """The quantities of these batches do not add up within 63 bits."""


class KindIncrement(NamedTuple):
    """What to add to the charged names of one service and status; every array has shape ``(n,)``.

    ``extra`` is transferred minus bytes: what repeated attempts added, mostly 0.
    """

    names: list[str]  # distinct
    messages: Array
    bytes: Array
    extra: Array


@dataclass(slots=True)
class HostIncrement:
    """What to add to one (day, host), by ``service|status``."""

    kinds: dict[str, KindIncrement] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[int]]) -> HostIncrement:
        """From messages, bytes and extra by ``name|service|status``."""
        sorted_out: dict[str, list[tuple[str, Sequence[int]]]] = {}
        for key, quantities in rows.items():
            name, _, kind = key.partition("|")
            sorted_out.setdefault(kind, []).append((name, quantities))
        kinds = {}
        for kind, entries in sorted_out.items():
            columns = np.array([quantities for _, quantities in entries], np.int64).T
            kinds[kind] = KindIncrement([name for name, _ in entries], *columns)
        return cls(kinds)

    @property
    def keys(self) -> list[str]:
        """``name|service|status`` of each entry."""
        return [f"{name}|{kind}" for kind, part in self.kinds.items() for name in part.names]

    def rows(self) -> Iterator[tuple[str, int, int, int]]:
        """Its entries: key, messages, bytes, extra."""
        for kind, (names, *quantities) in self.kinds.items():
            keys = [f"{name}|{kind}" for name in names]
            yield from zip(keys, *(column.tolist() for column in quantities), strict=True)

    def names(self) -> set[str]:
        """The distinct names."""
        return set().union(*(part.names for part in self.kinds.values()))

    def statuses(self) -> set[str]:
        """The distinct statuses."""
        return {kind.partition("|")[2] for kind in self.kinds}

    def sums(self) -> tuple[int, int, int]:
        """What messages, bytes and extra add up to; a merge keeps each below 63 bits."""
        columns = zip(*(part[1:] for part in self.kinds.values()), strict=True)
        messages, size, extra = (sum(int(each.sum()) for each in column) for column in columns)
        return messages, size, extra


#: The whole of a merge.
Increments = dict["date", dict[str, HostIncrement]]


def merge(
    batches: Sequence[Columns],
    calendar: Calendar,
    charged_name: Callable[[str], str] = str,
) -> Increments:
    """The increments that some batches make together.

    Args:
        batches: decoded payloads; an empty one adds nothing.
        calendar: decides the day.
        charged_name: from a record's domain to the name that is charged (hosted
            domains); called once a distinct domain and batch.

    Raises:
        SumOverflowError: nothing was merged; merge fewer batches at a time.
    """
    numbering = _Numbering()
    parts = [_summed(batch, calendar, charged_name, numbering) for batch in batches if len(batch)]
    if not parts:
        return {}
    sums, combos = _joined(parts, numbering)
    return _spelled(sums, combos, numbering)


@dataclass(slots=True)
class _Numbering:
    """Common numbers of all names that the batches of a group have."""

    days: dict[date, int] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many combinations of day, host, service and status there may be."""
        return (len(self.days), len(self.hosts), len(_SERVICES), len(self.statuses))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of distinct keys, each a combination and a domain; shape ``(k,)``."""

    combo: tuple[Array, ...]  # day, host, service and status of each, by their common numbers
    domain: Array
    messages: Array
    bytes: Array
    extra: Array


def _summed(
    batch: Columns, calendar: Calendar, charged_name: Callable[[str], str], common: _Numbering
) -> _Sums:
    """The sums of one batch: so few records at a time are at hand in the processor's cache."""
    days, day = calendar.days_of(batch.time)
    shape = (len(days), len(batch.hosts), len(_SERVICES), len(batch.statuses))
    combos, combo = _compact(_codes((day, batch.host, batch.service, batch.status), shape), shape)
    names = len(batch.domains)
    pairs, pair = _compact(combo * names + batch.domain, (len(combos), names))
    at, domain = np.divmod(pairs, names)
    repeated = np.flatnonzero(batch.attempts > 1)
    extra = batch.size[repeated] * (batch.attempts[repeated] - 1)
    at_day, at_host, service, at_status = np.unravel_index(combos[at], shape)
    return _Sums(
        combo=(
            _numbers(days, common.days)[at_day],
            _numbers(batch.hosts, common.hosts)[at_host],
            service,
            _numbers(batch.statuses, common.statuses)[at_status],
        ),
        domain=_numbers(map(charged_name, batch.domains), common.domains)[domain],
        messages=np.bincount(pair, minlength=len(pairs)),
        bytes=_added(pair, batch.size, len(pairs)),
        extra=_added(pair[repeated], extra, len(pairs)),
    )


def _joined(parts: Sequence[_Sums], numbering: _Numbering) -> tuple[_Sums, Array]:
    """The sums of all batches, in the order of their combinations, and the code of each."""
    shape = numbering.shape
    combo = _concatenate([np.ravel_multi_index(part.combo, shape) for part in parts])
    combos, combo = _compact(combo, shape)
    names = len(numbering.domains)
    domain = _concatenate([part.domain for part in parts])
    pairs, pair = _compact(combo * names + domain, (len(combos), names))
    at, domain = np.divmod(pairs, names)
    codes = combos[at]
    sums = _Sums(
        combo=np.unravel_index(codes, shape),
        domain=domain,
        messages=_added(pair, _concatenate([part.messages for part in parts]), len(pairs)),
        bytes=_added(pair, _concatenate([part.bytes for part in parts]), len(pairs)),
        extra=_added(pair, _concatenate([part.extra for part in parts]), len(pairs)),
    )
    return sums, codes


def _spelled(sums: _Sums, codes: Array, numbering: _Numbering) -> Increments:
    """The sums under their names; Python loops over combinations and distinct keys."""
    days, hosts = list(numbering.days), list(numbering.hosts)
    statuses, domains = list(numbering.statuses), list(numbering.domains)
    increments: Increments = {}
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        part = slice(start, end)
        day, host, service, status = (int(numbers[start]) for numbers in sums.combo)
        target = increments.setdefault(days[day], {}).setdefault(hosts[host], HostIncrement())
        target.kinds[f"{_SERVICES[service]}|{statuses[status]}"] = KindIncrement(
            names=[domains[i] for i in sums.domain[part].tolist()],
            messages=sums.messages[part],
            bytes=sums.bytes[part],
            extra=sums.extra[part],
        )
    return increments


def rename(increment: HostIncrement, new_key: Callable[[str], str]) -> HostIncrement:
    """The increment under other keys; what falls together is added up."""
    sums: dict[str, list[int]] = {}
    for key, *quantities in increment.rows():
        entry = sums.setdefault(new_key(key), [0, 0, 0])
        for position, quantity in enumerate(quantities):
            entry[position] += quantity
    return HostIncrement.of(sums)


def _concatenate(columns: Sequence[Array]) -> Array:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def _numbers(names: Iterable[T], numbers: dict[T, int]) -> Array:
    """The common number of each name; a new one gets the next."""
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _codes(columns: Sequence[Array], shape: Sequence[int]) -> Array:
    """As ``np.ravel_multi_index``, which would copy narrow columns first."""
    codes = columns[0]
    for column, size in zip(columns[1:], shape[1:], strict=True):
        codes = codes * size + column
    return codes


def _compact(codes: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The distinct codes, ascending, and each code's position among them.

    By a table over the code space where that is not much larger than the
    records are many, by sorting otherwise.
    """
    space = int(np.prod(shape, dtype=object))
    if space > max(4 * len(codes), 65_536):
        distinct, inverse = np.unique(codes, return_inverse=True)
        return distinct, inverse
    present = np.zeros(space, np.bool_)
    present[codes] = True
    distinct = np.flatnonzero(present)
    position = np.empty(space, np.int64)
    position[distinct] = np.arange(len(distinct))
    return distinct, position[codes]


def _added(index: Array, values: Array, length: int) -> Array:
    """Exact int64 sums of ``values`` by ``index``, shape ``(length,)``."""
    total = float(values.sum(dtype=np.float64))
    if total < _EXACT:
        return np.bincount(index, weights=values, minlength=length).astype(np.int64)
    if total >= _TOO_MUCH:
        raise SumOverflowError("the sizes in these batches add up beyond 63 bits")
    sums = np.zeros(length, np.int64)
    np.add.at(sums, index, values)
    return sums
