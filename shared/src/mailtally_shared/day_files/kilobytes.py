"""Bytes as kilobytes of 1024 bytes, in exact decimals, and back.

1/1024 is 0.0009765625, so every whole number of bytes ends within ten decimals
and there are only 1024 fractions: both directions look them up.
"""

import re

import numpy as np

from mailtally_shared.columns import Array
from mailtally_shared.day_files.text_columns import decimals

#: A byte is so many of the last of so many decimals.
DECIMALS = 10
LAST_DECIMAL = 9_765_625

_FRACTIONS = tuple(
    f".{remainder * LAST_DECIMAL:0{DECIMALS}d}".rstrip("0") if remainder else ""
    for remainder in range(1024)
)
_FRACTION_CELLS = np.array(_FRACTIONS, "S")
_REMAINDERS = {fraction: remainder for remainder, fraction in enumerate(_FRACTIONS)}

#: Longest number that is read: 19 digits hold 2^63 - 1, and no writer known
#: prints more than 40 decimals.
NUMBER = r"[0-9]{1,19}(?:\.[0-9]{1,40})?"
_NUMBER = re.compile(NUMBER)


def kilobyte_cells(counts: Array) -> list[Array | bytes]:
    """What ``kilobytes`` gives for a column (int64), as cells for ``lines``: whole and fraction."""
    return [decimals(counts >> 10), _FRACTION_CELLS[counts & 1023]]


def kilobytes(count: int) -> str:
    """``count`` bytes (not negative) as the shortest exact decimal: ``69`` is ``0.0673828125``."""
    return f"{count >> 10}{_FRACTIONS[count & 1023]}"


def bytes_of(text: str) -> int:
    """The bytes that a number of kilobytes stands for.

    Files of other origin may be rounded; what does not end at a whole byte goes
    to the nearest one, a half to the even one.

    Raises:
        ValueError: ``text`` is not a plain decimal number of acceptable length.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a plain decimal number")
    whole, point, decimals = text.partition(".")
    remainder = _REMAINDERS.get(point + decimals)
    if remainder is not None:
        return (int(whole) << 10) + remainder
    return _nearest(int(whole + decimals) << 10, 10 ** len(decimals))


def _nearest(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    above_half = 2 * rest > denominator
    odd_half = 2 * rest == denominator and quotient & 1 == 1
    return quotient + (above_half or odd_half)
