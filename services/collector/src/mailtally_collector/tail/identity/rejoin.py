"""Rejoin a file that has changed since it was read: find where to resume. Pure.

A file with the same beginning is the same one, even if it was cut, zeroed at its end, edited,
replaced by a copy or restored from a backup. The end of what was read is searched in this order:

1. The last window that was read, at its old offset: something before it was edited.
2. The last lines that were read: the file ends among them, so its end was cut off.
3. The last window, at any offset: lines before it were added or removed.
4. The last lines again: the file ended among them and was written to since; or some of them were
   removed or changed, and others come after those.
5. The marks: all those within the file agree, so a large piece of its end is missing.

If nothing is found, the answer is that it is unknown: a guess would go into a bill.

A file with another beginning is another file, unless it holds a window that was read, or its first
line is one of the last that were read: then its first lines were removed, or others were inserted
before them, and the same is searched at the offsets shifted by that.

Restoring a machine restores its state directory together with its logs. The ledger's positions are
beyond such a log, so rule 5 would take new lines for read ones. There the directory's own position
decides: if the log ends at it, reading resumes there; anything after it may have been written, and
counted, before the machine was restored, or after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity.fingerprints import (
    ENOUGH,
    WINDOW,
    is_of_zeros,
    mark_of,
    shared_beginning,
    with_other_line_ends,
)
from mailtally_collector.tail.identity.last_lines import (
    Compared,
    compared,
    lines_within,
    reach_from_first_line,
)
from mailtally_collector.tail.positions import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.positions import Position

#: Bytes around the old offset of the last window that are searched for it.
_NEAR = 2**20
_FAR = 2**26
_LAST = 2**16
_AT_ONCE = 2**20


class How(Enum):
    """The relation of a file to what was read."""

    FOUND = "the end of what was read is in it"
    SHORTER = "it ends before the end of what was read"
    UNKNOWN = "it begins the same, but the end of what was read cannot be found"
    OTHER = "it is another file"


@dataclass(frozen=True, slots=True)
class Rejoin:
    """The answer; ``at`` is where to resume. It is not sure if it rests on the marks alone."""

    how: How
    at: int = 0
    is_sure: bool = True


def rejoin(position: Position, content: Content, *, compressed: bool) -> Rejoin:
    """Find where to resume in a file that does not hold all that was read.

    Args:
        position: the position of what was read; it has a trail.
        content: the file.
        compressed: whether the file is compressed, so that nothing was cut off its end.
    """
    last = position.trail[-1]
    is_end = last.at == position.offset and not is_of_zeros(last)
    if is_end and last.at >= WINDOW and _is_at(last, content, last.at):
        return Rejoin(How.FOUND, position.offset)
    beginning = shared_beginning(position.trail, content)
    if beginning.reached < ENOUGH and not _has_last_lines(position, content):
        return _without_beginning(position, content, compressed) if is_end else Rejoin(How.OTHER)
    # If parts after the offset were counted as well, no single offset is right.
    found = _searched(position, content, compressed=compressed) if is_end else None
    if position.own is not None and (found is None or not found.is_sure):
        found = _set_back(position.own, content) or found
    if found is None and is_end and not beginning.is_whole:
        return _without_beginning(position, content, compressed)
    return found or Rejoin(How.UNKNOWN if beginning.is_whole else How.OTHER)


def _searched(position: Position, content: Content, *, compressed: bool) -> Rejoin | None:
    size = content.size()
    end = size if compressed else _end_of_text(content, size)
    lines = _compared(position, content, end)
    if end < position.offset and lines is not None and lines.is_cut:
        return Rejoin(How.SHORTER, size)
    is_shorter = _all_agree(position, content, end)
    last = position.trail[-1]
    places = _places_around(last, content, _NEAR)
    if not places and not is_shorter:
        places = _places_around(last, content, _FAR)
    if not places and not is_shorter and (lines is None or not lines.lines):
        places = _places_with_other_line_ends(last, content)
    if places:
        # If the same text occurs twice, it is not clear which was read last.
        return Rejoin(How.FOUND, places[0]) if len(places) == 1 else None
    if lines is not None:
        is_known = lines.lines and lines.is_clear
        return Rejoin(How.FOUND, lines.end) if is_known else None
    return Rejoin(How.SHORTER, size, is_sure=False) if is_shorter else None


def _set_back(own: Mark, content: Content) -> Rejoin | None:
    """Return the answer for a log restored together with the state directory, or ``None``."""
    if not _is_at(own, content, own.at):
        return None
    return Rejoin(How.FOUND, own.at) if content.size() == own.at else Rejoin(How.UNKNOWN)


def _without_beginning(position: Position, content: Content, compressed: bool) -> Rejoin:  # noqa: FBT001 - private
    """Find where to resume in a file with other first lines.

    After those, the rest is unchanged but shifted. The newest window that is found once shows by
    how much; if only a few lines without a whole window are left, the first of them does.
    """
    last = position.trail[-1]
    # A copy that was noted may hold more than was read.
    read = [mark for mark in position.marks() if mark.at <= last.at]
    found = newest_window(read, content)
    if found is not None and found[0] == last:
        return Rejoin(How.FOUND, found[1])
    if found is not None:
        moved = _moved(position, found[0].at - found[1], found[0])
    else:
        reach = position.lines and reach_from_first_line(position.lines, content)
        if not reach:
            return Rejoin(How.OTHER)
        moved = _moved(position, position.offset - reach, last)
    return _searched(moved, content, compressed=compressed) or Rejoin(How.UNKNOWN)


def _moved(position: Position, by: int, first: Mark) -> Position:
    """Return the position as if what was read were ``by`` bytes further to the front."""
    offset = position.offset - by
    trail = tuple(Mark(m.at - by, m.fingerprint) for m in position.trail if m.at >= first.at)
    lines = position.lines and lines_within(position.lines, offset)
    return replace(position, offset=offset, trail=trail, lines=lines)


def newest_window(marks: Iterable[Mark], content: Content) -> tuple[Mark, int] | None:
    """Return the newest mark whose window ends at exactly one offset in a file, with that."""
    known = {m.fingerprint: m for m in marks if m.at >= WINDOW and not is_of_zeros(m)}
    size, places = content.size(), dict[Mark, set[int]]()
    for end, window in _windows(WINDOW, content, max(0, size - _FAR), size):
        mark = known.get(mark_of(window, end).fingerprint)
        if mark is not None:
            places.setdefault(mark, set()).add(end)
    once = [(mark, min(ends)) for mark, ends in places.items() if len(ends) == 1]
    return max(once, default=None, key=lambda found: found[0].at)


def last_windows(content: Content) -> Iterator[Mark]:
    """Yield the marks of the windows that end in the last 64 KiB of a file; some occur twice."""
    size = content.size()
    for end, window in _windows(WINDOW, content, max(0, size - _LAST), size):
        yield mark_of(window, end)


def _compared(position: Position, content: Content, end: int) -> Compared | None:
    """Compare the last lines that were read; return ``None`` if the file ends before them."""
    lines = position.lines
    if lines is None or position.offset - sum(lines.lengths) > end:
        return None
    return compared(lines, position.offset, content)


def _has_last_lines(position: Position, content: Content) -> bool:
    """Return whether lines that were read after a hole are at their old offsets.

    For a log with another beginning they prove less: an edited copy has them as well.
    """
    if not is_of_zeros(position.trail[0]):
        return False
    lines = _compared(position, content, content.size())
    return lines is not None and lines.lines > 0


def _all_agree(position: Position, content: Content, end: int) -> bool:
    """Return whether all marks within a shorter file agree."""
    reached = [mark for mark in position.trail if mark.at <= end]
    return end < position.offset and all(_is_at(mark, content, mark.at) for mark in reached)


def _end_of_text(content: Content, size: int) -> int:
    """Return the end of a file without the trailing zeros that a power failure leaves."""
    at = size
    while at and (window := content.window(at)) is not None:
        text = window.rstrip(b"\0")
        if text:
            return at - len(window) + len(text)
        at -= len(window)
    return at


def _places_around(mark: Mark, content: Content, around: int) -> list[int]:
    return _places(mark, content, max(0, mark.at - around), mark.at + around)


def _places(mark: Mark, content: Content, at: int, to: int) -> list[int]:
    """Return the line ends preceded by a mark's window, at most two."""
    found: set[int] = set()
    for end, window in _windows(min(mark.at, WINDOW), content, at, to):
        if _fits(mark, window):
            found.add(end)
        if len(found) > 1:
            break
    return sorted(found)


