"""The formats there are, by name, and which of them a log has.

A new format is a module with a class like those below, a line in ``FORMATS``, and a section of
``docs/formats.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.parse.format import Setting
from mailtally_collector.parse.maillog.format import MaillogFormat
from mailtally_collector.parse.stats_format import StatsFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_collector.parse.format import Format

FORMATS: Final[Mapping[str, type[Format]]] = {
    "stats": StatsFormat,
    "maillog": MaillogFormat,
}
#: What a log is read as while nothing in it tells.
DEFAULT: Final = "stats"

_FIRST_LINES: Final = 65_536  # bytes


def made(setting: Setting) -> dict[str, Format]:
    """Each format, by name."""
    return {name: make(setting) for name, make in FORMATS.items()}


def warm_all() -> None:
    """Compile what each format needs, or find it compiled."""
    for format_ in made(Setting()).values():
        format_.warm()


def recognised(chunk: bytes | memoryview, formats: Mapping[str, Format]) -> str | None:
    """The name of the format of which a line comes first in the chunk; ``None`` if none does."""
    for lines in (bytes(chunk[:_FIRST_LINES]), bytes(chunk)):  # mostly the first ones tell
        places = {name: found.first_line(lines) for name, found in formats.items()}
        certain = {name: place for name, place in places.items() if place is not None}
        if certain:
            return min(certain, key=certain.__getitem__)
    return None
