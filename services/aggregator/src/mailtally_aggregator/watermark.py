"""When is a day's file due? Decided from how far each collector has read. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mailtally_aggregator.gaps import named
from mailtally_shared.columns import END_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mailtally_aggregator.gaps import Gap
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
            quiet for so long (at once where no line can come any more) …
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
    incomplete: tuple[tuple[str, str], ...] = ()  # hosts and gaps that it was written with
    has_missing: bool = False  # a host had not passed it when it was written
    stopped_changes: int | None = None  # up to which change it was judged, and not written

    @property
    def is_stopped(self) -> bool:
        """Return whether the day writer leaves it, as it is now, to a person."""
        return self.stopped_changes == self.changes

    @property
    def has_gaps(self) -> bool:
        """Return whether something was known to be missing when it was written."""
        return bool(self.incomplete)

    @property
    def is_dirty(self) -> bool:
        """Something was counted that the written file does not hold."""
        return self.written_changes != self.changes


@dataclass(frozen=True, slots=True)
class Due:
    """A day that is to be written now."""

    state: DayState
    missing: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Every known collector has passed the day, and could read all of it."""
        return not self.missing and not self.gaps


def patience(policy: DayPolicy, watermarks: Mapping[str, float]) -> DayPolicy:
    """Return the policy for hosts that have read so far.

    Where every host has read to the end of its input (``--once``), a restatement has no more
    lines to wait for.
    """
    has_ended = bool(watermarks) and all(at >= END_OF_TIME for at in watermarks.values())
    return replace(policy, restate_after=0.0) if has_ended else policy


def due_days(
    days: Iterable[DayState],
    watermarks: Mapping[str, float],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
    *,
    gaps: Iterable[Gap] = (),
) -> list[Due]:
    """The days to be written now, oldest first.

    Args:
        days: every day with totals.
        watermarks: Unix seconds up to which each known collector's host has
            been read; 0 for one that was never heard of.
        calendar: where days end.
        policy: the site's patience.
        now: Unix seconds.
        gaps: what is known to be missing of the hosts. It holds no day up: the day is
            written as incomplete, and once more when nothing is missing any more. Where it
            becomes known after a day was written as complete, the day is written again.
    """
    known = tuple(gaps)
    found = (_due(day, watermarks, calendar, policy, now, known=known) for day in days)
    return sorted((due for due in found if due), key=lambda due: due.state.day)


def due_late(days: Iterable[DayState], policy: DayPolicy, now: float) -> list[DayState]:
    """Return days with late records that no revision holds yet, once none came for a while."""
    dirty = (state for state in days if state.is_dirty)
    return sorted(
        (state for state in dirty if _is_settled(state, policy, now)), key=lambda state: state.day
    )


def _due(
    state: DayState,
    watermarks: Mapping[str, float],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
    *,
    known: tuple[Gap, ...],
) -> Due | None:
    start, end = calendar.end_of(state.day - timedelta(days=1)), calendar.end_of(state.day)
    gaps = tuple(gap for gap in known if gap.touches(start, end))
    # No log was read further than up to now, except for one that has ended.
    passed = {host: at if at >= END_OF_TIME else min(at, now) for host, at in watermarks.items()}
    missing = tuple(sorted(host for host, at in passed.items() if at < end + policy.grace))
    since = state.since if state.since <= now else end  # noted by a clock that was ahead
    if missing and now < max(end, since) + policy.deadline:
        return None
    if state.written_changes is None:
        return Due(state, missing, gaps)
    if not missing and not state.complete and not (gaps and _is_as_far_as_it_can(state)):
        return Due(state, missing, gaps)
    if _says_otherwise(state, gaps, policy, now):
        return Due(state, missing, gaps)
    if state.is_dirty and _is_settled(state, policy, now):
        return Due(state, missing, gaps)
    return None


def _is_as_far_as_it_can(state: DayState) -> bool:
    """Return whether it was written after every host had passed it, with the gaps of then."""
    return state.has_gaps and not state.has_missing


def _says_otherwise(state: DayState, gaps: tuple[Gap, ...], policy: DayPolicy, now: float) -> bool:
    """Return whether what was written names other gaps than are known by now."""
    if tuple(named(gaps)) == state.incomplete:
        return False
    pause = policy.restate_after if state.complete else policy.restate_at_most
    return state.written_at is None or now - state.written_at >= pause


def _is_settled(state: DayState, policy: DayPolicy, now: float) -> bool:
    """Late lines come in showers; one new revision should take them all in."""
    if now - state.changed_at >= policy.restate_after:
        return True
    since = state.since if state.written_at is None else state.written_at
    return now - since >= policy.restate_at_most
