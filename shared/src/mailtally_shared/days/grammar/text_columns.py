"""Converting columns to lines of text and back, without a step of Python for each line."""

from __future__ import annotations

import io
from functools import cache
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailtally_shared.columns import Array

Rows = TypeVar("Rows")


_GROUP = 10_000  # numbers are converted four digits at a time
_PADDED = np.array([f"{number:04d}" for number in range(_GROUP)], "S4").view(np.uint32)
_BARE = np.array([f"{number}".rjust(4, "\0") for number in range(_GROUP)], "S4").view(np.uint32)
#: A group's digits at its value; at its value plus ``_GROUP``, where digits precede it.
_DIGITS = np.concatenate([_BARE, _PADDED])
#: Likewise for a group that is not the number's last: where it is zero, it has no digit.
_FIRST_DIGITS = np.concatenate([np.zeros(1, np.uint32), _DIGITS[1:]])


def decimals(values: Array) -> Array:
    """Convert numbers to decimals.

    Args:
        values: int64, shape ``(n,)``, none negative.

    Returns:
        bytes of a fixed width, shape ``(n,)``, padded with NUL on the left.
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
    """Return the text of ``n`` lines, with its padding.

    Args:
        cells: the contents of each line in order: a column of bytes of shape
            ``(n,)``, at least one of them, or the same bytes for every line.

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
    """Return a text without its padding; other threads can run meanwhile."""
    return bytes(text[text != 0].data)


def _type(cell: Array | bytes) -> str:
    return f"S{cell.itemsize if isinstance(cell, np.ndarray) else len(cell)}"


class BadLine(ValueError):
    """Lines do not follow a file's format. The message names the first check that failed."""

    def __init__(self, sentence: str, reason: str = "bad-line") -> None:
        super().__init__(sentence)
        self.reason = reason


