"""The blocks of the short form: head, services, statuses, waste, hours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.drawing import curve
from mailtally_collector.statistics.grid import Grid
from mailtally_collector.statistics.summary import total_of
from mailtally_collector.statistics.wording import choices, count, human_size, share, size
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mailtally_collector.statistics.look import Look
    from mailtally_collector.statistics.measures import Sums
    from mailtally_collector.statistics.summary import HourRow, Summary

#: Days that are drawn, the last ones.
_MOST_DAYS: Final = 31
#: Names of files that are told.
_MOST_FILES: Final = 3
_HOURS: Final = 24


def head(summary: Summary, look: Look) -> Iterator[str]:
    """What was read, and of when it is."""
    yield look.bold(_files(summary))
    if summary.span is not None:
        first, last = summary.span
        yield f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} {summary.question.zone.key}"
    yield _lines(summary, look)
    chosen = "; ".join(choices(summary.question))
    if chosen:
        yield f"Only {chosen}: {count(summary.total.messages, look)} records."
    if not summary.total.messages:
        yield "There is nothing to count in them." if not chosen else "None is of that kind."


def services(summary: Summary, look: Look) -> Iterator[str]:
    """Messages and bytes by service and direction."""
    yield look.bold("Traffic")
    grid = Grid("<<>>>", ("service", "", "messages", "bytes", "share"))
    sums: dict[tuple[str, str], Sums] = {}
    for row in summary.traffic:
        key = (row.service, row.direction)
        sums[key] = row.sums.plus(sums[key]) if key in sums else row.sums
    for key, part in sorted(sums.items(), key=lambda item: -item[1].bytes):
        grid.add(*key, *_figures(part, summary, look), drawn=part.bytes)
    grid.foot = ("all", "", *_figures(summary.total, summary, look)[:2], "")
    yield from grid.lines(look)


def statuses(summary: Summary, look: Look) -> Iterator[str]:
    """Messages and bytes by direction and status."""
    yield look.bold("Status")
    grid = Grid("<<>>>", ("status", "", "messages", "bytes", "share"))
    sums: dict[tuple[str, str], Sums] = {}
    for row in summary.traffic:
        key = (row.direction, row.status)
        sums[key] = row.sums.plus(sums[key]) if key in sums else row.sums
    for (direction, status), part in sorted(
        sums.items(), key=lambda item: (item[0][0], -item[1].bytes)
    ):
        grid.add(status, direction, *_figures(part, summary, look), drawn=part.bytes)
    yield from grid.lines(look)


def waste(summary: Summary, look: Look) -> Iterator[str]:
    """What came through the wire for nothing."""
    yield look.bold("Wasted")
    grid = Grid("<>>>", ("", "messages", "bytes", "share"))
    for kind, sums in summary.waste.items():
        name = kind.value.replace("-", " ")
        grid.add(name, *_figures(sums, summary, look), drawn=sums.bytes)
    grid.foot = ("all", *_figures(total_of(summary.waste.values()), summary, look))
    yield from grid.lines(look)
    if summary.total.again:
        again = size(summary.total.again, look)
        yield f"Besides, {again}{'' if look.short else ' bytes'} were sent again by retries."


def hours(summary: Summary, look: Look) -> Iterator[str]:
    """The rate: of each day a curve of its 24 hours."""
    busiest = max(summary.hours, key=lambda row: row.sums.messages)
    most = busiest.sums.messages
    yield look.bold("Messages by hour")
    days = _days(summary.hours)
    shown = list(days.items())[-_MOST_DAYS:]
    for day, values in shown:
        drawn = look.bright(curve(values, most, unicode=look.unicode))
        yield f"{day:%Y-%m-%d %a}  {drawn}  {count(sum(values), look)}"
    if len(days) > len(shown):
        yield f"{len(days) - len(shown)} earlier days are not drawn."
    yield f"Busiest: {busiest.start:%Y-%m-%d %H:%M}, {count(most, look)} messages in the hour."
    yield _mean(summary, look)


def _files(summary: Summary) -> str:
    files = summary.question.files
    names = ["standard input" if name == "-" else name for name in files[:_MOST_FILES]]
    more = f" and {len(files) - _MOST_FILES:,} more" if len(files) > _MOST_FILES else ""
    return ", ".join(map(printable, names)) + more


def _lines(summary: Summary, look: Look) -> str:
    text = f"{count(summary.lines, look)} lines: {count(summary.records, look)} records"
    malformed = sum(summary.malformed.values())
    if not malformed:
        return f"{text}, none malformed."
    reasons = ", ".join(f"{name} {count(n, look)}" for name, n in summary.malformed.items())
    whole = f"{text}, {count(malformed, look)} malformed ({reasons})."
    if look.short and len(whole) > look.width:
        return f"{text}, {count(malformed, look)} malformed."
    return whole


def _figures(sums: Sums, summary: Summary, look: Look) -> tuple[str, str, str]:
    return (
        count(sums.messages, look),
        size(sums.bytes, look),
        share(sums.bytes, summary.total.bytes),
    )


def _days(hours: list[HourRow]) -> dict[date, list[int]]:
    """The messages of each hour of each day, those with none as well."""
    days: dict[date, list[int]] = {}
    for row in hours:
        days.setdefault(row.start.date(), [0] * _HOURS)[row.start.hour] += row.sums.messages
    return days


def _mean(summary: Summary, look: Look) -> str:
    assert summary.span is not None  # noqa: S101 - there are hours, so there is a span
    seconds = max(1.0, (summary.span[1] - summary.span[0]).total_seconds())
    rate = round(summary.total.messages * 3600 / max(seconds, 3600.0))
    volume = human_size(round(summary.total.bytes / seconds))
    return f"Mean: {count(rate, look)} messages an hour, {volume} a second."
