"""Is this the file that was read before? Pure.

Names change with every rotation, inodes are reused, first lines repeat. What stays is
the content. A *trail* is a handful of marks along the part that was read; each
is a hash of the bytes just before it. A file in which all marks are found is the same
file, and whatever lies before the last mark has been read. Bytes that were not read are
never part of a trail: they need no proof, as nothing of them was counted.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mailtally_collector.positions import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes that one mark covers: two or three lines with their times and process ids.
WINDOW = 256

#: Bytes that are proof where nothing speaks against it: a line with its time and process id.
ENOUGH = 64

_MOST_HEAD = 8  # ends of lines in the first window that get a mark
_LINE_FEED = 10
_HOLE = 2**20  # bytes in which the first text of a file is looked for

Trail = tuple[Mark, ...]


class Windowed(Protocol):
    """Something with bytes at offsets."""

    def window(self, at: int) -> bytes | None:
        """The up to ``WINDOW`` bytes before ``at``; ``None`` if it ends before ``at``."""


class Readable(Protocol):
    """Something that is read from an offset on."""

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; fewer bytes only where the content ends."""


class Comparable(Windowed, Readable, Protocol):
    """Something of which both its beginning and later bytes are compared."""


def mark_of(window: bytes | bytearray | memoryview, at: int) -> Mark:
    """The mark for the bytes before ``at``."""
    return Mark(at, blake2b(window, digest_size=16).hexdigest())


_ZEROS = mark_of(bytes(WINDOW), WINDOW).fingerprint


def head_marks(first: bytes | bytearray | memoryview, since: int = 0) -> Trail:
    """Return the marks in the first bytes of a file: at ends of lines, and behind a window.

    They prove how a file begins, also where it ends within its first window.

    Args:
        first: the file's first bytes, at most ``WINDOW`` of them count.
        since: leave out the marks up to here.
    """
    begins = bytes(first[:WINDOW])
    ends = [at for at in range(1, len(begins) + 1) if begins[at - 1] == _LINE_FEED][:_MOST_HEAD]
    places = sorted({*ends, *((WINDOW,) if len(begins) == WINDOW else ())})
    return tuple(mark_of(begins[:at], at) for at in places if at > since)


def trail_at(content: Windowed, at: int) -> Trail:
    """The trail of one who begins to read at ``at``: the first bytes, and those before it.

    Returns:
        No marks if ``at`` is 0, or if the content ends before ``at``.
    """
    first, last = content.window(min(at, WINDOW)), content.window(at)
    if not at or first is None or last is None:
        return ()
    head = [mark for mark in head_marks(first) if mark.at < at]
    return (*head, mark_of(last, at))


def extended(trail: Trail, mark: Mark) -> Trail:
    """The trail with a further mark, thinned.

    The marks of the first window and the newest stay. Between them one is kept for each power of
    four of the distance back from the newest: a copy that was cut short a while ago
    is still recognised, and a terabyte needs no more than thirty marks.
    """
    head = [m for m in trail if m.at <= WINDOW and m.at < mark.at]
    kept: dict[int, Mark] = {}
    for older in (m for m in trail if WINDOW < m.at < mark.at):
        kept.setdefault((mark.at - older.at).bit_length() // 2, older)
    return (*head[:_MOST_HEAD], *head[_MOST_HEAD:][-1:], *kept.values(), mark)


def ends_of(trail: Trail) -> Trail:
    """Return the two marks that a file read to its end needs: its beginning and its end.

    The beginning is the largest mark of the first window.
    """
    beginning = [mark for mark in trail if mark.at <= WINDOW][-1:]
    return tuple(dict.fromkeys((*beginning, *trail[-1:])))


def first_of(content: Readable) -> bytes:
    """Return the first bytes of a file, as many as a window has."""
    first = bytearray(WINDOW)
    return bytes(first[: content.read_into(memoryview(first), 0)])


def beginning_of(content: Comparable) -> Trail:
    """Return the marks of how a file begins; behind a hole, one at the end of the first line."""
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
    """How far a file begins as another one did.

    Attributes:
        reached: bytes that agree.
        is_whole: what is behind them does not contradict: it is a whole window, or all but the
            file's torn last line. One line over and over is no such beginning: what was written
            within the same second looks like that in any file.
    """

    reached: int
    is_whole: bool


def shared_beginning(trail: Trail, content: Comparable) -> Beginning:
    """Return how far a file begins as the trail says, be it with other line ends."""
    first = first_of(content)
    beginning = _beginning(trail, first, content)
    if beginning.reached < ENOUGH:
        swapped = _beginning(trail, with_other_line_ends(first), content)
        return swapped if swapped.reached >= ENOUGH else beginning
    return beginning


def with_other_line_ends(text: bytes) -> bytes:
    """Return lines as ``unix2dos`` and ``dos2unix`` would."""
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
    """Return how far files that begin with zeros agree: the first text that was read tells."""
    behind = (mark for mark in trail if mark.at > WINDOW and not is_of_zeros(mark))
    text = next(behind, None)
    agrees = text is not None and agreement([text], content) > 0
    return Beginning(text.at if text is not None and agrees else 0, agrees)


def is_of_zeros(mark: Mark) -> bool:
    """Return whether a mark lies in a hole, as every log that is truncated under its writer has."""
    return mark.fingerprint == _ZEROS


def is_one_line_repeated(text: bytes, *, first: bytes | None = None) -> bool:
    """Return whether a text is one line over and over; of a later ``text``, that of ``first``.

    It holds the line twice at least: many lines begin as the one before.
    """
    length = (text if first is None else first).find(b"\n") + 1
    return 0 < 2 * length <= len(text) and text[length:] == text[:-length]


def agreement(trail: Iterable[Mark], content: Windowed) -> int:
    """How far ``content`` is known to be what the trail was laid in.

    Returns:
        The offset of the last mark that it reaches; 0 if it reaches none, or if
        one of those it reaches is not found in it.
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
