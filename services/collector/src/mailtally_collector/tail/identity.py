"""Is this the file that was read before? Pure.

Names change with every rotation, inodes are reused, first lines repeat. What stays is
the content. A *trail* is a handful of marks along the part that was read; each
is a hash of the bytes just before it. A file in which all marks are found is the same
file, and whatever lies before the last mark has been read. Bytes that were not read are
never part of a trail: they need no proof, as nothing of them was counted.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from mailtally_collector.positions import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes that one mark covers: two or three lines with their times and process ids.
WINDOW = 256

Trail = tuple[Mark, ...]


class Windowed(Protocol):
    """Something with bytes at offsets."""

    def window(self, at: int) -> bytes | None:
        """The up to ``WINDOW`` bytes before ``at``; ``None`` if it ends before ``at``."""


def mark_of(window: bytes | bytearray | memoryview, at: int) -> Mark:
    """The mark for the bytes before ``at``."""
    return Mark(at, blake2b(window, digest_size=16).hexdigest())


def trail_at(content: Windowed, at: int) -> Trail:
    """The trail of one who begins to read at ``at``: the first bytes, and those before it.

    Returns:
        No marks if ``at`` is 0, or if the content ends before ``at``.
    """
    places = {min(at, WINDOW), at} - {0}
    windows = [(content.window(place), place) for place in sorted(places)]
    marks = tuple(mark_of(window, place) for window, place in windows if window is not None)
    return marks if len(marks) == len(places) else ()


def extended(trail: Trail, mark: Mark) -> Trail:
    """The trail with a further mark, thinned.

    The first mark and the newest stay. Between them one is kept for each power of four
    of the distance back from the newest: a copy that was cut short a while ago
    is still recognised, and a terabyte needs no more than twenty marks.
    """
    kept: dict[int, Mark] = {}
    for older in (m for m in trail[1:] if m.at < mark.at):
        kept.setdefault((mark.at - older.at).bit_length() // 2, older)
    return tuple(sorted({*trail[:1], *kept.values(), mark}, key=_at))


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


def _at(mark: Mark) -> int:
    return mark.at
