"""A report: rows in order, their total, and where each day comes from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mailtally.report.figures import Figures, Groups, Key, total
from mailtally.report.question import Order, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FIGURE_OF = {
    Order.MESSAGES: "messages",
    Order.BYTES: "bytes",
    Order.TRANSFERRED: "transferred",
    Order.CHARGED: "charged_bytes",
}


class Source(StrEnum):
    """Where a day's figures come from."""

    LOADED = "loaded"  # the database: billed
    LIVE = "live"  # the state in Redis: as counted so far


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """A day of a report.

    Attributes:
        day: the traffic day.
        source: where its figures come from; always one source for a whole day.
        revision: of the day's files; ``None`` before the first, or for a bare file.
        complete: every known collector had passed the day; ``None`` if nobody knows.
        missing_hosts: those that had not, as far as they were named.
        has_breakdown: false for a bare file, of which only the charge is known.
        has_more: it is loaded, but the state knows of more by now.
    """

    day: date
    source: Source
    revision: int | None = None
    complete: bool | None = None
    missing_hosts: tuple[str, ...] = ()
    has_breakdown: bool = True
    has_more: bool = False


class Row(NamedTuple):
    """A line of a report."""

    key: Key
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """An answered question.

    Attributes:
        question: what was asked.
        rows: as many as were asked for, in the order asked for.
        total: of all rows, those left out too.
        left_out: how many rows are beyond ``question.top``.
        days: every day that has a share in it, oldest first.
        warnings: a sentence for each source that could not be looked at.
    """

    question: Question
    rows: tuple[Row, ...]
    total: Figures
    left_out: int
    days: tuple[ReportedDay, ...]
    warnings: tuple[str, ...] = ()

    def sources(self) -> dict[str, Source]:
        """Where each day comes from, by its ISO date."""
        return {day.day.isoformat(): day.source for day in self.days}


def summarize(
    question: Question,
    groups: Groups,
    days: Iterable[ReportedDay],
    warnings: Sequence[str] = (),
) -> Report:
    """Put an answer in order."""
    rows = [Row(key, figures) for key, figures in sorted(groups.items())]
    if question.order is not Order.KEY:
        figure = _FIGURE_OF[question.order]
        rows.sort(key=lambda row: -int(getattr(row.figures, figure)))
    shown = rows[: question.top]
    return Report(
        question=question,
        rows=tuple(shown),
        total=total(row.figures for row in rows),
        left_out=len(rows) - len(shown),
        days=tuple(sorted(days, key=lambda day: day.day)),
        warnings=tuple(warnings),
    )


def notes(report: Report) -> Iterator[str]:
    """What a reader must know of the days: a sentence each."""
    days = report.days
    if live := [day.day for day in days if day.source is Source.LIVE]:
        yield f"Live, as counted so far and not yet billed: {ranges(live)}."
    for hosts in sorted({day.missing_hosts for day in days if day.missing_hosts}):
        without = [day.day for day in days if day.missing_hosts == hosts]
        yield f"Written without {', '.join(hosts)}: {ranges(without)}."
    if more := [day.day for day in days if day.has_more]:
        yield f"Counted further since it was loaded; a new revision will follow: {ranges(more)}."
    if bare := [day.day for day in days if not day.has_breakdown]:
        yield f"Loaded from a bare file, so that only its charge is known: {ranges(bare)}."
    if report.left_out:
        rows = "row is" if report.left_out == 1 else "rows are"
        yield f"{report.left_out:,} more {rows} in the total."


def ranges(days: Sequence[date]) -> str:
    """Ascending days in words: ``2026-02-01 to 2026-02-03, 2026-02-07``."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
