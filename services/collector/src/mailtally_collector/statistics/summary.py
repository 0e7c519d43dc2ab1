"""The figures as they are told, in whatever form: named, sorted, with hours of a zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from mailtally_collector.statistics.measures import WASTE_OF_STATUS, Sums, Waste
from mailtally_collector.statistics.part import QUARTER, SIZE_BOUNDS
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.largest import Message
    from mailtally_collector.statistics.ranking import Ranking
    from mailtally_collector.statistics.selection import Selection

_HOURS: Final = 24


class TrafficRow(NamedTuple):
    """One row of the main table."""

    service: str
    direction: str
    status: str
    sums: Sums


class SizeRow(NamedTuple):
    """The messages of one size class: ``least <= bytes < below``; the last has no bound."""

    least: int
    below: int | None
    sums: Sums


class HourRow(NamedTuple):
    """The messages of one hour, which begins at ``start``."""

    start: datetime
    sums: Sums


@dataclass(frozen=True, slots=True)
class Names:
    """The busiest names of a kind.

    ``distinct`` is how many there are; ``None`` where there were too many to remember, and then
    the figure that is ranked by may be too low by ``may_lack``.
    """

    distinct: int | None
    may_lack: int
    rows: list[tuple[str, Sums]]


class Example(NamedTuple):
    """A malformed line; the text of a long one is cut."""

    file: str
    offset: int
    length: int
    line: str


class MalformedRow(NamedTuple):
    """The malformed lines of one reason."""

    reason: str
    lines: int
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class Details:
    """What the long form tells besides."""

    domains: Names
    senders: Names
    recipients: Names
    largest: list[Message]
    sizes: list[SizeRow]
    hours_of_day: list[Sums]
    malformed: list[MalformedRow]


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for. ``top`` is how many names of a kind; ``None`` is all of them."""

    files: tuple[str, ...]
    selection: Selection
    zone: ZoneInfo
    by: str = "messages"
    top: int | None = 10
    details: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is told. Lines, records and malformed ones are of the whole logs."""

    question: Question
    lines: int
    records: int
    malformed: dict[str, int]
    span: tuple[datetime, datetime] | None
    total: Sums
    traffic: list[TrafficRow]
    waste: dict[Waste, Sums]
    hours: list[HourRow]
    details: Details | None


def summarised(figures: Figures, question: Question) -> Summary:
    """What is told of these figures."""
    traffic = sorted(
        TrafficRow(kind.service.label, "out" if kind.outgoing else "in", kind.status, sums)
        for kind, sums in figures.kinds.items()
    )
    hours = _hours(figures.quarters, question.zone)
    return Summary(
        question=question,
        lines=figures.lines,
        records=figures.records,
        malformed=dict(sorted(figures.malformed.items())),
        span=_span(figures, question.zone),
        total=total_of(row.sums for row in traffic),
        traffic=traffic,
        waste=_waste(traffic),
        hours=hours,
        details=_details(figures, question, hours) if question.details else None,
    )


def total_of(several: Iterable[Sums]) -> Sums:
    """All of them together."""
    total = Sums()
    for sums in several:
        total = total.plus(sums)
    return total


def at(time: int, zone: ZoneInfo) -> datetime:
    """A time of a log on the zone's clock."""
    return datetime.fromtimestamp(time, UTC).astimezone(zone)


def _span(figures: Figures, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    if figures.first is None or figures.last is None:
        return None
    return at(figures.first, zone), at(figures.last, zone)


def _waste(traffic: list[TrafficRow]) -> dict[Waste, Sums]:
    return {
        waste: total_of(row.sums for row in traffic if WASTE_OF_STATUS.get(row.status) is waste)
        for waste in Waste
    }


def _hours(quarters: dict[int, Sums], zone: ZoneInfo) -> list[HourRow]:
    """The hours in which there was anything, the earliest first."""
    hours: dict[int, Sums] = {}
    for quarter, sums in sorted(quarters.items()):
        begin = quarter * QUARTER
        begin -= at(begin, zone).minute * 60
        hours[begin] = hours.get(begin, Sums()).plus(sums)
    return [HourRow(at(begin, zone), sums) for begin, sums in hours.items()]


def _details(figures: Figures, question: Question, hours: list[HourRow]) -> Details:
    bounds = (0, *SIZE_BOUNDS, None)
    return Details(
        domains=_names(figures.domains, question.top),
        senders=_names(figures.senders, question.top),
        recipients=_names(figures.recipients, question.top),
        largest=figures.largest,
        sizes=[
            SizeRow(least or 0, below, sums)
            for least, below, sums in zip(bounds[:-1], bounds[1:], figures.sizes, strict=True)
        ],
        hours_of_day=[
            total_of(row.sums for row in hours if row.start.hour == hour) for hour in range(_HOURS)
        ],
        malformed=_malformed(figures),
    )


def _names(ranking: Ranking, top: int | None) -> Names:
    rows = [(printable(name), sums) for name, sums in ranking.top(top)]
    return Names(None if ranking.may_lack else len(ranking), ranking.may_lack, rows)


def _malformed(figures: Figures) -> list[MalformedRow]:
    """The most frequent reason first."""
    return [
        MalformedRow(
            reason,
            lines,
            [
                Example(line.path, line.offset, line.length, printable(line.kept[:200]))
                for line in figures.examples.get(reason, ())
            ],
        )
        for reason, lines in sorted(figures.malformed.items(), key=lambda row: (-row[1], row[0]))
    ]
