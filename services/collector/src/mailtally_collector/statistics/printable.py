"""The room that printable text takes on a terminal. Pure."""

from __future__ import annotations

import unicodedata


def cells_of(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def shortened(text: str, width: int, ellipsis: str) -> str:
    """The text in at most ``width`` columns; what is cut out of its middle leaves a mark."""
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
