"""The figures to show, in any form: named, sorted, with hours of a zone. Pure.

The classes from ``Summary`` on are the JSON document, field by field; ``sums`` are fields of the
object around them (``docs/reference/statistics.schema.json``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from mailtally_collector.statistics.part import QUARTER, SIZE_BOUNDS
from mailtally_collector.statistics.sums import WASTE_OF_STATUS, Sums, Waste
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.part import Message
    from mailtally_collector.statistics.ranking import Ranking
    from mailtally_collector.statistics.selection import Selection

_HOURS: Final = 24
#: Bytes of a malformed line that are shown.
_EXAMPLE: Final = 200
#: Of the JSON document.
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for. ``top`` is the number of names of a kind; ``None`` is all of them."""

    files: tuple[str, ...]
    selection: Selection
    zone: ZoneInfo
    by: str = "messages"
    top: int | None = 10
    details: bool = False


class Filters(NamedTuple):
    """What was selected; empty where everything is. Times are in UTC."""

    services: list[str]
    domains: list[str]
    statuses: list[str]
    since: datetime | None
    until: datetime | None


class TrafficRow(NamedTuple):
    """One row of the main table."""

    service: str
    direction: str
    status: str
    sums: Sums


class Volume(NamedTuple):
    """Messages and their bytes."""

    messages: int
    bytes: int


class HourRow(NamedTuple):
    """The messages of one hour, which begins at ``hour``."""

    hour: datetime
    sums: Sums


class HourOfDay(NamedTuple):
    """The messages of one hour of all days."""

    hour: int
    sums: Sums


class SizeRow(NamedTuple):
    """The messages of one size class: ``least <= bytes < below``; the last has no bound."""

    least: int
    below: int | None
    sums: Sums


class NameRow(NamedTuple):
    """The messages of one name."""

    name: str
    sums: Sums


class Names(NamedTuple):
    """The busiest names of a kind.

    ``distinct`` is the number of names; ``None`` where there were too many to remember, and then
    the figure that is ranked by may be too low by ``may_lack``.
    """

    distinct: int | None
    may_lack: int
    rows: list[NameRow]


class LargestRow(NamedTuple):
    """One of the largest messages."""

    bytes: int
    time: datetime
    host: str
    service: str
    direction: str
    status: str
    sender: str
    recipient: str


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


class Details(NamedTuple):
    """The figures of the long form only."""

    by: str
    domains: Names
    senders: Names
    recipients: Names
    largest: list[LargestRow]
    sizes: list[SizeRow]
    hours_of_day: list[HourOfDay]
    malformed: list[MalformedRow]


class Summary(NamedTuple):
    """All that is shown. Lines, records and malformed ones are of the whole logs."""

    format: int
    files: tuple[str, ...]
    timezone: str
    filters: Filters
    lines: int
    records: int
    malformed: dict[str, int]
    first: datetime | None
    last: datetime | None
    total: Sums
    traffic: list[TrafficRow]
    waste: dict[str, Volume]
    hours: list[HourRow]
    details: Details | None


def summarised(figures: Figures, question: Question) -> Summary:
    """Return the summary of these figures."""
    zone = question.zone
    traffic = sorted(
        TrafficRow(kind.service.label, _direction(kind.outgoing), kind.status, sums)
        for kind, sums in figures.kinds.items()
    )
    hours = _hours(figures.quarters, zone)
    return Summary(
        format=FORMAT,
        files=question.files,
        timezone=zone.key,
        filters=_filters(question.selection),
        lines=figures.lines,
        records=figures.records,
        malformed=dict(sorted(figures.malformed.items())),
        first=None if figures.first is None else _at(figures.first, zone),
        last=None if figures.last is None else _at(figures.last, zone),
        total=total_of(row.sums for row in traffic),
        traffic=traffic,
        waste={waste.value: _wasted(traffic, waste) for waste in Waste},
        hours=hours,
        details=_details(figures, question, hours) if question.details else None,
    )


def total_of(several: Iterable[Sums]) -> Sums:
    """Return the sum of several sums."""
    total = Sums()
    for sums in several:
        total = total.plus(sums)
    return total


def _at(time: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone)


def _direction(outgoing: bool) -> str:  # noqa: FBT001 - private
    return "out" if outgoing else "in"


def _filters(selection: Selection) -> Filters:
    since, until = (
        None if time is None else datetime.fromtimestamp(time, UTC)
        for time in (selection.since, selection.until)
    )
    return Filters(
        [service.label for service in sorted(selection.services)],
        sorted(selection.domains),
        sorted(selection.statuses),
        since,
        until,
    )


def _wasted(traffic: list[TrafficRow], waste: Waste) -> Volume:
    total = total_of(row.sums for row in traffic if WASTE_OF_STATUS.get(row.status) is waste)
    return Volume(total.messages, total.bytes)


def _hours(quarters: dict[int, Sums], zone: ZoneInfo) -> list[HourRow]:
    """Return the hours with any record, earliest first."""
    hours: dict[int, Sums] = {}
    for quarter, sums in sorted(quarters.items()):
        begin = quarter * QUARTER
        begin -= _at(begin, zone).minute * 60
        hours[begin] = hours.get(begin, Sums()).plus(sums)
    return [HourRow(_at(begin, zone), sums) for begin, sums in hours.items()]


def _details(figures: Figures, question: Question, hours: list[HourRow]) -> Details:
    bounds = (0, *SIZE_BOUNDS, None)
    return Details(
        by=question.by,
        domains=_names(figures.domains, question.top),
        senders=_names(figures.senders, question.top),
        recipients=_names(figures.recipients, question.top),
        largest=[_largest(message, question.zone) for message in figures.largest],
        sizes=[
            SizeRow(least or 0, below, sums)
            for least, below, sums in zip(bounds[:-1], bounds[1:], figures.sizes, strict=True)
        ],
        hours_of_day=[
            HourOfDay(hour, total_of(row.sums for row in hours if row.hour.hour == hour))
            for hour in range(_HOURS)
        ],
        malformed=_malformed(figures),
    )


def _names(ranking: Ranking, top: int | None) -> Names:
    rows = [NameRow(printable(name), sums) for name, sums in ranking.top(top)]
    return Names(None if ranking.may_lack else len(ranking), ranking.may_lack, rows)


def _largest(message: Message, zone: ZoneInfo) -> LargestRow:
    return LargestRow(
        bytes=message.size,
        time=_at(message.time, zone),
        host=message.host,
        service=message.service.label,
        direction=_direction(message.outgoing),
        status=message.status,
        sender=printable(message.sender),
        recipient=printable(message.recipient),
    )


def _malformed(figures: Figures) -> list[MalformedRow]:
    """Return the reasons, most frequent first."""
    rows = []
    for reason, lines in sorted(figures.malformed.items(), key=lambda row: (-row[1], row[0])):
        examples = [
            Example(line.path, line.offset, line.length, printable(line.kept[:_EXAMPLE]))
            for line in figures.examples.get(reason, ())
        ]
        rows.append(MalformedRow(reason, lines, examples))
    return rows
