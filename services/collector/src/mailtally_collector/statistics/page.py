"""Statistics for people: the blocks of the page, and where each is. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from mailtally_collector.statistics.grid import Grid, beside, curve, human_size, shortened
from mailtally_collector.statistics.summary import total_of
from mailtally_shared.schema import MAX_SUM
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from mailtally_collector.statistics.summary import (
        Details,
        HourOfDay,
        HourRow,
        Names,
        SizeRow,
        Summary,
        TrafficRow,
        Volume,
    )
    from mailtally_collector.statistics.sums import Sums
    from mailtally_collector.statistics.terminal import Look

    Block = Callable[[Summary, Look], Iterator[str]]

#: From this width on two blocks are next to each other.
_WIDE: Final = 150
_GAP: Final = 4
#: Days that are drawn, the last ones.
_MOST_DAYS: Final = 31
#: Names of files that are shown.
_MOST_FILES: Final = 3
_HOURS: Final = 24


def table(summary: Summary, look: Look) -> Iterator[str]:
    """Yield the lines of the whole page."""
    yield from _head(summary, look)
    shown = _SHORT if summary.total.messages else ()
    details = summary.details
    if details is not None:
        shown += _long(details) if summary.total.messages else _long(details)[-1:]
    for row in shown:
        yield from _row(row, summary, look)


def share(part: int, whole: int) -> str:
    """Format a part in percent; anything above zero is shown as above zero."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return "<0.1 %" if percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004 - as it is spelled


def _row(blocks: tuple[Block, ...], summary: Summary, look: Look) -> Iterator[str]:
    """Yield some blocks, each after an empty line; empty ones are omitted."""
    if look.width < _WIDE or len(blocks) == 1:
        for block in blocks:
            lines = list(block(summary, look))
            yield from ("", *lines) if lines else ()
        return
    half = (look.width - _GAP) // 2
    left, right = (list(block(summary, replace(look, width=half))) for block in blocks)
    yield ""
    yield from beside(left, right, half + _GAP)


def _head(summary: Summary, look: Look) -> Iterator[str]:
    """Yield the block of what was read, its time range and the selection."""
    yield look.bold(_files(summary))
    if summary.first is not None and summary.last is not None:
        times = f"{summary.first:%Y-%m-%d %H:%M:%S} to {summary.last:%Y-%m-%d %H:%M:%S}"
        yield f"{times} {summary.timezone}"
    yield _lines(summary, look)
    chosen = "; ".join(_choices(summary))
    if chosen:
        yield f"Only {chosen}: {look.count(summary.total.messages)} records."
    if not summary.total.messages:
        yield "There is nothing to count in them." if not chosen else "None is of that kind."


def _files(summary: Summary) -> str:
    files = summary.files
    names = ["standard input" if name == "-" else name for name in files[:_MOST_FILES]]
    more = f" and {len(files) - _MOST_FILES:,} more" if len(files) > _MOST_FILES else ""
    return ", ".join(map(printable, names)) + more


def _lines(summary: Summary, look: Look) -> str:
    text = f"{look.count(summary.lines)} lines: {look.count(summary.records)} records"
    malformed = sum(summary.malformed.values())
    if not malformed:
        return f"{text}, none malformed."
    reasons = ", ".join(f"{name} {look.count(n)}" for name, n in summary.malformed.items())
    whole = f"{text}, {look.count(malformed)} malformed ({reasons})."
    is_cut = look.short and len(whole) > look.width
    return f"{text}, {look.count(malformed)} malformed." if is_cut else whole


