"""The step by which records are folded: the longest that the site's time zone allows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailtally_shared.calendar import Calendar
from mailtally_shared.rows import STEPS, UNFOLDED

if TYPE_CHECKING:
    from mailtally_collector.ship.ledger import Ledger

#: The step where the zone is not known: no day of any zone has begun within a minute since 1973.
_CAUTIOUS = STEPS[-2]


class SiteStep:
    """The length of a step in seconds; one thread looks it up, another reads it.

    Args:
        ledger: the collector's view of the state, which has the site's zone.
        folds: false where each record is a row of its own.
        interval: seconds between two looks at the zone, which an operator may change.
    """

    def __init__(self, ledger: Ledger, *, folds: bool, interval: float) -> None:
        self._ledger = ledger
        self._folds = folds
        self._interval = interval
        self._next = 0.0
        self.seconds = _CAUTIOUS if folds else UNFOLDED

    def turn(self, now: float) -> None:
        """Look the zone up, if that is due.

        Raises:
            Unavailable: Redis does not answer.
            Refused: the site policy is of another version.
        """
        if self._folds and now >= self._next:
            self.seconds = step_of(self._ledger.zone())
            self._next = now + self._interval


@cache
def step_of(zone: str | None) -> int:
    """Return the longest step that never has seconds of two days of a zone."""
    try:
        return Calendar(ZoneInfo(zone)).longest_step() if zone else _CAUTIOUS
    except (ZoneInfoNotFoundError, ValueError):
        return _CAUTIOUS
