"""Merge the records of several batches into increments of the daily totals. Pure.

Everything is done on columns: the batches' names are brought under common
numbers, each record gets one number for (day, host, service, status) and one
for its domain, and the quantities are summed by that pair. Python loops only
over distinct names and distinct keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import Array, Columns, Service, unify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar

#: Sums below this are exact in a double; beyond it slower integer sums are used.
_EXACT = 2.0**53
#: A group whose sum comes near 63 bits is refused before it could wrap around.
_TOO_MUCH = 2.0**62
_SERVICES = tuple(service.label for service in Service)


class SumOverflowError(ArithmeticError):
    """The quantities of these batches do not add up within 63 bits."""


@dataclass(slots=True)
class HostIncrement:
    """What to add to one (day, host): parallel lists, one entry a distinct key.

    ``keys[i]`` is ``domain|service|status``; ``extra`` is transferred minus bytes:
    what repeated attempts added, mostly 0.
    """

    keys: list[str] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)

    def rows(self) -> Iterable[tuple[str, int, int, int]]:
        """Its entries: key, messages, bytes, extra."""
        return zip(self.keys, self.messages, self.bytes, self.extra, strict=True)


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
    batches = [batch for batch in batches if len(batch)]
    if not batches:
        return {}
    domain, domains = unify([(b.domain, [charged_name(n) for n in b.domains]) for b in batches])
    host, hosts = unify([(b.host, b.hosts) for b in batches])
    status, statuses = unify([(b.status, b.statuses) for b in batches])
    service = _concatenate([b.service for b in batches]).astype(np.int64)
    days, day = calendar.days_of(_concatenate([b.time for b in batches]))
    shape = (len(days), len(hosts), len(_SERVICES), len(statuses))
    combos, combo = _compact(np.ravel_multi_index((day, host, service, status), shape), shape)
    pairs, pair = _compact(combo * len(domains) + domain, (len(combos), len(domains)))
    messages = np.bincount(pair, minlength=len(pairs))
    size_sums = _sums(pair, _concatenate([b.size for b in batches]), len(pairs))
    rows, extras = _extras(batches)
    extra_sums = _sums(pair[rows], extras, len(pairs))

    increments: Increments = {}
    bounds = np.searchsorted(pairs, np.arange(len(combos) + 1) * len(domains))
    for number, code in enumerate(combos):
        part = slice(int(bounds[number]), int(bounds[number + 1]))
        at_day, at_host, at_service, at_status = np.unravel_index(code, shape)
        suffix = f"|{_SERVICES[at_service]}|{statuses[at_status]}"
        target = increments.setdefault(days[at_day], {}).setdefault(hosts[at_host], HostIncrement())
        target.keys += [domains[i] + suffix for i in (pairs[part] % len(domains)).tolist()]
        target.messages += messages[part].tolist()
        target.bytes += size_sums[part].tolist()
        target.extra += extra_sums[part].tolist()
    return increments


def rename(increment: HostIncrement, new_key: Callable[[str], str]) -> HostIncrement:
    """The increment under other keys; what falls together is added up."""
    sums: dict[str, list[int]] = {}
    for key, *quantities in increment.rows():
        entry = sums.setdefault(new_key(key), [0, 0, 0])
        for position, quantity in enumerate(quantities):
            entry[position] += quantity
    columns = list(zip(*sums.values(), strict=True)) or [(), (), ()]
    return HostIncrement(list(sums), *(list(column) for column in columns))


def _concatenate(columns: Sequence[Array]) -> Array:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


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


def _extras(batches: Sequence[Columns]) -> tuple[Array, Array]:
    """The records that were sent repeatedly, by their numbers, and the extra bytes of each."""
    rows, extras, first = [], [], 0
    for batch in batches:
        repeated = np.flatnonzero(batch.attempts > 1)
        rows.append(first + repeated)
        extras.append(batch.size[repeated] * (batch.attempts[repeated] - 1))
        first += len(batch)
    return _concatenate(rows), _concatenate(extras)


def _sums(index: Array, values: Array, length: int) -> Array:
    """Exact int64 sums of ``values`` by ``index``, shape ``(length,)``."""
    total = float(values.sum(dtype=np.float64))
    if total < _EXACT:
        return np.bincount(index, weights=values, minlength=length).astype(np.int64)
    if total >= _TOO_MUCH:
        raise SumOverflowError("the sizes in these batches add up beyond 63 bits")
    sums = np.zeros(length, np.int64)
    np.add.at(sums, index, values)
    return sums
