"""Whether a day waits for being written that should not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict
from mailtally_aggregator.watermark import DayPolicy, DayState, due_days

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mailtally_aggregator.books import Books
    from mailtally_aggregator.gaps import Gap
    from mailtally_aggregator.live_day import LiveDay
    from mailtally_shared.calendar import Calendar


def check_days(
    books: Books,
    expected: Collection[str],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
    *,
    gaps: Collection[Gap] = (),
) -> Finding:
    """Return whether a day waits for being written that should not; ``gaps`` are those known."""
    due = due_days(
        [_day_state(day) for day in books.days],
        _watermarks(books, expected),
        calendar,
        policy,
        now,
        gaps=gaps,
    )
    changed = sum(day.written_changes is not None and day.is_dirty for day in books.days)
    fine = (
        f"{len(books.days):,} days in the state, {books.retired_days:,} retired; none is due, "
        f"{changed:,} changed since written."
    )
    names = ", ".join(str(one.state.day) for one in due)
    problems = [f"Due and not written: {names}."] if due else []
    advice = (
        "An aggregator is writing; look again in a minute."
        if books.has_writer
        else "No aggregator is at work: start one."
    )
    return verdict("days", problems, fine, advice, Level.WARNING)


def _day_state(day: LiveDay) -> DayState:
    return DayState(
        day=day.day,
        changes=day.changes,
        since=float(day.since),
        changed_at=float(day.changed_at),
        written_changes=day.written_changes,
        written_at=None if day.written_at is None else float(day.written_at),
        complete=day.complete,
        incomplete=day.incomplete,
        has_missing=bool(day.missing_hosts),
    )


def _watermarks(books: Books, expected: Collection[str]) -> Mapping[str, float]:
    read = {ledger.collector_id: float(ledger.watermark) for ledger in books.ledgers}
    seen = {host: read.get(owner, 0.0) for host, owner in books.owners.items()}
    return dict.fromkeys(expected, 0.0) | seen
