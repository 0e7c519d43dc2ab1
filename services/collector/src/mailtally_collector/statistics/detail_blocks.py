"""The blocks of the long form: names, largest messages, distributions, malformed lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.statistics.grid import Grid
from mailtally_collector.statistics.printable import shortened
from mailtally_collector.statistics.summary import at
from mailtally_collector.statistics.wording import count, share, size, size_class
from mailtally_shared.shown import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.statistics.look import Look
    from mailtally_collector.statistics.summary import Details, Names, Summary


def domains(summary: Summary, look: Look) -> Iterator[str]:
    """The domains that are charged."""
    yield from _names("Domains", "domain", _details(summary).domains, summary, look)


def senders(summary: Summary, look: Look) -> Iterator[str]:
    """Who sends."""
    yield from _names("Senders", "sender", _details(summary).senders, summary, look)


def recipients(summary: Summary, look: Look) -> Iterator[str]:
    """Who receives."""
    yield from _names("Recipients", "recipient", _details(summary).recipients, summary, look)


def largest(summary: Summary, look: Look) -> Iterator[str]:
    """The largest messages, with all that the log tells of them."""
    messages = _details(summary).largest
    if not messages:
        return
    yield look.bold("Largest messages")
    grid = Grid("><~~<", ("bytes", "time", "sender", "recipient", "status"))
    for message in messages:
        grid.add(
            size(message.size, look),
            f"{at(message.time, summary.question.zone):%m-%d %H:%M:%S}",
            _address(message.sender),
            _address(message.recipient),
            message.status,
        )
    yield from grid.lines(look)


def sizes(summary: Summary, look: Look) -> Iterator[str]:
    """How large messages are."""
    yield look.bold("Sizes")
    grid = Grid("<>>>", ("", "messages", "share", "bytes"))
    for row in _details(summary).sizes:
        grid.add(
            size_class(row),
            count(row.sums.messages, look),
            share(row.sums.messages, summary.total.messages),
            size(row.sums.bytes, look),
            drawn=row.sums.messages,
        )
    yield from grid.lines(look)


def hours_of_day(summary: Summary, look: Look) -> Iterator[str]:
    """When in the day messages come."""
    yield look.bold("Hours of the day")
    grid = Grid("<>>>", ("", "messages", "share", "bytes"))
    for hour, sums in enumerate(_details(summary).hours_of_day):
        grid.add(
            f"{hour:02}:00",
            count(sums.messages, look),
            share(sums.messages, summary.total.messages),
            size(sums.bytes, look),
            drawn=sums.messages,
        )
    yield from grid.lines(look)


def malformed(summary: Summary, look: Look) -> Iterator[str]:
    """The first lines of each reason, as they stand in the log."""
    rows = _details(summary).malformed
    is_one_file = len(summary.question.files) == 1
    if rows:
        yield look.bold("Malformed lines, of all that was read")
    for row in rows:
        yield f"{row.reason}: {count(row.lines, look)}"
        for example in row.examples:
            place = (
                f"byte {example.offset}"
                if is_one_file
                else f"{example.file}, byte {example.offset}"
            )
            line = f"  {printable(place)}: {example.line or '(empty)'}"
            yield look.dim(shortened(line, look.width, look.ellipsis) if look.short else line)


def _names(title: str, head: str, names: Names, summary: Summary, look: Look) -> Iterator[str]:
    by = summary.question.by
    rows = f"the {len(names.rows):,} with most {by} of " if names.rows else ""
    many = "too many to remember" if names.distinct is None else f"{names.distinct:,}"
    yield look.bold(f"{title}: {rows}{many}")
    grid = Grid("~>>>", (head, "messages", "bytes", "wasted"))
    for name, sums in names.rows:
        grid.add(
            name or "(empty)",
            count(sums.messages, look),
            size(sums.bytes, look),
            size(sums.wasted, look),
            drawn=getattr(sums, by),
        )
    yield from grid.lines(look)
    if names.may_lack:
        yield f"Each may lack up to {count(names.may_lack, look)} {by}: not all were kept."


def _address(address: bytes) -> str:
    return printable(address) or "(empty)"


def _details(summary: Summary) -> Details:
    assert summary.details is not None  # noqa: S101 - these blocks are of the long form
    return summary.details
