"""Eight bytes at a time: a chunk seen as the word that begins at each of its bytes.

The first byte of a word is its lowest: machines are taken to be little-endian, as all are that
numba compiles for.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mailtally_collector.machine.marks import Bytes, compiled, signed

Words = NDArray[np.uint64]

#: Bytes in a word.
WORD: Final = 8


def repeated(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101_0101_0101_0101)


def literal(text: bytes) -> np.uint64:
    """A word that begins with up to eight bytes; zeros behind."""
    return np.uint64(int.from_bytes(text, "little"))


_ONE: Final = np.uint64(1)
_LOW_BITS: Final = repeated(0x7F)
#: Added to the low bits of each byte, it sets the top bit of those from 10 on.
_TEN_AND_UP: Final = repeated(0x76)
_ALL_BITS: Final = np.uint64(2**64 - 1)
_ZEROS: Final = repeated(ord("0"))
#: Multiplied with, a digit, a pair or a four joins the next, with its weight; and the shift then.
_PAIRS, _BYTE = np.uint64(1 + 10 * 2**8), np.uint64(8)
_FOURS, _TWO_BYTES = np.uint64(1 + 100 * 2**16), np.uint64(16)
_EIGHT, _FOUR_BYTES = np.uint64(1 + 10_000 * 2**32), np.uint64(32)
_EACH_PAIR: Final = np.uint64(0x00FF_00FF_00FF_00FF)
_EACH_FOUR: Final = np.uint64(0x0000_FFFF_0000_FFFF)


def words_of(data: Bytes) -> Words:
    """The words of a chunk; they overlap and are no copy. Shape ``(len(data) - 7,)``.

    Of a chunk shorter than two words, which one short line may be, they are those of a copy with
    zeros behind: an array of one word or none is of another type to the compiler, which would
    compile everything once more for it while the line waits.
    """
    if len(data) < 2 * WORD:
        padded = np.concatenate([data, np.zeros(2 * WORD - len(data), np.uint8)])
        padded.flags.writeable = data.flags.writeable
        data = padded
    return np.ndarray((len(data) - WORD + 1,), np.uint64, data.data, strides=(1,))


@compiled
def word_at(words: Words, i: int) -> np.uint64:
    """The word that begins at ``i``; past the end of the chunk it goes on with zeros."""
    past = i - (len(words) - 1)
    if past >= WORD:
        return np.uint64(0)
    word: np.uint64 = words[np.uintp(i - max(past, 0))]
    return word >> np.uint64(8 * max(past, 0))


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
def first_bytes(word: np.uint64, count: int) -> np.uint64:
    """The first ``count`` bytes of a word, 1 … 8 of them; zeros behind."""
    return word & (_ALL_BITS >> np.uint64(8 * (WORD - count)))


@compiled
def other_than_digits(word: np.uint64) -> np.uint64:
    """The top bit of each byte that is no ASCII digit; no other bit."""
    digits = word ^ _ZEROS
    return (((digits & _LOW_BITS) + _TEN_AND_UP) | digits) & ~_LOW_BITS


@compiled
def before_first(bits: np.uint64) -> np.uint64:
    """All bits below the lowest that is set."""
    return (bits - _ONE) & ~bits


@compiled
def without_first(bits: np.uint64) -> np.uint64:
    """The others."""
    return bits & (bits - _ONE)


@compiled
def short_number(words: Words, end: int, count: int) -> int:
    """The decimal number of the ``count`` bytes in front of ``end``, 1 … 8; -1 if it is none.

    There is no loop whose end could not be foretold: all digits are joined to pairs, all pairs to
    fours, and both fours to the number.
    """
    kept = _ALL_BITS << np.uint64(8 * (WORD - count))
    digits = (words[np.uintp(end - WORD)] ^ _ZEROS) & kept
    if (((digits & _LOW_BITS) + _TEN_AND_UP) | digits) & ~_LOW_BITS:
        return -1
    pairs = ((digits * _PAIRS) >> _BYTE) & _EACH_PAIR
    fours = ((pairs * _FOURS) >> _TWO_BYTES) & _EACH_FOUR
    return signed((fours * _EIGHT) >> _FOUR_BYTES)


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
