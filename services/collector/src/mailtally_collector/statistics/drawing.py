"""Bars and the curve of a day, drawn with characters. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = "·▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS: Final = " .:-=+*%#"
_STEPS: Final = 8


def bar(value: int, most: int, width: int, *, unicode: bool) -> str:
    """A bar of at most ``width`` columns; a value that is not nothing is seen."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(_STEPS * width * value / most))
    if not unicode:
        return "#" * max(1, round(eighths / _STEPS))
    whole, rest = divmod(eighths, _STEPS)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def curve(values: Iterable[int], most: int, *, unicode: bool) -> str:
    """A column for each value, as high as it is beside ``most``; nothing is a mere dot."""
    heights = _HEIGHTS if unicode else _ASCII_HEIGHTS
    return "".join(heights[_height(value, most)] for value in values)


def _height(value: int, most: int) -> int:
    return max(1, round(_STEPS * value / most)) if value > 0 and most > 0 else 0
