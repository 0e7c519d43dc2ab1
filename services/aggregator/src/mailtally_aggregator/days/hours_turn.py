"""Keeping the hours in the state small, by the day writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.state.hours.compaction import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import Book, StateKeys
    from mailtally_shared.state.lease import Lease
    from mailtally_shared.state.read.live_day import LiveDay
    from mailtally_shared.state.read.totals import Totals

#: Seconds after a day's end, and after its last writing, for which its hours stay in the state.
KEPT = 2 * 86_400.0


class HoursTurn:
    """Compacts and drops the hours of one state."""

    def __init__(
        self, *, totals: Totals, keys: StateKeys, lease: Lease, calendar: Calendar
    ) -> None:
        self._totals = totals
        self._keys = keys
        self._lease = lease
        self._calendar = calendar
        self._seen: dict[str, tuple[int, bool]] = {}  # changes, and whether the files have them

    def compact(self, days: Iterable[LiveDay]) -> bool:
        """Shorten the lists that are long; return false when overtaken.

        Args:
            days: those with totals; held ones are read.

        Raises:
            Unavailable: Redis does not answer; nothing is lost.
        """
        seen: dict[str, tuple[int, bool]] = {}
        for book, day in self._with_hours(days):
            name, now = book.hours(day.day), (day.changes, day.is_dirty)
            if self._seen.get(name) != now and not self._shorten(book, day):
                return False
            seen[name] = now
        self._seen = seen
        return True

    def drop(self, days: Iterable[LiveDay], now: float) -> None:
        """Drop the hours of each day that is over, unless something was added in the meantime."""
        for day in days:
            if _has_hours(day) and self._is_over(day, now):
                self._lease.drop_hours(self._keys.totals, day.day)

    def _with_hours(self, days: Iterable[LiveDay]) -> Iterator[tuple[Book, LiveDay]]:
        """Yield the days whose hours are in the state, those of held records included."""
        books = [(self._keys.totals, days)]
        for holder in self._totals.holders():
            book = self._keys.held(holder)
            books.append((book, self._totals.days(book)))
        for book, found in books:
            for day in found:
                if _has_hours(day):
                    yield book, day

    def _shorten(self, book: Book, day: LiveDay) -> bool:
        state, is_over = self._totals.state, not day.is_dirty
        done = compact(state, self._lease, book, day.day, is_over=is_over)
        return done or self._lease.hold()

    def _is_over(self, day: LiveDay, now: float) -> bool:
        if day.written_at is None or day.is_dirty:
            return False
        return now >= max(self._calendar.end_of(day.day), day.written_at) + KEPT


def _has_hours(day: LiveDay) -> bool:
    return day.hours_whole is not None and not day.hours_left
