"""Fingerprints of the last lines that were read of a log. Pure.

A power failure takes the last lines of a log, and its writer continues at the new end. Marks are
too far apart to show which line was the last that remained; these fingerprints show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from mailtally_collector.tail.identity.fingerprints import ENOUGH
from mailtally_collector.tail.positions import LastLines

if TYPE_CHECKING:
    from mailtally_collector.tail.identity.fingerprints import Readable

#: Most lines with a fingerprint of their own.
MOST = 128
#: Bytes after the offset that are searched for lines that were read.
_REACH = 2**16
#: Shorter lines, without a time, are no evidence: there may be many alike.
_SHORTEST = 16

_ZEROED = re.compile(rb"(?:[^\n\0]*\0+)?")


def last_lines(
    data: bytes | bytearray, begin: int, end: int, before: LastLines | None, hole: int = 0
) -> LastLines:
    """Return the last of the whole lines ``data[begin:end]``, appended to earlier ones.

    ``hole``: the NUL bytes between the two; they count as part of the line after them.
    """
    if hole > _REACH:
        before, hole = None, 0
    prints: list[str] = []
    lengths: list[int] = []
    while end > begin and len(prints) < MOST:
        start = max(begin, data.rfind(b"\n", begin, end - 1) + 1)
        prints.append(_print(data[start:end]))
        lengths.append(end - start)
        end = start
    prints.reverse()
    lengths.reverse()
    if before is not None and len(prints) < MOST:
        keep = max(len(before.lengths) - (MOST - len(prints)), 0)
        prints.insert(0, before.prints[8 * keep :])
        lengths = [*before.lengths[keep:], *(lengths[:1] and [lengths[0] + hole]), *lengths[1:]]
    return LastLines("".join(prints), tuple(lengths))


def lines_before(content: Readable, at: int) -> LastLines | None:
    """Return the last lines of a file before ``at``, all of which were read."""
    begin = max(0, at - _REACH)
    data = bytearray(at - begin)
    if content.read_into(memoryview(data), begin) < len(data):
        return None
    first = data.find(b"\n") + 1 if begin else 0
    return last_lines(data, first, len(data), None)


def lines_within(known: LastLines, length: int) -> LastLines:
    """Return the last lines that fit into ``length`` bytes."""
    first, room = len(known.lengths), length
    while first and known.lengths[first - 1] <= room:
        first -= 1
        room -= known.lengths[first]
    return LastLines(known.prints[8 * first :], known.lengths[first:])


def reach_from_first_line(known: LastLines, content: Readable) -> int | None:
    """Return how far the last lines continue from the one that a file begins with.

    Returns:
        ``None`` if its first line is not one of them, several of them, or no evidence.
    """
    data = bytearray(_REACH)
    end = data.find(b"\n", 0, content.read_into(memoryview(data), 0)) + 1
    line = (_print(data[:end]), end)
    all_known = list(zip(_prints(known), known.lengths, strict=True))
    if end < ENOUGH or all_known.count(line) != 1:
        return None
    return sum(known.lengths[all_known.index(line) :])


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of comparing a file with the last lines that were read of it.

    Attributes:
        lines: the number of them that remain.
        end: the end of the last of these, including an incomplete line and zeros after it.
        is_cut: whether no whole line follows the first ones, which are at their old offsets.
        is_clear: whether no line after ``end`` can be one that was read.
    """

    lines: int
    end: int
    is_cut: bool
    is_clear: bool


def compared(known: LastLines, offset: int, content: Readable) -> Compared:
    """Compare a file with the last lines that were read before ``offset``."""
    at = offset - sum(known.lengths)
    data = memoryview(bytearray(offset - at + _REACH))
    text = bytes(data[: content.read_into(data, at)])
    prints = _prints(known)
    lines, end = 0, 0
    for expected, length in zip(prints, known.lengths, strict=True):
        if _print(text[end : end + length]) != expected:
            break
        lines, end = lines + 1, end + length
    end = _behind_zeros(text, end)  # an incomplete line, and zeros: new lines come after them
    behind = [line + b"\n" for line in text[end:].split(b"\n")[:-1]]
    kept = _kept(behind, prints[lines:])
    end += sum(map(len, behind[: kept.end]))
    return Compared(lines + kept.lines, at + end, is_cut=not behind, is_clear=kept.is_clear)


@dataclass(slots=True)
class _Kept:
    """How many read lines remain among others, and the number of the last one's line."""

    lines: int = 0
    end: int = 0
    is_clear: bool = True


def _kept(behind: list[bytes], read: list[str]) -> _Kept:
    """Find lines that were read after others that were removed, changed or inserted.

    They must be in their old order, or it is not clear which was read last.
    """
    kept, next_one = _Kept(), 0
    for number, line in enumerate(behind, 1):
        found = _print(line)
        if len(line) < _SHORTEST or found not in read:
            continue
        if len(line) < ENOUGH or found not in read[next_one:]:
            kept.is_clear = False
            break
        next_one = read.index(found, next_one) + 1
        kept.lines, kept.end = kept.lines + 1, number
    return kept


def _behind_zeros(text: bytes, at: int) -> int:
    found = _ZEROED.match(text, at)
    return found.end() if found else at


def _prints(known: LastLines) -> list[str]:
    return [known.prints[n : n + 8] for n in range(0, len(known.prints), 8)]


def _print(line: bytes | bytearray) -> str:
    line = line.lstrip(b"\0")  # a hole before it reads as NULs
    return f"{crc32(line):08x}"
