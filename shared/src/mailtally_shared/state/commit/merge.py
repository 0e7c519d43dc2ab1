"""Merge the records of several batches into increments of the daily totals. Pure.

Records too far ahead of time are separated from the others first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from mailtally_shared.adding import added, codes_of, compact
from mailtally_shared.schema import PLACE, Service, place_of
from mailtally_shared.state.commit.batch import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.columns import Array
    from mailtally_shared.rows import Rows
    from mailtally_shared.state.commit.batch import Batch


class Reported(NamedTuple):
    """Records, and what is known of all of them (``labels_of``), by dimension of ``PLACE``.

    Where a label lacks (logs that are read without a cluster) it is the host that a record names:
    each counts as if that host's own collector had reported it.
    """

    rows: Rows
    labels: Mapping[str, str] = {}

    @property
    def places(self) -> list[str]:
        """The place of each host that the records name."""
        labels, hosts = self.labels, self.rows.hosts
        return [place_of(*(labels.get(name, host) for name in PLACE)) for host in hosts]


class Parted(NamedTuple):
    """The records of some batches: those to count, and those to hold by collector id."""

    counted: Sequence[Reported]
    held: Mapping[str, Sequence[Reported]]


def latest(batches: Iterable[Batch]) -> int:
    """Return the beginning of the latest step of any record; 0 without one."""
    starts = (batch.rows.start for batch in batches)
    return max((int(start.max()) for start in starts if len(start)), default=0)


def parted(batches: Sequence[Batch], horizon: float) -> Parted:
    """Separate the records of some batches by a time (Unix seconds): later ones are held.

    Those of the hour that the time is in are counted, so that how long a step is decides nothing.
    """
    if latest(batches) <= horizon:
        return Parted([Reported(b.rows, labels_of(b.header)) for b in batches], {})
    counted: list[Reported] = []
    held: dict[str, list[Reported]] = {}
    for batch in batches:
        is_ahead, labels = batch.rows.start // _HOUR > horizon // _HOUR, labels_of(batch.header)
        if not is_ahead.any():
            counted.append(Reported(batch.rows, labels))
            continue
        counted.append(Reported(batch.rows.taken(~is_ahead), labels))
        ahead = Reported(batch.rows.taken(is_ahead), labels)
        held.setdefault(batch.header.collector_id, []).append(ahead)
    return Parted(counted, held)


T = TypeVar("T")
#: Records are held by whole hours, so that folded ones are as those that travel one by one.
_HOUR = 3600

_SERVICES = tuple(service.label for service in Service)


class KindIncrement(NamedTuple):
    """The increments of the charged names of one service and status; arrays of shape ``(n,)``.

    ``extra`` is transferred minus bytes: what repeated attempts add, mostly 0.
    """

    names: list[str]  # distinct
    messages: Array
    bytes: Array
    extra: Array


@dataclass(slots=True)
class PlaceIncrement:
    """The increments of one day and place (``schema.PLACE``), by ``service|status``."""

    kinds: dict[str, KindIncrement] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Mapping[str, Sequence[int]]) -> PlaceIncrement:
        """Return an increment from messages, bytes and extra by ``name|service|status``."""
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
        """The key ``name|service|status`` of each entry."""
        return [f"{name}|{kind}" for kind, part in self.kinds.items() for name in part.names]

    def rows(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield the entries: key, messages, bytes, extra."""
        for kind, (names, *quantities) in self.kinds.items():
            keys = [f"{name}|{kind}" for name in names]
            yield from zip(keys, *(column.tolist() for column in quantities), strict=True)

    def names(self) -> set[str]:
        """Return the distinct names."""
        return set().union(*(part.names for part in self.kinds.values()))

    def statuses(self) -> set[str]:
        """Return the distinct statuses."""
        return {kind.partition("|")[2] for kind in self.kinds}

    def sums(self) -> tuple[int, int, int]:
        """Return the sums of messages, bytes and extra; a merge keeps each below 63 bits."""
        columns = zip(*(part[1:] for part in self.kinds.values()), strict=True)
        messages, size, extra = (sum(int(each.sum()) for each in column) for column in columns)
        return messages, size, extra


#: The whole of a merge: by day and place.
Increments = dict["date", dict[str, PlaceIncrement]]


