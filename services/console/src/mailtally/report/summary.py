"""A report: rows in order, their total, and where each day comes from. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mailtally.report.figures import Figures, Groups, Key, total
from mailtally.report.question import Order, Question
from mailtally_shared.shown import listed

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
        incomplete: hosts of which part of a log is missing, and why, as far as that is known.
        has_breakdown: false for a bare file, of which only the charge is known.
        has_more: it is loaded, but the state knows of more by now.
    """

    day: date
    source: Source
    revision: int | None = None
    complete: bool | None = None
    missing_hosts: tuple[str, ...] = ()
    incomplete: tuple[tuple[str, str], ...] = ()
    has_breakdown: bool = True
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class Away:
    """Sources that could not be looked at, a sentence each.

    Attributes:
        warnings: all of them.
        lacking: those among them that have figures which are not in the report.
    """

    warnings: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)

    def lost(self, error: Exception) -> None:
        """Take note of a source that is there, but cannot be read."""
        self.warnings.append(str(error))
        self.lacking.append(str(error))


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
        away: the sources that could not be looked at.
    """

    question: Question
    rows: tuple[Row, ...]
    total: Figures
    left_out: int
    days: tuple[ReportedDay, ...]
    away: Away = field(default_factory=Away)

    def sources(self) -> dict[str, Source]:
        """Where each day comes from, by its ISO date."""
        return {day.day.isoformat(): day.source for day in self.days}


def summarize(
    question: Question,
    groups: Groups,
    days: Iterable[ReportedDay],
    away: Away | None = None,
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
        away=away or Away(),
    )


def notes(report: Report) -> Iterator[str]:
    """What a reader must know of the days: a sentence each."""
    days = report.days
    if live := [day.day for day in days if day.source is Source.LIVE]:
        yield f"Live, as counted so far and not yet billed: {ranges(live)}."
    yield from lacking(report)
    for hosts in sorted({day.missing_hosts for day in days if day.missing_hosts}):
        without = [day.day for day in days if day.missing_hosts == hosts]
        yield f"Written without {listed(hosts)}: {ranges(without)}."
    if more := [day.day for day in days if day.has_more]:
        yield f"Counted further since it was loaded; a new revision will follow: {ranges(more)}."
    if bare := [day.day for day in days if not day.has_breakdown]:
        yield f"Loaded from a bare file, so that only its charge is known: {ranges(bare)}."
    if report.left_out:
        rows = "row is" if report.left_out == 1 else "rows are"
        yield f"{report.left_out:,} more {rows} in the total."


def lacking(report: Report) -> Iterator[str]:
    """Yield what keeps the total from being the whole of what was logged: a sentence each."""
    for sentence in report.away.lacking:
        yield f"Incomplete: {sentence}"
    for pair in sorted({pair for day in report.days for pair in day.incomplete}):
        days = [day.day for day in report.days if pair in day.incomplete]
        yield f"Incomplete: {ranges(days)} without some lines of {pair[0]}: {pair[1]}"
    unexplained = [day.day for day in report.days if _is_unexplained(day)]
    if unexplained:
        yield f"Incomplete: logs could not be read, see the manifests: {ranges(unexplained)}."


def _is_unexplained(day: ReportedDay) -> bool:
    is_loaded = day.source is Source.LOADED and day.complete is False
    return is_loaded and not day.missing_hosts and not day.incomplete


def ranges(days: Sequence[date]) -> str:
    """Ascending days in words: ``2026-02-01 to 2026-02-03, 2026-02-07``."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
