"""Fingerprints: recognise a file that was read before by its content. Pure.

Names change with every rotation, inodes are reused, first lines repeat. Only the content is stable.
A *trail* is a set of marks along the part that was read; each is a hash of the bytes just before
it. A file in which all marks are found is the same file, and everything before the last mark has
been read. Unread bytes are never part of a trail: nothing of them was counted.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mailtally_collector.tail.positions import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes that one mark covers: two or three lines with their times and process ids.
WINDOW = 256

#: Bytes that are sufficient proof unless something contradicts: a line with time and process id.
ENOUGH = 64

#: Distances before the end of a piece at which it gets marks.
DISTANCES = tuple(4**power for power in range(5, 13))

_MOST_HEAD = 8  # most line ends in the first window that get a mark
_LINE_FEED = 10
_AT_ONCE = 2**20
_HOLE = 2**20  # bytes searched for the first text of a file

Trail = tuple[Mark, ...]


class Windowed(Protocol):
    """A content with access to the bytes before an offset."""

    def window(self, at: int) -> bytes | None:
        """Return up to ``WINDOW`` bytes before ``at``, or ``None`` if the content ends before."""


class Readable(Protocol):
    """A content that is read from an offset on."""

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; return fewer bytes only at the end."""


class Comparable(Windowed, Readable, Protocol):
    """A content whose beginning and later bytes are compared."""


def mark_of(window: bytes | bytearray | memoryview, at: int) -> Mark:
    """Return the mark for the bytes before ``at``."""
    return Mark(at, blake2b(window, digest_size=16).hexdigest())


_ZEROS = mark_of(bytes(WINDOW), WINDOW).fingerprint


def head_marks(first: bytes | bytearray | memoryview, since: int = 0) -> Trail:
    """Return the marks in the first bytes of a file: at line ends, and at the window's end.

    They identify a file by its beginning, even if it ends within its first window.

    Args:
        first: the file's first bytes; at most ``WINDOW`` of them are used.
        since: marks up to this offset are omitted.
    """
    begins = bytes(first[:WINDOW])
    ends = [at for at in range(1, len(begins) + 1) if begins[at - 1] == _LINE_FEED][:_MOST_HEAD]
    places = sorted({*ends, *((WINDOW,) if len(begins) == WINDOW else ())})
    return tuple(mark_of(begins[:at], at) for at in places if at > since)


def trail_at(content: Windowed, at: int) -> Trail:
    """Return the trail for reading from ``at`` on: marks of the first bytes and of ``at``.

    Returns:
        No marks if ``at`` is 0, or if the content ends before ``at``.
    """
    first, last = content.window(min(at, WINDOW)), content.window(at)
    if not at or first is None or last is None:
        return ()
    head = [mark for mark in head_marks(first) if mark.at < at]
    return (*head, mark_of(last, at))


def trail_up_to(content: Comparable, at: int, trail: Trail = ()) -> Trail:
    """Return the trail of what was read up to ``at``, with marks at several distances before it.

    Args:
        content: the file.
        at: an offset in it.
        trail: the marks of what was read of it before.

    Returns:
        No marks if ``at`` is 0, or if the content ends before ``at``.
    """
    if not (whole := trail_at(content, at)):
        return ()
    trail = trail or whole[:-1]
    places = [last_line_end(content, max(0, at - distance)) for distance in reversed(DISTANCES)]
    for place in (*places, at):
        window = content.window(place)
        if window and (not trail or place > trail[-1].at):
            trail = extended(trail, mark_of(window, place))
    return trail


