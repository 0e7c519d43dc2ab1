"""When is a day's file due? Decided from how far each collector has read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mailtally_shared.calendar import Calendar


@dataclass(frozen=True, slots=True)
class DayPolicy:
    """When days are written; all in seconds.

    Attributes:
        grace: a collector must have read this far beyond the day's end: lines
            are written shortly after their timestamps.
        deadline: this long after the day's end, and after its first line was
            counted, it is written without those that have not, and names them.
            (So old logs may be read in at leisure.)
        restate_after: a written day that changed is written anew once it was
            quiet for so long …
        restate_at_most: … or when the file is this old.
    """

    grace: float = 900.0
    deadline: float = 6 * 3600.0
    restate_after: float = 60.0
    restate_at_most: float = 900.0


@dataclass(frozen=True, slots=True)
class DayState:
    """What the state says about a day; times in Unix seconds, ``None``: never."""

    day: date
    changes: int
    since: float
    changed_at: float
    written_changes: int | None = None
    written_at: float | None = None
    complete: bool = False

    @property
    def is_dirty(self) -> bool:
        """Something was counted that the written file does not hold."""
        return self.written_changes != self.changes


@dataclass(frozen=True, slots=True)
class Due:
    """A day that is to be written now."""

    state: DayState
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Every known collector has passed the day."""
        return not self.missing


def due_days(
    days: Iterable[DayState],
    watermarks: Mapping[str, float],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
) -> list[Due]:
    """The days to be written now, oldest first.

    Args:
        days: every day with totals.
        watermarks: Unix seconds up to which each known collector's host has
            been read; 0 for one that was never heard of.
        calendar: where days end.
        policy: the site's patience.
        now: Unix seconds.
    """
    found = (_due(day, watermarks, calendar, policy, now) for day in days)
    return sorted((due for due in found if due), key=lambda due: due.state.day)


def _due(
    state: DayState,
    watermarks: Mapping[str, float],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
) -> Due | None:
    end = calendar.end_of(state.day)
    missing = tuple(
        sorted(host for host, passed in watermarks.items() if passed < end + policy.grace)
    )
    if missing and now < max(end, state.since) + policy.deadline:
        return None
    if state.written_changes is None:
        return Due(state, missing)
    if not missing and not state.complete:
        return Due(state, missing)
    if state.is_dirty and _is_settled(state, policy, now):
        return Due(state, missing)
    return None


def _is_settled(state: DayState, policy: DayPolicy, now: float) -> bool:
    """Late lines come in showers; one new revision should take them all in."""
    if now - state.changed_at >= policy.restate_after:
        return True
    return now - (state.written_at or 0.0) >= policy.restate_at_most
