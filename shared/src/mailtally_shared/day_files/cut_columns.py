"""Columns cut out of lines of text, with no step of Python for each line.

What ``text_columns`` puts together, taken apart: eight bytes are a word, and every
line's word is looked at in one go.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

_WORD = 8  # bytes
#: Bytes of the longest cell.
LONGEST = 512
#: Digits of the longest number.
MOST_DIGITS = 2 * _WORD
_NEWLINE = ord("\n")

_BYTE = 0xFF
_EVERY = 0x0101_0101_0101_0101
_ZEROS = np.uint64(ord("0") * _EVERY)
#: Added to a byte that is no digit's value, it reaches the byte's highest bit.
_TO_HIGH = np.uint64((0x80 - 10) * _EVERY)
_HIGH = np.uint64(0x80 * _EVERY)
#: By a length: the bits of so many bytes at the end of a word.
_LAST = np.array([(256**_WORD - 1) ^ (256 ** (_WORD - n) - 1) for n in range(_WORD + 1)], "<u8")
#: How neighbours of so many bits become one number: the lower ones, and what they count.
_JOINS = tuple(
    (np.uint64(bits), np.uint64(low), np.uint64(10 ** (bits // 8)))
    for bits, low in ((8, 0x00FF_00FF_00FF_00FF), (16, 0x0000_FFFF_0000_FFFF), (32, 0xFFFF_FFFF))
)


class Text:
    """Whole lines of text.

    Attributes:
        bytes: uint8, as many as the text has.
    """

    def __init__(self, piece: bytes) -> None:
        self.bytes: Array = np.frombuffer(piece, np.uint8)
        self._padded = bytes(MOST_DIGITS) + piece + bytes(LONGEST)

    def cuts(self, mark: bytes, each: int) -> Array | None:
        """Where the marks and the ends of the lines stand, line by line.

        Args:
            mark: one byte.
            each: how many a line has to have, its end among them.

        Returns:
            int64, shape ``(lines, each)``; None where a line has another number of them.
        """
        ends = self.bytes == _NEWLINE
        found = np.flatnonzero(ends | (self.bytes == ord(mark)))
        if not len(found) or len(found) % each:
            return None
        cuts: Array = found.reshape(-1, each)
        whole = ends[cuts[:, -1]].all() and np.count_nonzero(ends) == len(cuts)
        return cuts if whole and cuts[-1, -1] == len(ends) - 1 else None

    def cells(self, begin: Array, end: Array) -> Array:
        """The bytes of each line between two places, at most ``LONGEST``.

        Returns:
            bytes of a fixed width, whole words, padded with NUL.
        """
        length = end - begin
        words = max(1, -(-int(length.max()) // _WORD))
        found = self._at(f"V{words * _WORD}", MOST_DIGITS)[begin].view("<u8").reshape(-1, words)
        found &= _first_bytes(words)[length]
        return found.view(f"S{words * _WORD}").reshape(-1)

    def numbers(self, begin: Array, end: Array, most: int) -> Array | None:
        """The number of each line between two places, in decimal digits.

        Args:
            begin: int64, shape ``(n,)``.
            end: likewise.
            most: how many digits it may have, at most ``MOST_DIGITS``.

        Returns:
            int64, shape ``(n,)``; None where one is no such number.
        """
        length = end - begin
        if length.min() < 1 or length.max() > most:
            return None
        found = self._digits(end, np.minimum(length, _WORD), 0)
        if found is None or length.max() <= _WORD:
            return found
        high = self._digits(end, np.maximum(length - _WORD, 0), _WORD)
        return None if high is None else found + high * 10**_WORD

    def _digits(self, end: Array, length: Array, before: int) -> Array | None:
        """Numbers of at most eight digits, so many bytes before ``end``; of none it is zero."""
        words = self._at("<u8", MOST_DIGITS - _WORD - before)[end]
        words ^= _ZEROS
        words &= _LAST[length]
        if ((words + _TO_HIGH | words) & _HIGH).any():
            return None
        # The first digit is in the lowest byte. Neighbours are put together: digits to
        # pairs, pairs to fours, fours to eights.
        for bits, low, ten in _JOINS:
            words = (words & low) * ten + (words >> bits & low)
        return words.astype(np.int64)

    def _at(self, kind: str, offset: int) -> Array:
        """What stands at each byte of the padded text from ``offset`` on."""
        size = len(self._padded) - offset - np.dtype(kind).itemsize + 1
        return np.ndarray(size, kind, self._padded, offset, (1,))


@cache
def _first_bytes(words: int) -> Array:
    """By a length: the bits of so many bytes at the begin of some words."""
    lengths = np.arange(words * _WORD + 1)
    mask = np.where(lengths[:-1] < lengths[:, None], _BYTE, 0).astype(np.uint8)
    return mask.view("<u8")
