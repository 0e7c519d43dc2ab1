"""The formats by name, and the detection of a log's format.

To add a format, write a module with a class like those below, a line in ``FORMATS``, and a section
in ``docs/reference/formats.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.maillog.format import MaillogFormat
from mailtally_collector.formats.stats.format import StatsFormat
from mailtally_collector.formats.syslog.format import SyslogFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_collector.formats.engine.log_format import Format, Setting

FORMATS: Final[Mapping[str, type[Format]]] = {
    "stats": StatsFormat,
    "maillog": MaillogFormat,
    "syslog": SyslogFormat,
}
#: The format of a log until one is detected.
DEFAULT: Final = "stats"

_FIRST_LINES: Final = 65_536  # bytes


def made(setting: Setting) -> dict[str, Format]:
    """Return an instance of each format, by name."""
    return {name: make(setting) for name, make in FORMATS.items()}


def recognised(chunk: bytes | memoryview, formats: Mapping[str, Format]) -> str | None:
    """Return the name of the format whose line comes first in the chunk, or ``None``."""
    for lines in (bytes(chunk[:_FIRST_LINES]), bytes(chunk)):  # the first ones usually suffice
        places = {name: found.first_line(lines) for name, found in formats.items()}
        certain = {name: place for name, place in places.items() if place is not None}
        if certain:
            return min(certain, key=certain.__getitem__)
    return None
