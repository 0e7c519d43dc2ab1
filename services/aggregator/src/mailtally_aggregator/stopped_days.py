"""Days that are not written: why, in the state, and until what changes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_aggregator.gaps import Gap, named
from mailtally_aggregator.statistic_dir import directory_errors
from mailtally_shared.day_files import newest_revision
from mailtally_shared.day_files.filed import marks_of
from mailtally_shared.process.logs import event
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from mailtally_aggregator.lease import Lease
    from mailtally_aggregator.watermark import DayState
    from mailtally_shared.state.keys import StateKeys

Gaps = tuple[Gap, ...]
_log = logging.getLogger(__name__)


class StoppedDays:
    """The days that one writer does not write."""

    def __init__(self, lease: Lease, keys: StateKeys, directory: Path) -> None:
        self._lease = lease
        self._keys = keys
        self._directory = directory
        self._marks: dict[date, tuple[object, ...]] = {}  # changes and files at the last attempt
        self._told: dict[date, str] = {}

    def is_unchanged(self, state: DayState, gaps: Gaps = ()) -> bool:
        """Return whether neither the day, its files nor its gaps changed since ``keep``.

        The state must still say that it is stopped: it may have gone back since.
        """
        return state.is_stopped and self._marks.get(state.day) == self._marks_of(state, gaps)

    def keep(self, state: DayState, why: str, gaps: Gaps = ()) -> bool:
        """Leave a day as its files have it until it or they change; see ``stop``."""
        self._marks[state.day] = self._marks_of(state, gaps)
        return self.stop(state, why)

    def keep_lower(self, state: DayState, hosts: tuple[str, ...], gaps: Gaps = ()) -> bool:
        """Leave a day of which the state holds less than the newest files do."""
        newest = newest_revision(self._directory, state.day)
        why = f"Redis holds less of {listed(hosts)} than revision {newest} does."
        return self.keep(state, why, gaps)

    def stop(self, state: DayState, why: str) -> bool:
        """Leave a day as its files have it, and say why; false where the lease is lost."""
        day = state.day
        done = self._lease.step(
            "stop",
            stopped=self._keys.stopped,
            iso=day.isoformat(),
            why=why,
            changes=str(state.changes),
            books=[book.day(day) for book in (self._keys.totals, self._keys.late)],
        )
        if self._told.get(day) != why:
            self._told[day] = why
            event(
                _log,
                logging.ERROR,
                "day-stopped",
                f"{day} is not written: {why} If that stays so, rebuild the day from its logs: "
                f"mailtally rebuild --day {day}.",
                day=day.isoformat(),
            )
        return done is not None

    def _marks_of(self, state: DayState, gaps: Gaps) -> tuple[object, ...]:
        with directory_errors(self._directory):
            return (state.changes, tuple(named(gaps)), *marks_of(self._directory, state.day))
