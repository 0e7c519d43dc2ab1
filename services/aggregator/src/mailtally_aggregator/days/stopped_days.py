"""Days that are not written: the reason, recorded in the state, and when to try again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_aggregator.days.statistic_dir import directory_errors
from mailtally_shared.days import newest_revision
from mailtally_shared.days.filed import marks_of
from mailtally_shared.days.watermark import Gap, named
from mailtally_shared.runtime.logs import event
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from mailtally_shared.days.watermark import DayState
    from mailtally_shared.state.lease import Lease

Gaps = tuple[Gap, ...]
_log = logging.getLogger(__name__)


class StoppedDays:
    """The days that one writer leaves unwritten."""

    def __init__(self, lease: Lease, directory: Path) -> None:
        self._lease = lease
        self._directory = directory
        self._marks: dict[date, tuple[object, ...]] = {}  # changes and files at the last attempt
        self._reported: dict[date, str] = {}

    def is_unchanged(self, state: DayState, gaps: Gaps = ()) -> bool:
        """Return whether neither the day, its files nor its gaps changed since ``keep``.

        The state must still record it as stopped: it may have gone back since.
        """
        return state.is_stopped and self._marks.get(state.day) == self._marks_of(state, gaps)

    def keep(self, state: DayState, why: str, gaps: Gaps = ()) -> bool:
        """Leave a day's files unchanged until it or they change; see ``stop``."""
        self._marks[state.day] = self._marks_of(state, gaps)
        return self.stop(state, why)

    def keep_lower(self, state: DayState, hosts: tuple[str, ...], gaps: Gaps = ()) -> bool:
        """Leave a day of which the state holds less than the newest files do."""
        newest = newest_revision(self._directory, state.day)
        why = f"Redis holds less of {listed(hosts)} than revision {newest} does."
        return self.keep(state, why, gaps)

    def stop(self, state: DayState, why: str) -> bool:
        """Leave a day's files unchanged and say why; return false where the lease is lost."""
        day = state.day
        done = self._lease.stop(day, state.changes, why)
        if self._reported.get(day) != why:
            self._reported[day] = why
            event(
                _log,
                logging.ERROR,
                "day-stopped",
                f"{day} is not written: {why} If this persists, rebuild the day from its logs: "
                f"mailtally rebuild --day {day}.",
                day=day.isoformat(),
            )
        return done

    def _marks_of(self, state: DayState, gaps: Gaps) -> tuple[object, ...]:
        with directory_errors(self._directory):
            return (state.changes, tuple(named(gaps)), *marks_of(self._directory, state.day))
