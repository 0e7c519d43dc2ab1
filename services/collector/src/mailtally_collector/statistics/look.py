"""What the output can show: its width, whether it has colours and more than ASCII."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Columns where nobody says how many there are.
DEFAULT_WIDTH: Final = 80
#: What is drawn with where the encoding has it.
DRAWN: Final = "▏▎▍▌▋▊▉█▁▂▃▄▅▆▇…·"


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is to look.

    ``short``: for a person at a terminal, so numbers are short and names are cut to fit. Without
    it all is exact and whole, for the next program of a pipe.
    """

    width: int = DEFAULT_WIDTH
    short: bool = False
    colour: bool = False
    unicode: bool = True

    @property
    def ellipsis(self) -> str:
        """The mark for what was left out."""
        return "…" if self.unicode else "..."

    def bold(self, text: str) -> str:
        """A title, or a total."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour and text else text

    def dim(self, text: str) -> str:
        """What is only there to be looked up."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour and text else text

    def bright(self, text: str) -> str:
        """What is drawn."""
        return f"\x1b[36m{text}\x1b[0m" if self.colour and text.strip() else text


def look_of(stream: TextIO, environment: Mapping[str, str]) -> Look:
    """What a stream can show; ``NO_COLOR`` and ``COLUMNS`` are heeded as everywhere."""
    is_terminal = stream.isatty()
    plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    return Look(
        width=_width(stream, environment, is_terminal=is_terminal),
        short=is_terminal,
        colour=is_terminal and not plain,
        unicode=_has_unicode(stream),
    )


def _width(stream: TextIO, environment: Mapping[str, str], *, is_terminal: bool) -> int:
    told = environment.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    if not is_terminal:
        return DEFAULT_WIDTH
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except OSError:
        return DEFAULT_WIDTH


def _has_unicode(stream: TextIO) -> bool:
    try:
        DRAWN.encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
