"""Rows of cells as lines of equal columns, with bars behind them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.drawing import bar
from mailtally_collector.statistics.printable import cells_of, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.statistics.look import Look

_GAP: Final = "  "
#: Columns of a bar: fewer say nothing, more say nothing more.
_LEAST_BAR, _MOST_BAR = 6, 40
#: A name is not cut shorter than this.
_LEAST_NAME: Final = 8
_COLOURS: Final = re.compile(r"\x1b\[\d+m")


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
        """The table as lines of at most ``look.width`` columns, if names are to be cut."""
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
        """The widest of the columns that may give way still."""
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
