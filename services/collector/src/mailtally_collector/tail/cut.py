"""Cut the next whole lines out of a file."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.rejects import LineReject
from mailtally_collector.tail.identity import WINDOW, mark_of, trail_at

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.identity import Trail

#: Of a line that is longer, so many bytes are kept. The parser refuses it for the same reason.
LONGEST_LINE = 65_536


class Replaced(Exception):
    """What was read before is not in the file any more."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What comes next in a file, up to ``end``; ``trail`` is to be added to the file's."""

    end: int
    trail: Trail
    data: memoryview
    rejects: tuple[LineReject, ...] = ()


class Cutter:
    """Cuts lines with buffers that go round.

    What it hands out holds until the next call, and with more than one buffer for as many pieces
    longer.
    """

    def __init__(
        self, chunk_size: int, longest_line: int = LONGEST_LINE, *, buffers: int = 1
    ) -> None:
        self._longest = longest_line
        size = WINDOW + max(chunk_size, longest_line + 1)
        self._buffers = deque(bytearray(size) for _ in range(buffers))
        self._take_next()

    def _take_next(self) -> None:
        self._buffers.rotate(-1)
        self._buffer = self._buffers[0]
        self._view = memoryview(self._buffer)

    def cut(self, file: Followed, content: Content, limit: int | None) -> Cut | None:
        """The next lines, or the next line that is none.

        The bytes before the offset are read again along with what follows it, and
        looked at: a file that was emptied and has grown past the offset since is noticed.

        Args:
            file: says how far it was read, and whether its end is the end.
            content: its bytes.
            limit: an offset to stop at, at which a line begins.

        Returns:
            ``None`` if no line is complete.

        Raises:
            Replaced: the bytes before the offset are others than before.
        """
        offset = file.position.offset
        before = min(WINDOW, offset)
        room = len(self._view) if limit is None else min(len(self._view), before + limit - offset)
        got = content.read_into(self._view[:room], offset - before)
        self._check_before(file, before, got)
        end = self._buffer.rfind(b"\n", before, got) + 1
        if end:
            cut_at = offset + end - before
            last = mark_of(self._view[max(0, end - WINDOW) : end], cut_at)
            trail = (last,) if offset else (*self._head(end), last)
            data = self._view[before:end]
            self._take_next()
            return Cut(cut_at, trail, data)
        if got == len(self._view):
            return self._cut_long_line(file, content)
        if file.ended and got > before:
            return self._reject(file, content, offset + got - before, "unterminated")
        return None

    def _head(self, end: int) -> Trail:
        """The mark for the first bytes of a file; none where the last one covers them."""
        return (mark_of(self._view[:WINDOW], WINDOW),) if end > WINDOW else ()

    def _check_before(self, file: Followed, before: int, got: int) -> None:
        trail, offset = file.position.trail, file.position.offset
        expected = next((mark for mark in trail if mark.at == offset), None)
        if got < before or (expected and mark_of(self._view[:before], offset) != expected):
            raise Replaced

    def _cut_long_line(self, file: Followed, content: Content) -> Cut | None:
        """A line longer than the buffer, once its end is there."""
        end, found = self._search(content, max(file.searched, file.position.offset))
        if found:
            return self._reject(file, content, end, "too-long")
        file.searched = end
        return self._reject(file, content, end, "unterminated") if file.ended else None

    def _search(self, content: Content, at: int) -> tuple[int, bool]:
        """Where the next line feed is and ``True``, or the end of the content and ``False``."""
        while got := content.read_into(self._view, at):
            found = self._buffer.find(b"\n", 0, got)
            if found >= 0:
                return at + found, True
            at += got
        return at, False

    def _reject(self, file: Followed, content: Content, end: int, reason: str) -> Cut | None:
        """The bytes up to ``end`` as one line that is not counted."""
        offset = file.position.offset
        # A gz file's fault shows only here, behind what could be decompressed.
        if reason == "unterminated" and content.read_into(self._view[:1], end):
            return None
        kept = self._view[: min(self._longest, end - offset)]
        got = content.read_into(kept, offset)
        behind = end if reason == "unterminated" else end + 1
        trail = trail_at(content, behind)
        if not trail or got < len(kept):
            raise Replaced
        line = LineReject(file.position.path, offset, end - offset, reason, bytes(kept))
        return Cut(behind, trail[-1:] if offset else trail, self._view[:0], (line,))
