"""Where to read on in a file that is not as it was when it was read. Pure.

A file that begins as it did is the same one, though it was cut, zeroed at its end, edited, replaced
by a copy or restored from a backup. Looked for, in this order:

1. The last window that was read, where it was: something before it was edited.
2. The last lines that were read: the file ends among them, so its end was cut off.
3. The last window, wherever it is now: lines before it were added or removed.
4. The last lines once more: the file ended among them, and was written on since; or some of them
   were removed or changed, and others of them are behind those.
5. The marks: all that the file still reaches agree, so a large piece of its end is missing.

Where nothing is found, a guess would go into a bill: the answer is that it is unknown.

A file that begins otherwise is another one, unless the last window that was read is in it: then its
first lines were removed, or others were put in front of them.

A machine that is set back takes its state directory and its logs with it. The ledger's positions
lie beyond such a log, so 5 would take what was written since for read. There the directory's own
position decides: where the log ends at it, reading goes on there; what is behind it may have been
written, and counted, before the machine was set back, or after.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mailtally_collector.tail.identity import (
    ENOUGH,
    WINDOW,
    is_of_zeros,
    mark_of,
    shared_beginning,
    with_other_line_ends,
)
from mailtally_collector.tail.last_lines import Compared, compared

if TYPE_CHECKING:
    from mailtally_collector.positions import Mark, Position
    from mailtally_collector.tail.content import Content

#: Bytes around the former place of the last window that are searched for it.
_NEAR = 2**20
_FAR = 2**26
_AT_ONCE = 2**20


class How(Enum):
    """What a file is to what was read."""

    FOUND = "what was read ends at a place in it"
    SHORTER = "it ends before what was read does"
    UNKNOWN = "it begins the same, and nothing tells where what was read ends"
    OTHER = "it is another file"


@dataclass(frozen=True, slots=True)
class Rejoin:
    """The answer; ``at`` is where to read on. The marks alone do not make it sure."""

    how: How
    at: int = 0
    is_sure: bool = True


def rejoin(position: Position, content: Content, *, compressed: bool) -> Rejoin:
    """Find where to read on in a file that does not hold all that was read.

    Args:
        position: of what was read; with a trail.
        content: the file.
        compressed: its end is no place that something is missing from.
    """
    last = position.trail[-1]
    is_end = last.at == position.offset and not is_of_zeros(last)
    if is_end and last.at >= WINDOW and _is_at(last, content, last.at):
        return Rejoin(How.FOUND, position.offset)
    beginning = shared_beginning(position.trail, content)
    if beginning.reached < ENOUGH and not _has_last_lines(position, content):
        is_text = is_end and last.at >= WINDOW and not compressed
        return _without_beginning(last, content) if is_text else Rejoin(How.OTHER)
    # Where stretches behind the offset were counted as well, no place is right for all.
    found = _searched(position, content, compressed=compressed) if is_end else None
    if position.own is not None and (found is None or not found.is_sure):
        found = _set_back(position.own, content) or found
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
        # The same text in two places, and which of them was read last?
        return Rejoin(How.FOUND, places[0]) if len(places) == 1 else None
    if lines is not None:
        is_known = lines.lines and lines.is_clear
        return Rejoin(How.FOUND, lines.end) if is_known else None
    return Rejoin(How.SHORTER, size, is_sure=False) if is_shorter else None


def _set_back(own: Mark, content: Content) -> Rejoin | None:
    """What a log is that was set back together with the state directory; ``None`` if it was not."""
    if not _is_at(own, content, own.at):
        return None
    return Rejoin(How.FOUND, own.at) if content.size() == own.at else Rejoin(How.UNKNOWN)


def _without_beginning(last: Mark, content: Content) -> Rejoin:
    """Find the last window in a file whose first lines are others."""
    size = content.size()
    places = _places(last, content, max(0, size - _FAR), size)
    return Rejoin(How.FOUND, places[0]) if len(places) == 1 else Rejoin(How.OTHER)


def _compared(position: Position, content: Content, end: int) -> Compared | None:
    """Return the last lines that were read, compared; ``None`` where the file ends before them."""
    lines = position.lines
    if lines is None or position.offset - sum(lines.lengths) > end:
        return None
    return compared(lines, position.offset, content)


def _has_last_lines(position: Position, content: Content) -> bool:
    """Return whether lines that were read behind a hole are where they were.

    Of a log that begins otherwise they prove less: an edited copy of it has them as well.
    """
    if not is_of_zeros(position.trail[0]):
        return False
    lines = _compared(position, content, content.size())
    return lines is not None and lines.lines > 0


def _all_agree(position: Position, content: Content, end: int) -> bool:
    """Return whether the file is a beginning of what was read, as far as marks reach in it."""
    reached = [mark for mark in position.trail if mark.at <= end]
    return end < position.offset and all(_is_at(mark, content, mark.at) for mark in reached)


def _end_of_text(content: Content, size: int) -> int:
    """Return where a file ends, without the zeros that a power failure leaves behind it."""
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
    """Return the ends of lines with the window of a mark before them; two of them at most."""
    length = min(mark.at, WINDOW)
    found: list[int] = []
    block = memoryview(bytearray(_AT_ONCE + length))
    while at < to and len(found) <= 1:
        data = bytes(block[: content.read_into(block, at)])
        found += [at + end for end in _ends(data, length) if _fits(mark, data[end - length : end])]
        if len(data) < len(block):
            break
        at += _AT_ONCE
    return sorted(set(found))[:2]


def _places_with_other_line_ends(mark: Mark, content: Content) -> list[int]:
    """Return the places where the window is before a line, after ``unix2dos`` or ``dos2unix``."""
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
        rest = rest[-WINDOW:]  # a hole has no line feed for gigabytes
    return found[:2]


def _ends(data: bytes, first: int) -> list[int]:
    """Return the ends of lines, from ``first`` on."""
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