def _windows(length: int, content: Content, at: int, to: int) -> Iterator[tuple[int, bytes]]:
    """Yield line ends with the ``length`` bytes before them; some occur twice."""
    block = memoryview(bytearray(_AT_ONCE + length))
    while at < to:
        data = bytes(block[: content.read_into(block, at)])
        for end in _ends(data, length):
            yield at + end, data[end - length : end]
        if len(data) < len(block):
            break
        at += _AT_ONCE


def _places_with_other_line_ends(mark: Mark, content: Content) -> list[int]:
    """Return the line ends preceded by a mark's window after ``unix2dos`` or ``dos2unix``."""
    found: list[int] = []
    at, before, rest = 0, b"", b""
    block = memoryview(bytearray(_AT_ONCE))
    while at < _FAR and len(found) <= 1 and (got := content.read_into(block, at)):
        end = at - len(rest)
        *lines, rest = (rest + bytes(block[:got])).split(b"\n")
        for line in lines:
            end += len(line) + 1
            before = (before + with_other_line_ends(line + b"\n"))[-WINDOW:]
            if _fits(mark, before):
                found.append(end)
        at += got
        rest = rest[-WINDOW:]  # a hole may have no line feed for gigabytes
    return found[:2]


def _ends(data: bytes, first: int) -> list[int]:
    """Return the line ends from ``first`` on."""
    ends: list[int] = []
    at = data.find(b"\n", max(0, first - 1)) + 1
    while at:
        ends.append(at)
        at = data.find(b"\n", at) + 1
    return ends


def _is_at(mark: Mark, content: Content, at: int) -> bool:
    window = content.window(at)
    return window is not None and _fits(mark, window)


def _fits(mark: Mark, window: bytes) -> bool:
    return mark_of(window, mark.at).fingerprint == mark.fingerprint
