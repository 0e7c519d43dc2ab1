"""Finding, comparing and reading bytes of a line: the words that the grammar is written in.

A range is ``start`` and ``end``, exclusive, as everywhere in Python; "not there" is -1. Where no
end is given, the line feed ends it.
"""

from __future__ import annotations

import string
from typing import Final

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled, signed

NUL: Final = 0
LINE_FEED: Final = ord("\n")
RETURN: Final = ord("\r")
SPACE: Final = ord(" ")
ZERO: Final = ord("0")
NINE: Final = ord("9")
AT: Final = ord("@")
PIPE: Final = ord("|")

LETTERS_AND_DIGITS: Final = (string.ascii_letters + string.digits).encode()


def spelled(text: bytes) -> Bytes:
    """A constant of the grammar, in the form the kernel compares with."""
    return np.frombuffer(text, np.uint8)


def one_of(allowed: bytes) -> Bytes:
    """A table over all bytes: 1 where one is allowed, else 0."""
    table = np.zeros(256, np.uint8)
    table[list(allowed)] = 1
    return table


@compiled
def byte_at(data: Bytes, i: int) -> int:
    """The byte at ``i`` >= 0. An unsigned index spares asking whether it counts from the end."""
    return signed(data[np.uintp(i)])


@compiled
def find(data: Bytes, byte: int, start: int, end: int) -> int:
    """Where ``byte`` is first."""
    for i in range(start, end):
        if byte_at(data, i) == byte:
            return i
    return -1


@compiled
def has(data: Bytes, start: int, word: Bytes) -> bool:
    """Whether ``word``, which has no ``|``, stands at ``start``."""
    for k in range(len(word)):  # noqa: SIM110 - numba has no generators
        if byte_at(data, start + k) != byte_at(word, k):
            return False
    return True


@compiled
def is_line_end(data: Bytes, i: int) -> bool:
    r"""Whether the line ends at ``i``, with ``\n`` or ``\r\n``."""
    byte = byte_at(data, i)
    return byte == LINE_FEED or (byte == RETURN and byte_at(data, i + 1) == LINE_FEED)


@compiled
def is_digit(byte: int) -> bool:
    """Whether it is an ASCII digit."""
    return ZERO <= byte <= NINE


@compiled
def after_digits(data: Bytes, start: int) -> int:
    """Where the digits that begin at ``start`` end."""
    i = start
    while is_digit(byte_at(data, i)):
        i += 1
    return i


@compiled
def all_digits(data: Bytes, start: int, end: int) -> bool:
    """Whether the range holds digits, one at least, and nothing else. None is behind it."""
    return start < end and after_digits(data, start) == end


@compiled
def number(data: Bytes, start: int, end: int, most: int) -> int:
    """The decimal number that fills the range; -1 where it is none or larger than ``most``.

    ``most`` is below 2^59, so that nothing overflows on the way.
    """
    value = 0
    for i in range(start, end):
        byte = byte_at(data, i)
        value = value * 10 + byte - ZERO
        if not is_digit(byte) or value > most:
            return -1
    return value if start < end else -1