#: Bytes of a piece: some thousand lines, whose columns fit the processor's cache.
_PIECE = 1 << 17


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of a file in pieces of whole lines; the last may lack its line end."""
    while piece := file.read(_PIECE):
        yield piece if piece.endswith(b"\n") else piece + file.readline(_PIECE)


def parsed(
    texts: Iterable[bytes], path: str, parse: Callable[[bytes, Rows | None], Rows], line: int = 1
) -> Iterator[Rows]:
    """Yield the rows of each piece of a file; those of a piece with an error, line by line.

    Args:
        texts: the pieces.
        path: the file's name, for errors.
        parse: parses whole lines, given the rows before them; raises ``BadLine``.
        line: the number of the first line.

    Raises:
        BadFile: ``parse`` refuses a line.
    """
    before: Rows | None = None
    for piece in texts:
        try:
            found = [before := parse(piece, before)]
        except BadLine:
            for number, one in enumerate(io.BytesIO(piece), line):
                try:
                    before = parse(one, before)
                except BadLine as error:
                    raise BadFile(error.reason, path, str(error), number) from None
                yield before
        else:
            yield from found
        line += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == _NEWLINE))


_WORD = 8  # bytes
_NEWLINE = ord("\n")
#: Limit of a cell, in bytes: that of all names of a row but the domain, and more.
LONGEST = 576
#: Limit of a number that is read without a step of Python for each, in digits.
MOST_DIGITS = 2 * _WORD
_MOST_OF_INT64 = 19

_BYTE = 0xFF
_EVERY = 0x0101_0101_0101_0101
_ZEROS = np.uint64(ord("0") * _EVERY)
#: Added to a byte that is not a digit's value, it reaches the byte's highest bit.
_TO_HIGH = np.uint64((0x80 - 10) * _EVERY)
_HIGH = np.uint64(0x80 * _EVERY)
#: By number of bytes: a mask of that many bytes at the end of a word.
_LAST = np.array([(256**_WORD - 1) ^ (256 ** (_WORD - n) - 1) for n in range(_WORD + 1)], "<u8")
#: How neighbours of a number of bits are joined to one number: mask of the lower ones, and factor.
_JOINS = tuple(
    (np.uint64(bits), np.uint64(low), np.uint64(10 ** (bits // 8)))
    for bits, low in ((8, 0x00FF_00FF_00FF_00FF), (16, 0x0000_FFFF_0000_FFFF), (32, 0xFFFF_FFFF))
)


class Text:
    """Whole lines of text.

    Attributes:
        bytes: uint8, the bytes of the text.
    """

    def __init__(self, piece: bytes) -> None:
        self._piece = piece
        self.bytes: Array = np.frombuffer(piece, np.uint8)
        self._padded = bytes(MOST_DIGITS) + piece + bytes(LONGEST)

    def cuts(self, mark: bytes, each: int) -> Array | None:
        """Return the positions of the marks and of the line ends, line by line.

        Args:
            mark: one byte.
            each: the number that every line must have, including its end.

        Returns:
            int64, shape ``(lines, each)``; ``None`` where a line has another number of them.
        """
        ends = self.bytes == _NEWLINE
        found = np.flatnonzero(ends | (self.bytes == ord(mark)))
        if not len(found) or len(found) % each:
            return None
        cuts: Array = found.reshape(-1, each)
        whole = ends[cuts[:, -1]].all() and np.count_nonzero(ends) == len(cuts)
        return cuts if whole and cuts[-1, -1] == len(ends) - 1 else None

    def fields(self, mark: bytes, each: int, line_end: bytes = b"\n") -> tuple[Array, Array]:
        """Return where the fields begin and end, line by line; all must be printable ASCII.

        Args:
            mark: one byte, which separates the fields.
            each: the number that every line must have.
            line_end: the bytes that every line must end with.

        Returns:
            int64, shape ``(each, lines)``, each.

        Raises:
            BadLine: the lines are not of that kind.
        """
        cuts = self.cuts(mark, each)
        if cuts is None:
            raise BadLine(f"expected {each} fields")
        begins = np.append(0, cuts.reshape(-1)[:-1] + 1).reshape(cuts.shape).T
        ends = cuts.T.copy()
        ends[-1] -= len(line_end) - 1
        controls = (len(line_end) + (each - 1) * (mark < b" ")) * len(cuts)
        if (
            (self.bytes[ends[-1]] != line_end[0]).any()
            or np.count_nonzero(self.bytes < ord(" ")) != controls
            or self.bytes.max() > ord("~")
        ):
            raise BadLine("it has characters other than printable ASCII, or another line end")
        return begins, ends

    def names(self, begin: Array, end: Array, longest: int = LONGEST) -> Array:
        """Return the cells between two positions; raise ``BadLine`` for empty or longer ones."""
        length = end - begin
        if length.min() < 1 or length.max() > longest:
            raise BadLine("a name is empty or too long")
        return self.cells(begin, end)

    def counts(self, begin: Array, end: Array) -> Array:
        """Return the numbers between two positions.

        Raises:
            BadLine: one is not in decimal digits, or has too many.
            OverflowError: one exceeds 63 bits.
        """
        found = self.numbers(begin, end, MOST_DIGITS)
        if found is not None:
            return found
        texts = self.texts(begin, end)
        for text in texts:
            if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_OF_INT64):
                raise BadLine(f"{text[:60]!r} is not a count")
        return np.array(list(map(int, texts)), np.int64)

    def texts(self, begin: Array, end: Array) -> list[str]:
        """Return the texts between two positions."""
        places = zip(begin.tolist(), end.tolist(), strict=True)
        return [self._piece[first:last].decode("latin-1") for first, last in places]

    def cells(self, begin: Array, end: Array) -> Array:
        """Return the bytes of each line between two positions, at most ``LONGEST``.

        Returns:
            bytes of a fixed width, whole words, padded with NUL.
        """
        length = end - begin
        words = max(1, -(-int(length.max()) // _WORD))
        found = self._at(f"V{words * _WORD}", MOST_DIGITS)[begin].view("<u8").reshape(-1, words)
        found &= _first_bytes(words)[length]
        return found.view(f"S{words * _WORD}").reshape(-1)

    def numbers(self, begin: Array, end: Array, most: int) -> Array | None:
        """Return the number of each line between two positions, in decimal digits.

        Args:
            begin: int64, shape ``(n,)``.
            end: likewise.
            most: the number of digits it may have, at most ``MOST_DIGITS``.

        Returns:
            int64, shape ``(n,)``; ``None`` where one is not such a number.
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
        """Parse up to eight digits that end ``before`` bytes before ``end``; no digits give 0."""
        words = self._at("<u8", MOST_DIGITS - _WORD - before)[end]
        words ^= _ZEROS
        words &= _LAST[length]
        if ((words + _TO_HIGH | words) & _HIGH).any():
            return None
        # The first digit is in the lowest byte. Neighbours are joined: digits to pairs, pairs to
        # fours, fours to eights.
        for bits, low, ten in _JOINS:
            words = (words & low) * ten + (words >> bits & low)
        return words.astype(np.int64)

    def _at(self, kind: str, offset: int) -> Array:
        """Return the value at each byte of the padded text from ``offset`` on."""
        size = len(self._padded) - offset - np.dtype(kind).itemsize + 1
        return np.ndarray(size, kind, self._padded, offset, (1,))


@cache
def _first_bytes(words: int) -> Array:
    """Return, by number of bytes, a mask of that many bytes at the beginning of some words."""
    lengths = np.arange(words * _WORD + 1)
    mask = np.where(lengths[:-1] < lengths[:, None], _BYTE, 0).astype(np.uint8)
    return mask.view("<u8")