def _choices(summary: Summary) -> Iterator[str]:
    """Yield the selection, a part at a time; nothing if everything is selected."""
    filters, zone = summary.filters, ZoneInfo(summary.timezone)
    named = {
        "service": filters.services,
        "domain": filters.domains,
        "status": filters.statuses,
    }
    yield from (f"{kind} {', '.join(names)}" for kind, names in named.items() if names)
    for word, moment in (("from", filters.since), ("before", filters.until)):
        if moment is not None:
            yield f"{word} {moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _services(summary: Summary, look: Look) -> Iterator[str]:
    """Messages and bytes by service and direction."""
    yield look.bold("Traffic")
    grid = Grid("<<>>>", ("service", "", "messages", "bytes", "share"))
    sums = _grouped(summary, lambda row: (row.service, row.direction))
    for key, part in sorted(sums.items(), key=lambda item: -item[1].bytes):
        grid.add(*key, *_volume(part, summary, look), drawn=part.bytes)
    grid.foot = ("all", "", *_volume(summary.total, summary, look)[:2], "")
    yield from grid.lines(look)


def _statuses(summary: Summary, look: Look) -> Iterator[str]:
    """Messages and bytes by direction and status."""
    yield look.bold("Status")
    grid = Grid("<<>>>", ("status", "", "messages", "bytes", "share"))
    sums = _grouped(summary, lambda row: (row.direction, row.status))
    for key, part in sorted(sums.items(), key=lambda item: (item[0][0], -item[1].bytes)):
        grid.add(*key[::-1], *_volume(part, summary, look), drawn=part.bytes)
    yield from grid.lines(look)


def _grouped(
    summary: Summary, key: Callable[[TrafficRow], tuple[str, str]]
) -> dict[tuple[str, str], Sums]:
    groups: dict[tuple[str, str], list[Sums]] = {}
    for row in summary.traffic:
        groups.setdefault(key(row), []).append(row.sums)
    return {name: total_of(several) for name, several in groups.items()}


def _waste(summary: Summary, look: Look) -> Iterator[str]:
    yield look.bold("Wasted")
    grid = Grid("<>>>", ("", "messages", "bytes", "share"))
    messages = total = 0
    for kind, volume in summary.waste.items():
        name = kind.replace("-", " ")
        grid.add(name, *_volume(volume, summary, look), drawn=volume.bytes)
        messages, total = messages + volume.messages, min(MAX_SUM, total + volume.bytes)
    shown = look.count(messages), look.size(total), share(total, summary.total.bytes)
    grid.foot = ("all", *shown)
    yield from grid.lines(look)
    if summary.total.again:
        again = look.size(summary.total.again)
        yield f"Besides, {again}{'' if look.short else ' bytes'} were sent again by retries."


def _hours(summary: Summary, look: Look) -> Iterator[str]:
    """For each day a curve of its 24 hours."""
    busiest = max(summary.hours, key=lambda row: row.sums.messages)
    most = busiest.sums.messages
    yield look.bold("Messages by hour")
    days = _days(summary.hours)
    shown = list(days.items())[-_MOST_DAYS:]
    for day, values in shown:
        drawn = look.bright(curve(values, most, unicode=look.unicode))
        yield f"{day:%Y-%m-%d %a}  {drawn}  {look.count(sum(values))}"
    if len(days) > len(shown):
        yield f"{len(days) - len(shown)} earlier days are not drawn."
    yield f"Busiest: {busiest.hour:%Y-%m-%d %H:%M}, {look.count(most)} messages in the hour."
    yield _mean(summary, look)


def _days(hours: list[HourRow]) -> dict[date, list[int]]:
    """Return the messages of each hour of each day, including empty ones."""
    days: dict[date, list[int]] = {}
    for row in hours:
        days.setdefault(row.hour.date(), [0] * _HOURS)[row.hour.hour] += row.sums.messages
    return days


def _mean(summary: Summary, look: Look) -> str:
    assert summary.first and summary.last  # noqa: S101, PT018 - there are hours, so there is a span
    seconds = max(1.0, (summary.last - summary.first).total_seconds())
    rate = round(summary.total.messages * 3600 / max(seconds, 3600.0))
    volume = human_size(round(summary.total.bytes / seconds))
    return f"Mean: {look.count(rate)} messages an hour, {volume} a second."


