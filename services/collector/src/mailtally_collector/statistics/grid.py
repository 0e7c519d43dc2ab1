"""Rows of cells as lines of equal columns, bars, curves, and sizes as words. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.statistics.terminal import Look

_GAP: Final = "  "
#: Columns of a bar: fewer say nothing, more say nothing more.
_LEAST_BAR, _MOST_BAR = 6, 40
#: A name is not cut shorter than this.
_LEAST_NAME: Final = 8
_COLOURS: Final = re.compile(r"\x1b\[\d+m")
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = "·▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS: Final = " .:-=+*%#"
_STEPS: Final = 8
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP: Final = 1024
#: From here on a size is rounded to 1024 of its unit.
_ROUNDS_UP: Final = 1023.95


@dataclass(slots=True)
class Grid:
    """A table under construction.

    ``sides`` has a letter a column: ``<`` and ``>`` align; ``~`` is aligned left and gives way
    where there is no room. ``bars`` has what is drawn behind each row.
    """

    sides: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)
    foot: tuple[str, ...] | None = None

    def add(self, *cells: str, drawn: int = 0) -> None:
        """One row more."""
        self.rows.append(cells)
        self.bars.append(drawn)

    def lines(self, look: Look) -> Iterator[str]:
        """Return the table as lines of at most ``look.width`` columns, if names may be cut."""
        widths = self._widths(look)
        room = look.width - sum(widths) - len(_GAP) * len(widths)
        most = max(self.bars, default=0)
        yield look.dim(self._line(self.head, widths, look))
        for cells, drawn in zip(self.rows, self.bars, strict=True):
            line = self._line(cells, widths, look)
            if room >= _LEAST_BAR and drawn:
                shown = bar(drawn, most, min(room, _MOST_BAR), unicode=look.unicode)
                pad = " " * (sum(widths) + len(_GAP) * (len(widths) - 1) - cells_of(line))
                line += pad + _GAP + look.bright(shown)
            yield line
        if self.foot is not None:
            yield look.bold(self._line(self.foot, widths, look))

    def _widths(self, look: Look) -> list[int]:
        rows = [self.head, *self.rows, *([self.foot] if self.foot else [])]
        widths = [max(map(cells_of, column)) for column in zip(*rows, strict=True)]
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - look.width
        while look.short and over > 0:
            place = self._widest(widths)
            if place is None:
                break
            widths[place] -= 1
            over -= 1
        return widths

    def _widest(self, widths: list[int]) -> int | None:
        """Return the widest of the columns that may still be narrowed."""
        able = [k for k, side in enumerate(self.sides) if side == "~" and widths[k] > _LEAST_NAME]
        return max(able, key=lambda k: widths[k], default=None)

    def _line(self, cells: tuple[str, ...], widths: list[int], look: Look) -> str:
        parts = []
        for cell, width, side in zip(cells, widths, self.sides, strict=True):
            text = shortened(cell, width, look.ellipsis)
            pad = " " * (width - cells_of(text))
            parts.append(pad + text if side == ">" else text + pad)
        return _GAP.join(parts).rstrip()


def beside(left: list[str], right: list[str], width: int) -> Iterator[str]:
    """Two blocks next to each other, the right one from column ``width`` on."""
    for one, other in zip_longest(left, right, fillvalue=""):
        pad = " " * (width - cells_of(_COLOURS.sub("", one)))
        yield f"{one}{pad}{other}" if other else one


def cells_of(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def shortened(text: str, width: int, ellipsis: str) -> str:
    """Return the text in at most ``width`` columns; a mark replaces what is cut from its middle."""
    if cells_of(text) <= width:
        return text
    if width <= len(ellipsis):
        return ellipsis[:width]
    left = _taken(text, (width - len(ellipsis)) // 2)
    right = _taken(text[::-1], width - len(ellipsis) - cells_of(left))
    return left + ellipsis + right[::-1]


def _taken(text: str, width: int) -> str:
    """As many first characters as fit."""
    used = 0
    for count, character in enumerate(text):
        used += _cells(character)
        if used > width:
            return text[:count]
    return text


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def bar(value: int, most: int, width: int, *, unicode: bool) -> str:
    """Return a bar of at most ``width`` columns; any value above zero is visible."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(_STEPS * width * value / most))
    if not unicode:
        return "#" * max(1, round(eighths / _STEPS))
    whole, rest = divmod(eighths, _STEPS)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def curve(values: Iterable[int], most: int, *, unicode: bool) -> str:
    """Return a column for each value, relative to ``most``; zero is a dot."""
    heights = _HEIGHTS if unicode else _ASCII_HEIGHTS
    return "".join(heights[_height(value, most)] for value in values)


def _height(value: int, most: int) -> int:
    return max(1, round(_STEPS * value / most)) if value > 0 and most > 0 else 0


def human_size(number: int) -> str:
    """Bytes in the unit that suits them, 1024 of one in the next: ``1.5 KiB``."""
    if number < _STEP:
        return f"{number} B"
    power, rest = 0, float(number)
    while rest >= _ROUNDS_UP and power < len(_UNITS) - 1:
        power, rest = power + 1, rest / _STEP
    return f"{rest:,.1f} {_UNITS[power]}"
