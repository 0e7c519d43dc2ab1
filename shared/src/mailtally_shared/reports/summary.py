"""A report: rows in order, their total, and the source of each day. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.reports.grouping import Figures, Rows, with_local_hours
from mailtally_shared.reports.question import Order, Question
from mailtally_shared.shown import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FIGURE_OF = {
    Order.MESSAGES: "messages",
    Order.BYTES: "bytes",
    Order.TRANSFERRED: "transferred",
    Order.CHARGED: "charged_bytes",
}


#: What is known of a day by hour.
WHOLE, PARTIAL = "whole", "partial"


class Source(StrEnum):
    """The source of a day's figures."""

    LOADED = "loaded"  # the database: billed
    LIVE = "live"  # the state in Redis: as counted so far


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """A day of a report.

    Attributes:
        day: the traffic day.
        source: the source of its figures, one for the whole day.
        revision: of the day's files; ``None`` before the first, or for a bare file.
        complete: every known collector had passed the day; ``None`` if that is unknown.
        missing_hosts: those that had not, as far as they were named.
        incomplete: hosts of which part of a log is missing, and why, as far as that is known.
        has_breakdown: false for a bare file, of which only the charge is known.
        has_more: the day is loaded, but the state has more of it by now.
        hours: ``whole`` or ``partial``; ``None`` where they are not held, or were not asked for.
    """

    day: date
    source: Source
    revision: int | None = None
    complete: bool | None = None
    missing_hosts: tuple[str, ...] = ()
    incomplete: tuple[tuple[str, str], ...] = ()
    has_breakdown: bool = True
    has_more: bool = False
    hours: str | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """Sources that could not be read, with a sentence each.

    Attributes:
        warnings: all of them.
        lacking: those whose figures are missing from the report.
    """

    warnings: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def lost(self, error: Exception) -> None:
        """Record a source whose figures are missing, because it cannot be read."""
        self.warnings.append(str(error))
        self.lacking.append(str(error))


@dataclass(frozen=True, slots=True)
class Report:
    """An answered question.

    Attributes:
        question: the question.
        rows: the rows, in the order and up to the number asked for.
        total: of all rows, including those left out.
        left_out: number of rows beyond ``question.top``.
        days: every day that is part of it, oldest first.
        away: the sources that could not be read.
    """

    question: Question
    rows: Rows
    total: Figures
    left_out: int
    days: tuple[ReportedDay, ...]
    away: Away = field(default_factory=Away)

    @property
    def is_known(self) -> bool:
        """Whether anything is known of what was asked for: unknown is not zero."""
        by_hour = self.question.is_by_hour
        return any(day.hours or not by_hour for day in self.days)

    def sources(self) -> dict[str, Source]:
        """Return the source of each day, by its ISO date."""
        return {day.day.isoformat(): day.source for day in self.days}


def summarize(
    question: Question,
    groups: Rows,
    days: Iterable[ReportedDay],
    away: Away | None = None,
) -> Report:
    """Return the report of an answer: rows in order, and their total."""
    shown = slice(question.top)
    rows = groups.taken(shown)
    if question.order is not Order.KEY:
        figure = groups.figures[Figures._fields.index(_FIGURE_OF[question.order])]
        rows = groups.taken(np.argsort(-figure, kind="stable")[shown])
    return Report(
        question=question,
        rows=with_local_hours(rows, question),
        total=groups.total(),
        left_out=len(groups) - len(rows),
        days=tuple(sorted(days, key=lambda day: day.day)),
        away=away or Away(),
    )


def notes(report: Report) -> Iterator[str]:
    """Yield the remarks that a reader needs on the days, a sentence each."""
    days = report.days
    if live := [day.day for day in days if day.source is Source.LIVE]:
        yield f"Live, as counted so far and not yet billed: {ranges(live)}."
    yield from shortfalls(report)
    if more := [day.day for day in days if day.has_more]:
        yield f"More was counted since it was loaded; a new revision will follow: {ranges(more)}."
    if bare := [day.day for day in days if not day.has_breakdown]:
        yield f"Loaded from a bare file; only the charge is known: {ranges(bare)}."
    if report.left_out:
        rows = "row is" if report.left_out == 1 else "rows are"
        yield f"{report.left_out:,} more {rows} in the total."


def shortfalls(report: Report) -> Iterator[str]:
    """Yield what the total lacks: the reasons, and the hosts that days were written without."""
    yield from lacking(report)
    for hosts in sorted({day.missing_hosts for day in report.days if day.missing_hosts}):
        without = [day.day for day in report.days if day.missing_hosts == hosts]
        yield f"Written without {listed(hosts)}: {ranges(without)}."


def lacking(report: Report) -> Iterator[str]:
    """Yield the reasons why the total is not complete, a sentence each."""
    for sentence in report.away.lacking:
        yield f"Incomplete: {sentence}"
    for pair in sorted({pair for day in report.days for pair in day.incomplete}):
        days = [day.day for day in report.days if pair in day.incomplete]
        yield f"Incomplete: {ranges(days)} without some lines of {pair[0]}: {pair[1]}"
    yield from _without_hours(report)
    unexplained = [day.day for day in report.days if _is_unexplained(day)]
    if unexplained:
        yield f"Incomplete: logs could not be read, see the manifests: {ranges(unexplained)}."


def _without_hours(report: Report) -> Iterator[str]:
    if not report.question.is_by_hour:
        return
    if absent := [day.day for day in report.days if day.hours is None]:
        yield (
            f"Incomplete: {ranges(absent)} without hours: they were not counted, are not known any "
            "more, or were removed after hours_retention."
        )
    if partial := [day.day for day in report.days if day.hours == PARTIAL]:
        yield f"Incomplete: {ranges(partial)} with partial hours: some records are in none of them."


def without_data(report: Report, today: date) -> Sequence[date]:
    """Return the days of a span that have no data though others have; none that are to come."""
    first, last = report.question.first, report.question.last
    if first is None or last is None or not report.days:
        return ()
    found = {day.day for day in report.days}
    length = (min(last, today) - first).days + 1
    span = (first + timedelta(days=number) for number in range(length))
    return [day for day in span if day not in found]


def _is_unexplained(day: ReportedDay) -> bool:
    is_loaded = day.source is Source.LOADED and day.complete is False
    return is_loaded and not day.missing_hosts and not day.incomplete


def ranges(days: Sequence[date]) -> str:
    """Return ascending days in words: ``2026-02-01 to 2026-02-03, 2026-02-07``."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