def extended(trail: Trail, mark: Mark) -> Trail:
    """Return the trail with a further mark, thinned.

    The marks of the first window and the newest are kept. Between them one is kept for each power
    of four of the distance to the newest: a copy that was truncated some time ago is still
    recognised, and a terabyte needs no more than thirty marks.
    """
    head = [m for m in trail if m.at <= WINDOW and m.at < mark.at]
    kept: dict[int, Mark] = {}
    for older in (m for m in trail if WINDOW < m.at < mark.at):
        kept.setdefault((mark.at - older.at).bit_length() // 2, older)
    return (*head[:_MOST_HEAD], *head[_MOST_HEAD:][-1:], *kept.values(), mark)


def ends_of(trail: Trail) -> Trail:
    """Return the two marks that a completely read file needs: its beginning and its end.

    The beginning is the largest mark of the first window.
    """
    beginning = [mark for mark in trail if mark.at <= WINDOW][-1:]
    return tuple(dict.fromkeys((*beginning, *trail[-1:])))


def first_of(content: Readable) -> bytes:
    """Return the first ``WINDOW`` bytes of a file."""
    first = bytearray(WINDOW)
    return bytes(first[: content.read_into(memoryview(first), 0)])


def beginning_of(content: Comparable) -> Trail:
    """Return the marks of a file's beginning; after a hole, one at the first line's end."""
    first = first_of(content)
    head = head_marks(first)
    if first.lstrip(b"\0") or len(first) < WINDOW:
        return head
    block = bytearray(_HOLE)
    got = content.read_into(memoryview(block), 0)
    text = got - len(block[:got].lstrip(b"\0"))
    end = block.find(b"\n", text, got) + 1
    return (*head, mark_of(block[end - WINDOW : end], end)) if end > WINDOW else head


class Beginning(NamedTuple):
    """How far the beginning of a file agrees with that of another.

    Attributes:
        reached: the bytes that agree.
        is_whole: whether nothing after them contradicts: they are a whole window, or all but an
            incomplete last line. A repeated single line does not count: lines of one second look
            like that in any file.
    """

    reached: int
    is_whole: bool


def shared_beginning(trail: Trail, content: Comparable) -> Beginning:
    """Return how far a file's beginning agrees with a trail, also with other line ends."""
    first = first_of(content)
    beginning = _beginning(trail, first, content)
    if beginning.reached < ENOUGH:
        swapped = _beginning(trail, with_other_line_ends(first), content)
        return swapped if swapped.reached >= ENOUGH else beginning
    return beginning


def with_other_line_ends(text: bytes) -> bytes:
    """Convert line ends as ``unix2dos`` or ``dos2unix`` would."""
    if b"\r\n" in text:
        return text.replace(b"\r\n", b"\n")
    return text.replace(b"\n", b"\r\n")


def _beginning(trail: Trail, first: bytes, content: Windowed) -> Beginning:
    head = [mark for mark in trail if mark.at <= WINDOW]
    reached = 0
    for mark in head:
        if mark.at > len(first) or mark_of(first[: mark.at], mark.at) != mark:
            break
        reached = mark.at
    if reached and len(first[:reached].lstrip(b"\0")) < min(reached, ENOUGH):
        return _beginning_behind_hole(trail, content)
    text = first[reached:].split(b"\0", 1)[0]
    is_torn = len(first) < WINDOW or len(text) < len(first) - reached
    is_whole = bool(head) and (reached == head[-1].at or (is_torn and b"\n" not in text))
    return Beginning(reached, is_whole and not is_one_line_repeated(first[:reached]))


def _beginning_behind_hole(trail: Trail, content: Windowed) -> Beginning:
    """Return how far files that begin with zeros agree, by the first text that was read."""
    behind = (mark for mark in trail if mark.at > WINDOW and not is_of_zeros(mark))
    text = next(behind, None)
    agrees = text is not None and agreement([text], content) > 0
    return Beginning(text.at if text is not None and agrees else 0, agrees)


def is_of_zeros(mark: Mark) -> bool:
    """Return whether a mark is in a hole, as in a log that was truncated under its writer."""
    return mark.fingerprint == _ZEROS


def is_one_line_repeated(text: bytes, *, first: bytes | None = None) -> bool:
    """Return whether a text is one line repeated; for a later ``text``, the line of ``first``.

    The line must occur at least twice: many lines begin like the previous one.
    """
    length = (text if first is None else first).find(b"\n") + 1
    return 0 < 2 * length <= len(text) and text[length:] == text[:-length]


def last_line_end(content: Windowed, at: int) -> int:
    """Return the end of the last whole line before ``at``, or 0."""
    while at and (window := content.window(at)) is not None:
        newline = window.rfind(b"\n")
        if newline >= 0:
            return at - len(window) + newline + 1
        at -= len(window)
    return at


def shared_lines(content: Readable, at: int, other: Readable, other_at: int) -> int:
    """Return the bytes of the whole lines that two contents share from these offsets on."""
    one, two = memoryview(bytearray(_AT_ONCE)), memoryview(bytearray(_AT_ONCE))
    shared, more = 0, 1
    while more:
        here = one[: content.read_into(one, at + shared)]
        there = two[: other.read_into(two, other_at + shared)]
        pairs = zip(_lines(here), _lines(there), strict=False)
        more = sum(len(line) for line, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        shared += more
    return shared


def _lines(block: memoryview) -> list[bytes]:
    """Return the whole lines of a block."""
    return [line + b"\n" for line in bytes(block).split(b"\n")[:-1]]


def agreement(trail: Iterable[Mark], content: Windowed) -> int:
    """Return how far ``content`` is proved to be the file of the trail.

    Returns:
        The offset of the last mark within the content; 0 if there is none, or if one of them does
        not agree.
    """
    reached = 0
    for mark in trail:
        window = content.window(mark.at)
        if window is None:
            break
        if mark_of(window, mark.at) != mark:
            return 0
        reached = mark.at
    return reached
