"""When a day's file is due, and which gaps in it are known. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.wire.status import (
    LONGEST_SENTENCE,
    UNEXPECTED,
    WAITING,
    StatusError,
    parse,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar


#: Number of gaps of a host that are listed; there may be as many as it has files.
MOST_OF_A_HOST = 20
#: Kinds of trouble in which no line goes missing.
_COMPLETE = {UNEXPECTED, WAITING}
#: Number of hosts and reasons that a day lists.
MOST_OF_A_DAY = 200


class Gap(NamedTuple):
    """Lines of a host, logged in a period, that may be missing; ``until`` is ``None`` for now."""

    host: str
    reason: str
    since: float
    until: float | None = None

    def touches(self, start: float, end: float) -> bool:
        """Return whether lines logged from ``start`` to before ``end`` may be among them."""
        return self.since < end and (self.until is None or self.until > start)


def touching(gaps: Iterable[Gap], day: date, calendar: Calendar) -> tuple[Gap, ...]:
    """Return the gaps in which lines of a day may be missing."""
    start, end = calendar.end_of(day - timedelta(days=1)), calendar.end_of(day)
    return tuple(gap for gap in gaps if gap.touches(start, end))


def gaps_of(documents: Mapping[str, bytes]) -> tuple[Gap, ...]:
    """Return the gaps of all hosts, from their status documents as received.

    A document that cannot be read yields none; the audit reports it.
    """
    return tuple(gap for host in sorted(documents) for gap in _of_host(host, documents[host]))


def _of_host(host: str, document: bytes) -> Iterator[Gap]:
    try:
        found = parse(document) if document else None
    except StatusError:
        return
    troubles = [each for each in found.troubles if each.kind not in _COMPLETE] if found else []
    for trouble in troubles[:MOST_OF_A_HOST]:
        reason = trouble.sentence or f"{trouble.kind}: {trouble.path}"
        yield Gap(host, reason, float(trouble.since), trouble.until)


def named(gaps: Iterable[Gap]) -> list[tuple[str, str]]:
    """Return the hosts and reasons that a day lists."""
    return sorted({(gap.host, gap.reason) for gap in gaps})[:MOST_OF_A_DAY]


def packed(pairs: Sequence[tuple[str, str]]) -> str:
    """Return hosts and reasons in the form that the state stores; empty for none."""
    return json.dumps(pairs) if pairs else ""


def unpacked(text: bytes | None) -> tuple[tuple[str, str], ...]:
    """Parse the hosts and reasons of a day; see ``packed``."""
    pairs = json.loads(text or b"[]")
    return tuple((printable(host), printable(why, LONGEST_SENTENCE)) for host, why in pairs)


@dataclass(frozen=True, slots=True)
class DayPolicy:
    """The times by which days are written; all in seconds.

    Attributes:
        grace: time that a collector must have read beyond the day's end: lines are
            written shortly after their timestamps.
        deadline: time after the day's end, and after its first line was counted, when
            it is written without the hosts that are missing, and names them. (Old
            logs can thus be read without haste.)
        restate_after: a written day that changed is written again after this time
            without changes (at once where no further line can come) …
        restate_at_most: … or when the file is this old.
    """

    grace: float = 900.0
    deadline: float = 6 * 3600.0
    restate_after: float = 60.0
    restate_at_most: float = 900.0


@dataclass(frozen=True, slots=True)
class DayState:
    """The state of a day; times in Unix seconds, ``None``: never."""

    day: date
    changes: int
    since: float
    changed_at: float
    written_changes: int | None = None
    written_at: float | None = None
    complete: bool = False
    incomplete: tuple[tuple[str, str], ...] = ()  # hosts and gaps that its files name
    has_missing: bool = False  # a host had not passed it when it was written
    stopped_changes: int | None = None  # number of changes at which writing it was refused

    @property
    def is_stopped(self) -> bool:
        """Whether the day writer leaves the day, in its present state, to a person."""
        return self.stopped_changes == self.changes

    @property
    def has_gaps(self) -> bool:
        """Whether some of its lines were known to be missing when it was written."""
        return bool(self.incomplete)

    @property
    def is_dirty(self) -> bool:
        """Whether something was counted that the written file lacks."""
        return self.written_changes != self.changes


@dataclass(frozen=True, slots=True)
class Due:
    """A day to be written now."""

    state: DayState
    missing: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every known collector has passed the day, and could read all of it."""
        return not self.missing and not self.gaps


def patience(policy: DayPolicy, watermarks: Mapping[str, float]) -> DayPolicy:
    """Return the policy for hosts that have read up to ``watermarks``.

    Where every host has read to the end of its input (``--once``), no further line can come, and
    a restatement does not wait.
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
    """Return the days to be written now, oldest first.

    Args:
        days: every day with totals.
        watermarks: Unix seconds up to which each known collector's host has
            been read; 0 for one that never reported.
        calendar: the accounting calendar.
        policy: the site's policy.
        now: Unix seconds.
        gaps: known gaps of the hosts. They do not delay a day: it is written as incomplete,
            and again when nothing is missing any more. A gap that becomes known after a day
            was written as complete has it written again.
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
    end, gaps = calendar.end_of(state.day), touching(known, state.day, calendar)
    # A log cannot be read beyond the present, unless it has ended.
    passed = {host: at if at >= END_OF_TIME else min(at, now) for host, at in watermarks.items()}
    missing = tuple(sorted(host for host, at in passed.items() if at < end + policy.grace))
    since = state.since if state.since <= now else end  # recorded by a clock that was ahead
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
    """Return whether every host had passed it when it was written with the gaps known then."""
    return state.has_gaps and not state.has_missing


def _says_otherwise(state: DayState, gaps: tuple[Gap, ...], policy: DayPolicy, now: float) -> bool:
    """Return whether its files name other gaps than those known now."""
    if tuple(named(gaps)) == state.incomplete:
        return False
    pause = policy.restate_after if state.complete else policy.restate_at_most
    return state.written_at is None or now - state.written_at >= pause


def _is_settled(state: DayState, policy: DayPolicy, now: float) -> bool:
    """Return whether to restate now: late lines come in bursts, to be covered by one revision."""
    if now - state.changed_at >= policy.restate_after:
        return True
    since = state.since if state.written_at is None else state.written_at
    return now - since >= policy.restate_at_most
