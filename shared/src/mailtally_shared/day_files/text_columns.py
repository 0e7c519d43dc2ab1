"""Lines of text made of whole columns at once, with no step of Python for each line.

Every cell is padded with NUL to its column's width; the padding is dropped in one go.
Text that holds NUL itself can therefore not be written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

_GROUP = 10_000  # numbers are spelled four digits at a time
_PADDED = np.array([f"{number:04d}" for number in range(_GROUP)], "S4").view(np.uint32)
_BARE = np.array([f"{number}".rjust(4, "\0") for number in range(_GROUP)], "S4").view(np.uint32)
#: A group's digits at its value; at its value and ``_GROUP``, where digits stand before it.
_DIGITS = np.concatenate([_BARE, _PADDED])
#: Likewise of a group that is not the number's last: it has no digit where it is zero.
_FIRST_DIGITS = np.concatenate([np.zeros(1, np.uint32), _DIGITS[1:]])


def decimals(values: Array) -> Array:
    """Numbers as decimals.

    Args:
        values: int64, shape ``(n,)``, none negative.

    Returns:
        bytes of a fixed width, shape ``(n,)``; NUL stands for leading zeros.
    """
    width = len(str(values.max(initial=0)))
    groups = -(-width // 4)
    spelled = np.empty((len(values), groups), np.uint32)
    rest, digits = values, _DIGITS
    for group in range(groups - 1, 0, -1):
        before = rest // _GROUP
        spelled[:, group] = digits[rest - before * _GROUP + (before > 0) * _GROUP]
        rest, digits = before, _FIRST_DIGITS
    spelled[:, 0] = digits[rest]
    found: Array = spelled.view("S1")[:, -width:].view(f"S{width}")[:, 0]
    return found


def padded(cells: list[Array | bytes]) -> Array:
    """The text of ``n`` lines, with its padding.

    Args:
        cells: what stands in each line, one after another: a column of bytes of
            shape ``(n,)``, at least one of them, or the same bytes in every line.

    Returns:
        uint8.
    """
    count = next(len(cell) for cell in cells if isinstance(cell, np.ndarray))
    table: Any = np.empty(count, [(f"{place}", _type(cell)) for place, cell in enumerate(cells)])
    for place, cell in enumerate(cells):
        table[f"{place}"] = cell
    text: Array = table.view(np.uint8)
    return text


def bare(text: Array) -> bytes:
    """A text without its padding; other threads go on meanwhile."""
    return bytes(text[text != 0].data)


def lines(cells: list[Array | bytes]) -> bytes:
    """The text of ``n`` lines of such cells."""
    return bare(padded(cells))


def _type(cell: Array | bytes) -> str:
    return f"S{cell.itemsize if isinstance(cell, np.ndarray) else len(cell)}"