def merge(
    batches: Sequence[Reported],
    calendar: Calendar,
    charged_name: Callable[[str], str] = str,
) -> Increments:
    """Return the increments of some batches together.

    Args:
        batches: decoded payloads with their collectors; an empty one adds nothing.
        calendar: the accounting calendar.
        charged_name: maps a record's domain to the name that is charged (hosted
            domains); called once for each distinct domain of a batch.

    Raises:
        SumOverflowError: nothing was merged; merge fewer batches at a time.
    """
    numbering = _Numbering()
    parts = [
        _summed(batch, calendar, charged_name, numbering) for batch in batches if len(batch.rows)
    ]
    if not parts:
        return {}
    sums, combos = _joined(parts, numbering)
    return _spelled(sums, combos, numbering)


@dataclass(slots=True)
class _Numbering:
    """Common numbers for the names of all batches of a group."""

    days: dict[date, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of days, places, services and statuses."""
        return (len(self.days), len(self.places), len(_SERVICES), len(self.statuses))


@dataclass(frozen=True, slots=True)
class _Sums:
    """The sums of distinct keys, each a combination and a domain; shape ``(k,)``."""

    combo: tuple[Array, ...]  # day, place, service and status, by their common numbers
    domain: Array
    messages: Array
    bytes: Array
    extra: Array


def _summed(
    reported: Reported, calendar: Calendar, charged_name: Callable[[str], str], common: _Numbering
) -> _Sums:
    """Return the sums of one batch: few enough records to fit the processor's cache."""
    batch = reported.rows
    days, day = calendar.days_of(batch.start)
    shape = (len(days), len(batch.hosts), len(_SERVICES), len(batch.statuses))
    combos, combo = compact(codes_of((day, batch.host, batch.service, batch.status), shape), shape)
    names = len(batch.domains)
    pairs, pair = compact(combo * names + batch.domain, (len(combos), names))
    at, domain = np.divmod(pairs, names)
    repeated = np.flatnonzero(batch.extra)
    at_day, at_host, service, at_status = np.unravel_index(combos[at], shape)
    return _Sums(
        combo=(
            _numbers(days, common.days)[at_day],
            _numbers(reported.places, common.places)[at_host],
            service,
            _numbers(batch.statuses, common.statuses)[at_status],
        ),
        domain=_numbers(map(charged_name, batch.domains), common.domains)[domain],
        messages=added(pair, batch.messages, len(pairs)),
        bytes=added(pair, batch.bytes, len(pairs)),
        extra=added(pair[repeated], batch.extra[repeated], len(pairs)),
    )


def _joined(parts: Sequence[_Sums], numbering: _Numbering) -> tuple[_Sums, Array]:
    """Return the sums of all batches, in the order of their combinations, and these codes."""
    shape = numbering.shape
    combo = _concatenate([np.ravel_multi_index(part.combo, shape) for part in parts])
    combos, combo = compact(combo, shape)
    names = len(numbering.domains)
    domain = _concatenate([part.domain for part in parts])
    pairs, pair = compact(combo * names + domain, (len(combos), names))
    at, domain = np.divmod(pairs, names)
    codes = combos[at]
    sums = _Sums(
        combo=np.unravel_index(codes, shape),
        domain=domain,
        messages=added(pair, _concatenate([part.messages for part in parts]), len(pairs)),
        bytes=added(pair, _concatenate([part.bytes for part in parts]), len(pairs)),
        extra=added(pair, _concatenate([part.extra for part in parts]), len(pairs)),
    )
    return sums, codes


def _spelled(sums: _Sums, codes: Array, numbering: _Numbering) -> Increments:
    """Return the sums under their names; Python loops over combinations and distinct keys."""
    days, places = list(numbering.days), list(numbering.places)
    statuses, domains = list(numbering.statuses), list(numbering.domains)
    increments: Increments = {}
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        part = slice(start, end)
        day, place, service, status = (int(numbers[start]) for numbers in sums.combo)
        target = increments.setdefault(days[day], {}).setdefault(places[place], PlaceIncrement())
        target.kinds[f"{_SERVICES[service]}|{statuses[status]}"] = KindIncrement(
            names=[domains[i] for i in sums.domain[part].tolist()],
            messages=sums.messages[part],
            bytes=sums.bytes[part],
            extra=sums.extra[part],
        )
    return increments


def rename(increment: PlaceIncrement, new_key: Callable[[str], str]) -> PlaceIncrement:
    """Return the increment under other keys; increments of the same key are added up."""
    sums: dict[str, list[int]] = {}
    for key, *quantities in increment.rows():
        entry = sums.setdefault(new_key(key), [0, 0, 0])
        for position, quantity in enumerate(quantities):
            entry[position] += quantity
    return PlaceIncrement.of(sums)


def _concatenate(columns: Sequence[Array]) -> Array:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)


def _numbers(names: Iterable[T], numbers: dict[T, int]) -> Array:
    """Return the common number of each name; a new name gets the next number."""
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
