"""Eight bytes at a time: a chunk seen as the word that begins at each of its bytes.

The first byte of a word is its lowest: machines are taken to be little-endian, as all are that
numba compiles for.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mailtally_collector.parse.machine import Bytes, compiled, signed

Words = NDArray[np.uint64]

#: Bytes in a word.
WORD: Final = 8

_ONE: Final = np.uint64(1)
_LOW_BITS: Final = np.uint64(0x7F7F_7F7F_7F7F_7F7F)
_TOP_BIT: Final = np.uint64(7)
_COUNTING: Final = np.uint64(0x0001_0203_0405_0607)
_TOP_BYTE: Final = np.uint64(56)


def words_of(data: Bytes) -> Words:
    """The words of a chunk; they overlap and are no copy. Shape ``(len(data) - 7,)``."""
    return np.ndarray((max(0, len(data) - WORD + 1),), np.uint64, data.data, strides=(1,))


def repeated(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101_0101_0101_0101)


@compiled
def word_at(words: Words, i: int) -> np.uint64:
    """The word that begins at ``i``; past the end of the chunk it goes on with zeros."""
    last = len(words) - 1
    word: np.uint64 = words[np.uintp(min(i, last))]
    return word >> np.uint64(8 * max(0, i - last))


@compiled
def last_bytes(words: Words, end: int, count: int) -> np.uint64:
    """The ``count`` bytes in front of ``end``, 1 … 8 of them, as one number."""
    word: np.uint64 = words[np.uintp(end - WORD)]
    return word >> np.uint64(8 * (WORD - count))


@compiled
def matches(word: np.uint64, pattern: np.uint64) -> np.uint64:
    """The top bit of each byte in which two words agree; no other bit."""
    difference = word ^ pattern
    return ~(((difference & _LOW_BITS) + _LOW_BITS) | difference | _LOW_BITS)


@compiled
def first_match(hits: np.uint64) -> int:
    """Which byte, 0 … 7, has the lowest of the bits that ``matches`` gave."""
    lowest = hits & (~hits + _ONE)
    return signed(((lowest >> _TOP_BIT) * _COUNTING) >> _TOP_BYTE)


@compiled
def without_first(hits: np.uint64) -> np.uint64:
    """The others."""
    return hits & (hits - _ONE)


@compiled
def same(words: Words, start: int, end: int, other: int, other_end: int) -> bool:
    """Whether two ranges hold the same bytes. Neither is in the first seven bytes of a chunk."""
    if end - start != other_end - other:
        return False
    while end - start >= WORD:
        end -= WORD
        other_end -= WORD
        if words[np.uintp(end)] != words[np.uintp(other_end)]:
            return False
    left = end - start
    return left == 0 or last_bytes(words, end, left) == last_bytes(words, other_end, left)
