"""Days that should have been written already. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.days.watermark import DayPolicy, due_days

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days.watermark import Gap
    from mailtally_shared.state.read.books import Books


def check_days(
    books: Books,
    expected: Collection[str],
    calendar: Calendar,
    policy: DayPolicy,
    now: float,
    *,
    gaps: Collection[Gap] = (),
) -> Finding:
    """Return a finding on days that should have been written already; ``gaps`` are known ones."""
    due = due_days(
        books.days,
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


def _watermarks(books: Books, expected: Collection[str]) -> Mapping[str, float]:
    read = {ledger.collector_id: float(ledger.watermark) for ledger in books.ledgers}
    seen = {host: read.get(owner, 0.0) for host, owner in books.owners.items()}
    return dict.fromkeys(expected, 0.0) | seen
