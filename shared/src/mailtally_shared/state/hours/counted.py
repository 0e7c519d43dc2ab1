"""What records add to the hours of the days that they touch, as columns. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.adding import SumOverflowError, added, codes_of, compact
from mailtally_shared.columns import unify
from mailtally_shared.days.day_rows import whole_words
from mailtally_shared.days.hour_rows import HourRows
from mailtally_shared.rows import Rows
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.columns import Array
    from mailtally_shared.state.commit.merge import Reported


@dataclass(frozen=True, slots=True, eq=False)
class CountedHours:
    """``n`` sums by hour, service and name; every array but ``hours`` has shape ``(n,)``.

    Rows ascend by hour, service and index of the name; the names may have an entry twice, or one
    that is unused.
    """

    hours: Array  # int64, shape (k,): Unix seconds; see HourRows
    names: Sequence[str]
    hour: Array  # index into hours
    service: Array  # values of Service
    name: Array  # index into names
    messages: Array  # int64
    bytes: Array  # int64
    extra: Array  # int64, transferred minus bytes

    def __len__(self) -> int:
        return len(self.name)

    @classmethod
    def of(cls, rows: HourRows) -> CountedHours:
        """Return a day's rows in this form."""
        domains, name = np.unique(rows.domain, return_inverse=True)
        hours, hour = np.unique(rows.hour, return_inverse=True)
        names = [domain.decode("ascii") for domain in domains.tolist()]
        extra = rows.transferred - rows.bytes
        of_rows = cls(hours, names, hour, rows.service, name, rows.messages, rows.bytes, extra)
        return joined([of_rows])

    def renamed(self, refused: Collection[str], to: str) -> CountedHours:
        """Return the same with refused names counted under another one."""
        if not refused:
            return self
        return replace(self, names=[to if name in refused else name for name in self.names])

    def rows(self) -> HourRows:
        """Return the rows, each key once."""
        if not len(self):
            return HourRows.empty()
        texts = whole_words(np.array([name.encode("ascii") for name in self.names], "S"))
        order = np.argsort(np.argsort(np.argsort(texts))[self.name], kind="stable")
        rows = HourRows(
            domain=texts[self.name[order]],
            hour=self.hours[self.hour[order]],
            service=self.service[order].astype(np.uint8),
            messages=self.messages[order],
            bytes=self.bytes[order],
            transferred=(self.bytes + self.extra)[order],
        )
        return HourRows.added_up([rows])  # soon done: they are nearly in order


def count_hours(
    batches: Sequence[Reported],
    calendar: Calendar,
    charged_name: Callable[[str], str] = str,
) -> dict[date, CountedHours]:
    """Return what some batches together add to the hours of each day.

    Args:
        batches: as ``merge`` takes them, which refuses sums beyond 63 bits.
        calendar: the accounting calendar.
        charged_name: maps a record's domain to the name that is charged.
    """
    parts = [_counted(each.rows, calendar, charged_name) for each in batches if len(each.rows)]
    whole = joined(parts)
    if not len(whole):
        return {}
    days, day_of_hour = calendar.days_of(whole.hours)
    present = np.unique(day_of_hour).tolist()
    if len(present) == 1:
        return {days[present[0]]: whole}
    day = day_of_hour[whole.hour]
    return {days[each]: _taken(whole, day == each) for each in present}


def _counted(rows: Rows, calendar: Calendar, charged_name: Callable[[str], str]) -> CountedHours:
    """Return the sums of one batch: few enough rows to fit the processor's cache."""
    first = int(rows.start.min())
    steps, step = compact((rows.start - first) // rows.step)
    starts = calendar.hours_of(steps * rows.step + first)
    hours, hour_of_step = np.unique(starts, return_inverse=True)
    return _summed(hours, list(map(charged_name, rows.domains)), hour_of_step[step], rows)


def joined(parts: Sequence[CountedHours]) -> CountedHours:
    """Return the sums of all parts, each of which has a key once unless it has a name twice."""
    parts = [part for part in parts if len(part)]
    if not parts:
        none: Array = np.empty(0, np.int64)
        return CountedHours(none, (), none, none, none, none, none, none)
    if len(parts) == 1 and len({*parts[0].names}) == len(parts[0].names):
        return parts[0]
    name, names = unify([(part.name, part.names) for part in parts])
    hours = np.unique(_concatenate([part.hours for part in parts]))
    at = [np.searchsorted(hours, part.hours)[part.hour] for part in parts]
    every = CountedHours(
        hours,
        names,
        hour=_concatenate(at),
        service=_concatenate([part.service for part in parts]),
        name=name,
        messages=_concatenate([part.messages for part in parts]),
        bytes=_concatenate([part.bytes for part in parts]),
        extra=_concatenate([part.extra for part in parts]),
    )
    return _summed(hours, names, every.hour, every)


def _summed(
    hours: Array, names: Sequence[str], hour: Array, rows: Rows | CountedHours
) -> CountedHours:
    """Return the sums of rows by hour, service and name."""
    name = rows.domain if isinstance(rows, Rows) else rows.name
    shape = (len(hours), len(Service))
    kinds, kind = compact(codes_of((hour, rows.service), shape), shape)
    keys, key = compact(kind * len(names) + name, (len(kinds), len(names)))
    at, name = np.divmod(keys, len(names))
    hour, service = np.divmod(kinds[at], len(Service))
    repeated = np.flatnonzero(rows.extra)
    return CountedHours(
        hours,
        names,
        hour,
        service,
        name,
        _added(key, rows.messages, len(keys)),
        _added(key, rows.bytes, len(keys)),
        _added(key[repeated], rows.extra[repeated], len(keys)),
    )


def _taken(hours: CountedHours, which: Array) -> CountedHours:
    return replace(
        hours,
        hour=hours.hour[which],
        service=hours.service[which],
        name=hours.name[which],
        messages=hours.messages[which],
        bytes=hours.bytes[which],
        extra=hours.extra[which],
    )


def _added(key: Array, values: Array, length: int) -> Array:
    """Return exact sums: those of a day fit 63 bits, or its totals are refused."""
    try:
        return added(key, values, length)
    except SumOverflowError:
        sums = np.zeros(length, np.int64)
        np.add.at(sums, key, values)
        return sums


def _concatenate(columns: Sequence[Array]) -> Array:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)
