"""Revisions that add known gaps to the figures of the newest files.

They are for days that cannot be written from the state, because it lost some of their records or
has dropped their totals. The charge stays unchanged; the manifest no longer calls it complete.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_aggregator.days.statistic_dir import directory_errors
from mailtally_shared.days import newest_manifest, newest_revision, write_day
from mailtally_shared.days.filed import Filed, Unreadable, filed_hours, newest_filed
from mailtally_shared.days.manifest import DayFacts, Incomplete, Manifest
from mailtally_shared.days.watermark import Gap, named, touching
from mailtally_shared.runtime.logs import event
from mailtally_shared.shown import listed
from mailtally_shared.state.read.late_days import pinned_days
from mailtally_shared.state.read.totals import DayTotals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days.hour_rows import Hours
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.lease import Lease


_log = logging.getLogger(__name__)


def incomplete_of(gaps: Iterable[Gap]) -> tuple[Incomplete, ...]:
    """Return the gaps in a manifest's form."""
    return tuple(Incomplete(host=host, reason=reason) for host, reason in named(gaps))


def lacking(directory: Path, day: date, gaps: Iterable[Gap]) -> Filed | None:
    """Return the newest files of a day; ``None`` without any, or if they name all the gaps.

    Raises:
        Unreadable: the files are damaged.
    """
    newest = newest_manifest(directory, day)
    if newest is None or set(incomplete_of(gaps)) <= set(newest.incomplete):
        return None
    return newest_filed(directory, day)


def restated(former: Manifest, revision: int, gaps: Iterable[Gap]) -> DayFacts:
    """Return the facts of a revision with a former one's figures, and with the gaps."""
    facts = {name: getattr(former, name) for name in DayFacts.model_fields}
    incomplete = tuple(dict.fromkeys((*former.incomplete, *incomplete_of(gaps))))
    changed = {"revision": revision, "complete": False, "incomplete": incomplete}
    return DayFacts(**facts | changed)


def totals_of(filed: Filed, hours: Hours | None, changes: int) -> DayTotals:
    """Return the figures of written files as the totals of a day."""
    messages, size, transferred = filed.rows.sums()
    return DayTotals(changes, messages, size, transferred, filed.rows, hours)


def hours_filed(directory: Path, written: Manifest) -> Hours | None:
    """Return the hours of a written revision; log where it has some that cannot be read."""
    hours = filed_hours(directory, written)
    if written.hours and hours is None:
        event(
            _log,
            logging.WARNING,
            "hours-unreadable",
            f"The hours of {written.day}, revision {written.revision}, are missing or damaged: the "
            "next revision is written without them. Rebuild the day from its logs to have them.",
            day=written.day.isoformat(),
            revision=written.revision,
        )
    return hours


def report_written(facts: DayFacts, totals: DayTotals) -> None:
    """Log that a revision is written, and what is missing in it."""
    missing = f", without {listed(facts.missing_hosts)}" if facts.missing_hosts else ""
    if partial := sorted({each.host for each in facts.incomplete}):
        missing += f", without part of the lines of {listed(partial)}"
    event(
        _log,
        logging.WARNING if missing else logging.INFO,
        "day-written",
        f"Wrote {facts.day} as revision {facts.revision}{missing}.",
        day=facts.day.isoformat(),
        revision=facts.revision,
        messages=totals.messages,
        bytes=totals.bytes,
        missing=list(facts.missing_hosts),
    )


class ClosedDays:
    """Days that left the state; only their files are left of them."""

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
        """Add gaps that became known to their files; return false when overtaken."""
        if gaps == self._done:
            return True
        found = closed_days(self._state, self._keys, self._calendar, gaps)
        for day, known in found.items():
            if not self._lease.hold():
                return False
            with directory_errors(self._directory), suppress(Unreadable):
                self._restate(day, known, now)  # doctor reports both the gap and a damaged file
        self._done = gaps
        return True

    def _restate(self, day: date, gaps: tuple[Gap, ...], now: float) -> None:
        if (filed := lacking(self._directory, day, gaps)) is None:
            return
        revision = newest_revision(self._directory, day) + 1
        facts = restated(filed.manifest, revision, gaps)
        hours = hours_filed(self._directory, filed.manifest)
        if write_day(self._directory, facts, filed.rows, hours, now=now):
            report_written(facts, totals_of(filed, hours, 0))


def closed_days(
    state: State, keys: StateKeys, calendar: Calendar, gaps: Iterable[Gap]
) -> dict[date, tuple[Gap, ...]]:
    """Return days that left the state, with the gaps that touch each.

    Only gaps with both ends known count: without them, lines of any time may be missing.
    """
    bounded = [gap for gap in gaps if gap.since and gap.until is not None]
    if not bounded:
        return {}
    found = {day: touching(bounded, day, calendar) for day in pinned_days(state, keys)}
    return {day: gaps for day, gaps in found.items() if gaps}
