"""Numbers, sizes and choices in words: short for people, exact for programs. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.statistics.look import Look
    from mailtally_collector.statistics.summary import Question, SizeRow

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP: Final = 1024
#: From here on a size is rounded to 1024 of its unit.
_ROUNDS_UP: Final = 1023.95


def count(number: int, look: Look) -> str:
    """A number of things."""
    return f"{number:,}" if look.short else str(number)


def size(number: int, look: Look) -> str:
    """A number of bytes."""
    return human_size(number) if look.short else str(number)


def human_size(number: int) -> str:
    """Bytes in the unit that suits them, 1024 of one in the next: ``1.5 KiB``."""
    if number < _STEP:
        return f"{number} B"
    power, rest = 0, float(number)
    while rest >= _ROUNDS_UP and power < len(_UNITS) - 1:
        power, rest = power + 1, rest / _STEP
    return f"{rest:,.1f} {_UNITS[power]}"


def share(part: int, whole: int) -> str:
    """A part in percent; what is not nothing is not called so."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return "<0.1 %" if percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004 - as it is spelled


def size_class(row: SizeRow) -> str:
    """The name of a size class."""
    least = human_size(row.least).replace(".0 ", " ")
    if row.below is None:
        return f"from {least}"
    below = human_size(row.below).replace(".0 ", " ")
    return f"{least} to {below}" if row.least else f"below {below}"


def choices(question: Question) -> Iterator[str]:
    """What was asked for, a part at a time; nothing where all was."""
    selection = question.selection
    if selection.services:
        yield "service " + ", ".join(service.label for service in sorted(selection.services))
    if selection.domains:
        yield "domain " + ", ".join(sorted(selection.domains))
    if selection.statuses:
        yield "status " + ", ".join(sorted(selection.statuses))
    if selection.since is not None:
        yield f"from {_moment(selection.since, question)}"
    if selection.until is not None:
        yield f"before {_moment(selection.until, question)}"


def _moment(time: int, question: Question) -> str:
    return f"{datetime.fromtimestamp(time, UTC).astimezone(question.zone):%Y-%m-%d %H:%M:%S}"
