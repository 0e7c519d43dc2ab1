"""What the state holds at this moment, by day. Cheap enough to be polled."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.live_day import LiveDay, live_day
from mailtally_aggregator.totals import Totals
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.day_files import Sums
    from mailtally_shared.state.keys import Book, StateKeys


def live_days(state: State, keys: StateKeys, book: Book | None = None) -> list[LiveDay]:
    """Every day in the state, oldest first: two round trips, whatever the days hold.

    Raises:
        Unavailable: Redis does not answer.
    """
    book = book or keys.totals
    with unavailable_errors():
        names = cast("list[bytes]", state.zrange(book.days, 0, -1))
        days = [date.fromisoformat(name.decode("ascii")) for name in names]
        pipeline = state.pipeline(transaction=False)
        for day in days:
            pipeline.hgetall(book.day(day))
        found = pipeline.execute()
    # A day that was retired between the two trips has no fields left.
    return [live_day(day, fields) for day, fields in zip(days, found, strict=True) if fields]


def live_rows(state: State, keys: StateKeys, day: date) -> list[Sums]:
    """A day's breakdown, all of one moment; empty for a day that is not in the state.

    Raises:
        Unavailable: Redis does not answer.
    """
    return list(Totals(state, keys).read(day).rows)
