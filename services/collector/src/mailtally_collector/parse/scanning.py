"""Finding, comparing and reading bytes of a line: the words the grammar is written in.

A range is ``start`` and ``end``, exclusive, as everywhere in Python; "not there" is -1.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mailtally_collector.parse.machine import Bytes, compiled

LINE_FEED: Final = ord("\n")
RETURN: Final = ord("\r")
SPACE: Final = ord(" ")
ZERO: Final = ord("0")
AT: Final = ord("@")
PIPE: Final = ord("|")


def spelled(text: bytes) -> Bytes:
    """A constant of the grammar, in the form the kernel compares with."""
    return np.frombuffer(text, np.uint8)


@compiled
def byte_at(data: Bytes, i: int) -> int:
    """The byte at ``i`` >= 0. An unsigned index spares asking whether it counts from the end."""
    return np.int64(data[np.uintp(i)])


@compiled
def find(data: Bytes, byte: int, start: int, end: int) -> int:
    """Where ``byte`` is first."""
    for i in range(start, end):
        if byte_at(data, i) == byte:
            return i
    return -1


@compiled
def find_last(data: Bytes, byte: int, start: int, end: int) -> int:
    """Where ``byte`` is last."""
    for i in range(end - 1, start - 1, -1):
        if byte_at(data, i) == byte:
            return i
    return -1


@compiled
def has(data: Bytes, start: int, end: int, word: Bytes) -> bool:
    """Whether the range begins with ``word``."""
    if end - start < len(word):
        return False
    for k in range(len(word)):
        if byte_at(data, start + k) != byte_at(word, k):
            return False
    return True


@compiled
def same(data: Bytes, start: int, end: int, other: int, other_end: int) -> bool:
    """Whether two ranges hold the same bytes."""
    if end - start != other_end - other:
        return False
    for k in range(end - start):
        if byte_at(data, start + k) != byte_at(data, other + k):
            return False
    return True


@compiled
def after_digits(data: Bytes, start: int, end: int) -> int:
    """Where the digits that begin at ``start`` end."""
    i = start
    while i < end and 0 <= byte_at(data, i) - ZERO <= 9:  # noqa: PLR2004 - a digit is 0 … 9
        i += 1
    return i


@compiled
def all_digits(data: Bytes, start: int, end: int) -> bool:
    """Whether the range holds digits, one at least, and nothing else."""
    return start < end and after_digits(data, start, end) == end


@compiled
def number(data: Bytes, start: int, end: int, most: int) -> int:
    """The decimal number that fills the range; -1 where it is none or larger than ``most``.

    ``most`` is below 2^59, so that nothing overflows on the way.
    """
    value = 0
    for i in range(start, end):
        digit = byte_at(data, i) - ZERO
        value = value * 10 + digit
        if not 0 <= digit <= 9 or value > most:  # noqa: PLR2004 - as above
            return -1
    return value if start < end else -1
