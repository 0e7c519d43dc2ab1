"""Revisions with the figures of the newest files that say what is known to be lacking of them.

They are for days that cannot be written from the state: it has lost some of them, or has dropped
them because they are old. The bill stays as it is; the manifest does not call it complete.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.foreign import text
from mailtally_aggregator.gaps import Gap, named
from mailtally_aggregator.reporting import report_written
from mailtally_aggregator.statistic_dir import directory_errors
from mailtally_aggregator.totals import DayTotals
from mailtally_shared.day_files import newest_manifest, newest_revision, write_day
from mailtally_shared.day_files.filed import Filed, Unreadable, newest_filed
from mailtally_shared.day_files.manifest import DayFacts, Incomplete, Manifest
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailtally_aggregator.lease import Lease
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import StateKeys


def touching(gaps: Iterable[Gap], day: date, calendar: Calendar) -> tuple[Gap, ...]:
    """Return the gaps that may lack lines of a day."""
    start, end = calendar.end_of(day - timedelta(days=1)), calendar.end_of(day)
    return tuple(gap for gap in gaps if gap.touches(start, end))


def incomplete_of(gaps: Iterable[Gap]) -> tuple[Incomplete, ...]:
    """Return the gaps as a manifest names them."""
    return tuple(Incomplete(host=host, reason=reason) for host, reason in named(gaps))


def lacking(directory: Path, day: date, gaps: Iterable[Gap]) -> Filed | None:
    """Return the newest files of a day; ``None`` where there are none, or they name the gaps.

    Raises:
        Unreadable: they are damaged.
    """
    newest = newest_manifest(directory, day)
    if newest is None or set(incomplete_of(gaps)) <= set(newest.incomplete):
        return None
    return newest_filed(directory, day)


def restated(former: Manifest, revision: int, gaps: Iterable[Gap]) -> DayFacts:
    """Return the facts of a revision with the figures of a former one, which names the gaps."""
    facts = {name: getattr(former, name) for name in DayFacts.model_fields}
    incomplete = tuple(dict.fromkeys((*former.incomplete, *incomplete_of(gaps))))
    changed = {"revision": revision, "complete": False, "incomplete": incomplete}
    return DayFacts(**facts | changed)


def totals_of(filed: Filed, changes: int) -> DayTotals:
    """Return the figures of written files as the totals of a day."""
    messages, size, transferred = filed.rows.sums()
    return DayTotals(changes, messages, size, transferred, filed.rows)


class ClosedDays:
    """Days that left the state of one writer; their files are all that is left of them."""

    def __init__(
        self, state: State, keys: StateKeys, calendar: Calendar, directory: Path, lease: Lease
    ) -> None:
        self._state = state
        self._keys = keys
        self._calendar = calendar
        self._directory = directory
        self._lease = lease
        self._done: tuple[Gap, ...] = ()

    def restate(self, gaps: tuple[Gap, ...], now: float) -> bool:
        """Have their files name what became known to be lacking; false when overtaken."""
        if gaps == self._done:
            return True
        found = closed_days(self._state, self._keys, self._calendar, gaps)
        for day, known in found.items():
            if not self._lease.hold():
                return False
            with directory_errors(self._directory), suppress(Unreadable):
                self._restate(day, known, now)  # doctor names both the gap and a damaged file
        self._done = gaps
        return True

    def _restate(self, day: date, gaps: tuple[Gap, ...], now: float) -> None:
        if (filed := lacking(self._directory, day, gaps)) is None:
            return
        revision = newest_revision(self._directory, day) + 1
        facts = restated(filed.manifest, revision, gaps)
        if write_day(self._directory, facts, filed.rows, now=now):
            report_written(facts, totals_of(filed, 0))


def closed_days(
    state: State, keys: StateKeys, calendar: Calendar, gaps: Iterable[Gap]
) -> dict[date, tuple[Gap, ...]]:
    """Return days that left the state, with the gaps that touch each.

    Only gaps of which both ends are known: what is lacking of a log may be of any time.
    """
    bounded = [gap for gap in gaps if gap.since and gap.until is not None]
    if not bounded:
        return {}
    with unavailable_errors():
        pinned = sorted(cast("list[bytes]", state.hkeys(keys.pinned)))
    days = [date.fromisoformat(text(name)) for name in pinned]
    found = {day: touching(bounded, day, calendar) for day in days}
    return {day: gaps for day, gaps in found.items() if gaps}