def _volume(sums: Sums | Volume, summary: Summary, look: Look) -> tuple[str, str, str]:
    part = share(sums.bytes, summary.total.bytes)
    return look.count(sums.messages), look.size(sums.bytes), part


#: The blocks of the short form; those in one row are next to each other where there is room.
_SHORT: Final[tuple[tuple[Block, ...], ...]] = ((_services, _statuses), (_waste, _hours))


def _long(details: Details) -> tuple[tuple[Block, ...], ...]:
    """Return the blocks of the long form, as ``_SHORT`` has those of the short one."""

    def names(title: str, named: Names) -> Block:
        return lambda _, look: _names(title, named, details.by, look)

    def distribution(title: str, rows: Iterable[tuple[str, Sums]]) -> Block:
        return lambda summary, look: _distribution(title, rows, summary, look)

    return (
        (
            names("Domains", details.domains),
            distribution("Sizes", [(_size_class(row), row.sums) for row in details.sizes]),
        ),
        (names("Senders", details.senders), names("Recipients", details.recipients)),
        (lambda _, look: _largest(details, look),),
        (distribution("Hours of the day", map(_hour, details.hours_of_day)),),
        (lambda summary, look: _malformed(details, summary, look),),
    )


def _names(title: str, names: Names, by: str, look: Look) -> Iterator[str]:
    rows = f"the {len(names.rows):,} with most {by} of " if names.rows else ""
    many = "too many to remember" if names.distinct is None else f"{names.distinct:,}"
    yield look.bold(f"{title}: {rows}{many}")
    grid = Grid("~>>>", (title.lower().removesuffix("s"), "messages", "bytes", "wasted"))
    for name, sums in names.rows:
        figures = look.count(sums.messages), look.size(sums.bytes), look.size(sums.wasted)
        grid.add(name or "(empty)", *figures, drawn=getattr(sums, by))
    yield from grid.lines(look)
    if names.may_lack:
        yield f"Each may lack up to {look.count(names.may_lack)} {by}: not all were kept."


def _distribution(
    title: str, rows: Iterable[tuple[str, Sums]], summary: Summary, look: Look
) -> Iterator[str]:
    yield look.bold(title)
    grid = Grid("<>>>", ("", "messages", "share", "bytes"))
    for name, sums in rows:
        part = share(sums.messages, summary.total.messages)
        figures = look.count(sums.messages), part, look.size(sums.bytes)
        grid.add(name, *figures, drawn=sums.messages)
    yield from grid.lines(look)


def _hour(row: HourOfDay) -> tuple[str, Sums]:
    return f"{row.hour:02}:00", row.sums


def _size_class(row: SizeRow) -> str:
    least = human_size(row.least).replace(".0 ", " ")
    if row.below is None:
        return f"from {least}"
    below = human_size(row.below).replace(".0 ", " ")
    return f"{least} to {below}" if row.least else f"below {below}"


def _largest(details: Details, look: Look) -> Iterator[str]:
    if not details.largest:
        return
    yield look.bold("Largest messages")
    grid = Grid("><~~<", ("bytes", "time", "sender", "recipient", "status"))
    for row in details.largest:
        addresses = row.sender or "(empty)", row.recipient or "(empty)"
        grid.add(look.size(row.bytes), f"{row.time:%m-%d %H:%M:%S}", *addresses, row.status)
    yield from grid.lines(look)


def _malformed(details: Details, summary: Summary, look: Look) -> Iterator[str]:
    """Yield the first lines of each reason, as they are in the log."""
    if details.malformed:
        yield look.bold("Malformed lines, of all that was read")
    for row in details.malformed:
        yield f"{row.reason}: {look.count(row.lines)}"
        for example in row.examples:
            file = "" if len(summary.files) == 1 else f"{printable(example.file)}, "
            line = f"  {file}byte {example.offset}: {example.line or '(empty)'}"
            yield look.dim(shortened(line, look.width, look.ellipsis) if look.short else line)
