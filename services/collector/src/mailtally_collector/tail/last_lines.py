"""The last lines that were read of a log, each by a fingerprint. Pure.

A power failure takes the last lines of a log, and its writer goes on where the file then ends.
Marks lie too far apart to tell which line was the last that stayed; these fingerprints do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from mailtally_collector.positions import LastLines
from mailtally_collector.tail.identity import ENOUGH

if TYPE_CHECKING:
    from mailtally_collector.tail.identity import Readable

#: Lines that are known one by one.
MOST = 128
#: Bytes behind the read ones that are searched for lines that were read.
_REACH = 2**16
#: A line without a time, such as an empty one, is no evidence: there may be many.
_SHORTEST = 16

_ZEROED = re.compile(rb"(?:[^\n\0]*\0+)?")


def last_lines(
    data: bytes | bytearray, begin: int, end: int, before: LastLines | None, hole: int = 0
) -> LastLines:
    """Return the last of the whole lines ``data[begin:end]``, joined to those before them.

    ``hole``: the bytes between the two that no line has; they belong to the line behind them.
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
    """The last lines of a file that lie before ``at``, which were all read."""
    begin = max(0, at - _REACH)
    data = bytearray(at - begin)
    if content.read_into(memoryview(data), begin) < len(data):
        return None
    first = data.find(b"\n") + 1 if begin else 0
    return last_lines(data, first, len(data), None)


@dataclass(frozen=True, slots=True)
class Compared:
    """What is left in a file of the last lines that were read of it.

    Attributes:
        lines: how many of them are there still.
        end: where the last of those ends, with a torn line and zeros behind it.
        is_cut: behind the first ones, which are where they were, is no whole line.
        is_clear: no line behind ``end`` can be one that was read.
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
    prints = [known.prints[n : n + 8] for n in range(0, len(known.prints), 8)]
    lines, end = 0, 0
    for expected, length in zip(prints, known.lengths, strict=True):
        if _print(text[end : end + length]) != expected:
            break
        lines, end = lines + 1, end + length
    end = _behind_zeros(text, end)  # a torn line, and zeros: what is new is behind them
    behind = [line + b"\n" for line in text[end:].split(b"\n")[:-1]]
    kept = _kept(behind, prints[lines:])
    end += sum(map(len, behind[: kept.end]))
    return Compared(lines + kept.lines, at + end, is_cut=not behind, is_clear=kept.is_clear)


@dataclass(slots=True)
class _Kept:
    """How many lines that were read are left among others, and behind which line the last is."""

    lines: int = 0
    end: int = 0
    is_clear: bool = True


def _kept(behind: list[bytes], read: list[str]) -> _Kept:
    """Find lines that were read behind others that were removed, changed or put in.

    They are where they were in their order, or it is not clear which was read last.
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


def _print(line: bytes | bytearray) -> str:
    line = line.lstrip(b"\0")  # what a hole in front of it reads as
    return f"{crc32(line):08x}"
