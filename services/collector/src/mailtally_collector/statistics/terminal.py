"""What the output can show, how it spells numbers, and how far reading has come."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from mailtally_collector.statistics.grid import bar, human_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Columns where their number is unknown.
DEFAULT_WIDTH: Final = 80
#: What is drawn with where the encoding has it.
DRAWN: Final = "▏▎▍▌▋▊▉█▁▂▃▄▅▆▇…·"
#: Seconds: what takes less needs no bar, and none is read faster.
_PATIENCE: Final = 0.5
_PERIOD: Final = 0.1
_BAR: Final = 30


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

    def count(self, number: int) -> str:
        """Format a count."""
        return f"{number:,}" if self.short else str(number)

    def size(self, number: int) -> str:
        """Format a number of bytes."""
        return human_size(number) if self.short else str(number)

    def bold(self, text: str) -> str:
        """Return the style of a title or a total."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour and text else text

    def dim(self, text: str) -> str:
        """Return the style of secondary text."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour and text else text

    def bright(self, text: str) -> str:
        """Return the style of drawings."""
        return f"\x1b[36m{text}\x1b[0m" if self.colour and text.strip() else text


def look_of(stream: TextIO, environment: Mapping[str, str]) -> Look:
    """Return what a stream can show; ``NO_COLOR`` and ``COLUMNS`` are respected."""
    is_terminal = stream.isatty()
    plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    return Look(
        width=_width(stream, environment, is_terminal=is_terminal),
        short=is_terminal,
        colour=is_terminal and not plain,
        unicode=_has_unicode(stream),
    )


def _width(stream: TextIO, environment: Mapping[str, str], *, is_terminal: bool) -> int:
    columns = environment.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
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


class ProgressBar:
    """Use it as a callback.

    Args:
        stream: where it is drawn, if that is a terminal.
        environment: of the process.
        total: bytes there are to read; ``None`` if unknown.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        stream: TextIO,
        environment: Mapping[str, str],
        total: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._stream = stream
        self._look = look_of(stream, environment)
        self._total = total
        self._clock = clock
        self._began = clock()
        self._next = self._began + _PATIENCE
        self._drawn = False

    def tell(self, done: int) -> None:
        """Show that this number of bytes is read."""
        now = self._clock()
        if self._look.short and now >= self._next:
            self._next = now + _PERIOD
            self._drawn = True
            line = self._line(done, now - self._began)
            self._stream.write(f"\r{line[: self._look.width - 1]}\x1b[K")
            self._stream.flush()

    def clear(self) -> None:
        """Leave no trace."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _line(self, done: int, seconds: float) -> str:
        rate = f"{human_size(round(done / seconds))}/s"
        if self._total is None:
            return f"{human_size(done)} read, {rate}"
        done = min(done, self._total)
        drawn = bar(done, self._total, _BAR, unicode=self._look.unicode).ljust(_BAR)
        left = seconds * (self._total - done) / done if done else 0
        whole = f"{done / self._total:4.0%}" if self._total else "100%"
        return f"{whole} {drawn} {human_size(done)}, {rate}, {left:,.0f} s left"
