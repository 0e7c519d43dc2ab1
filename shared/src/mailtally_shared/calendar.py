"""The accounting calendar: which day a timestamp belongs to, in the cluster's zone.

A day is the calendar day of the timestamp's local time (RULES section 4), so a
day may last 23, 24 or 25 hours. Within a stretch of constant offset from UTC
the local day changes every 86,400 s; stretches are found exactly, to the
second, by bisection between UTC midnights.

Records travel by steps, and a step must not have seconds of two days. The longest possible one
depends on the zone: an hour where offsets are whole hours, a quarter of one where they are not.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.rows import STEPS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from mailtally_shared.columns import Array

DAY = 86_400
HOUR = 3600
#: The UTC day number from which on zones change as in the years before: 2040-01-01.
_REPEATING = 25_567
_EPOCH = date(1970, 1, 1)

#: ``(first second, local day)``: from that second on it is that day.
Edge = tuple[int, date]


class Calendar:
    """Days of one IANA time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._edges_of_bucket = lru_cache(maxsize=4096)(self._find_edges)
        self._hours_of_bucket = lru_cache(maxsize=4096)(self._find_hours)

    @property
    def name(self) -> str:
        """The zone's IANA name, e.g. ``Europe/Berlin``."""
        return self.zone.key

    def day_of(self, time: int) -> date:
        """Return the day of a timestamp (Unix seconds)."""
        return _EPOCH + timedelta(days=(time + self._offset(time)) // DAY)

    def days_of(self, times: Array) -> tuple[tuple[date, ...], Array]:
        """Map many timestamps to days.

        Args:
            times: int64 Unix seconds, shape ``(n,)``, ``0 <= t < END_OF_TIME``.

        Returns:
            The distinct days, and for each timestamp its index (int64, shape ``(n,)``)
            among them. A day may be listed that no timestamp falls on.
        """
        edges = [edge for bucket in _buckets(times) for edge in self._edges_of_bucket(bucket)]
        numbers: dict[date, int] = {}
        day_of_edge = np.array(
            [numbers.setdefault(day, len(numbers)) for _, day in edges], np.int64
        )
        starts = np.array([start for start, _ in edges], np.int64)
        return tuple(numbers), day_of_edge[np.searchsorted(starts, times, side="right") - 1]

    def hours_of(self, times: Array) -> Array:
        """Return the second at which the hour of each timestamp begins.

        An hour lasts while the local time shows it and the offset from UTC stays: where the clock
        is put back by an hour, it comes twice.

        Args:
            times: int64 Unix seconds, shape ``(n,)``, ``0 <= t < END_OF_TIME``.

        Returns:
            int64 Unix seconds, shape ``(n,)``.
        """
        edges = [edge for bucket in _buckets(times) for edge in self._hours_of_bucket(bucket)]
        starts, hours = np.array(edges, np.int64).reshape(-1, 2).T
        return hours[np.searchsorted(starts, times, side="right") - 1]

    def end_of(self, day: date) -> int:
        """Return the first second (Unix) after ``day``."""
        first = (day - _EPOCH).days - 1
        buckets = range(max(first, 0), first + 4)
        edges = [edge for bucket in buckets for edge in self._edges_of_bucket(bucket)]
        later = [start for start, other in reversed(edges) if other > day]
        last = max((start for start, other in edges if other <= day), default=0)
        return min(start for start in later if start > last)

    def longest_step(self) -> int:
        """Return the longest of ``STEPS`` that never has seconds of two days."""
        offsets = [self._offset(bucket * DAY) for bucket in range(_REPEATING)]
        moments = set(offsets)
        for bucket, (before, after) in enumerate(pairwise(offsets)):
            if before != after:
                moments.update(second for second, _ in self._find_edges(bucket))
        return next(step for step in STEPS if all(moment % step == 0 for moment in moments))

    def splits(self, starts: Array, step: int) -> bool:
        """Return whether the day changes within one of the steps that begin at ``starts``."""
        changes = {
            second - second % step
            for bucket in _buckets(starts)
            for (_, before), (second, day) in pairwise(self._edges_of_bucket(bucket))
            if day != before and second % step
        }
        return bool(changes) and bool(np.isin(starts, list(changes)).any())

    def _find_edges(self, bucket: int) -> tuple[Edge, ...]:
        """Return the edges in the UTC day number ``bucket``; its first second is always one."""
        stretches = self._stretches_of(bucket)
        edges = {second: self.day_of(second) for second, _ in stretches}
        for second, until in stretches:
            midnight = second + -(second + self._offset(second)) % DAY
            if midnight < until:
                edges[midnight] = self.day_of(midnight)
        return tuple(sorted(edges.items()))

    def _find_hours(self, bucket: int) -> tuple[tuple[int, int], ...]:
        """Return the hours in the UTC day number ``bucket``: its first second, and its beginning.

        The two differ where the hour begins in the bucket before.
        """
        found = {}
        for second, until in self._stretches_of(bucket):
            found[second] = self._hour_of(second)
            whole = second + -(second + self._offset(second)) % HOUR
            found |= {hour: hour for hour in range(whole, until, HOUR)}
        return tuple(sorted(found.items()))

    def _stretches_of(self, bucket: int) -> list[tuple[int, int]]:
        """Return the stretches of constant offset in a UTC day: first second, and end."""
        start, end = bucket * DAY, (bucket + 1) * DAY
        if self._offset(start) == self._offset(end):
            return [(start, end)]
        change = self._change_between(start, end)
        return [(start, change), (change, end)]

    def _change_between(self, low: int, high: int) -> int:
        """Return the first second with the offset that holds at ``high`` and not at ``low``."""
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return high

    def _hour_of(self, time: int) -> int:
        offset = self._offset(time)
        begin = time - (time + offset) % HOUR
        return begin if self._offset(begin) == offset else self._change_between(begin, time)

    def _offset(self, time: int) -> int:
        offset = datetime.fromtimestamp(time, UTC).astimezone(self.zone).utcoffset()
        assert offset is not None  # noqa: S101 - an aware datetime always has one
        return int(offset.total_seconds())


def _buckets(times: Array) -> list[int]:
    """Return the distinct UTC day numbers of some timestamps, ascending."""
    if not len(times):
        return []
    numbers = times // DAY
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > len(times):
        return [int(number) for number in np.unique(numbers)]
    return [low + int(number) for number in np.flatnonzero(np.bincount(numbers - low))]
