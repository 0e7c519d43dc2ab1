"""Removing a day's rows by hour from the database, once they are old enough.

The day's other rows, and its files in the archive, stay.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from mailtally_shared.billing.engine import lock_day, writing
from mailtally_shared.billing.tables import HOURLY
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from sqlalchemy import Engine

_logger = logging.getLogger(__name__)


class HoursRetention:
    """Removes hours of old days: once a day, and again after anything was loaded.

    Args:
        engine: the database.
        keep: seconds from the end of a day (UTC) for which its hours are kept; 0 keeps all.
    """

    def __init__(self, engine: Engine, keep: float) -> None:
        self._engine = engine
        self._keep = keep
        self._done: tuple[date, int] | None = None

    def apply(self, now: float, loaded: int) -> None:
        """Remove what is too old.

        Args:
            now: Unix seconds.
            loaded: the number of sets loaded so far; one may have been of an old day.

        Raises:
            Unavailable: the database cannot be used at the moment.
        """
        if not self._keep:
            return
        first = first_kept(now, self._keep)
        if self._done != (first, loaded):
            _remove_before(self._engine, first)
            self._done = first, loaded


def first_kept(now: float, keep: float) -> date:
    """Return the oldest day that has not ended ``keep`` seconds ago; a day ends in UTC."""
    return datetime.fromtimestamp(max(0.0, now - keep), UTC).date()


def _remove_before(engine: Engine, first: date) -> None:
    """Remove the hours of all days before one, each day in a transaction of its own."""
    removed = 0
    while _remove_oldest(engine, first):
        removed += 1
    if removed:
        event(
            _logger,
            logging.INFO,
            "hours-removed",
            f"Removed the hours of {removed} days before {first} from the database.",
            days=removed,
            first_kept=first,
        )


def _remove_oldest(engine: Engine, first: date) -> bool:
    oldest = select(func.min(HOURLY.c.day)).where(HOURLY.c.day < first)
    with writing(engine) as connection:
        day = connection.scalar(oldest)
        if day is None:
            return False
        lock_day(connection, day)
        connection.execute(delete(HOURLY).where(HOURLY.c.day == day))
    return True
