"""Cut the next whole lines out of a file."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.compression import HEAD, compression_of
from mailtally_collector.rejects import LineReject
from mailtally_collector.tail.identity import WINDOW, head_marks, mark_of, trail_at
from mailtally_collector.tail.last_lines import last_lines

if TYPE_CHECKING:
    from mailtally_collector.positions import LastLines
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.identity import Trail

#: Of a line that is longer, so many bytes are kept. The parser refuses it for the same reason.
LONGEST_LINE = 65_536

#: How far before the end of a piece it gets marks.
_DISTANCES = tuple(4**power for power in range(5, 13))


class Replaced(Exception):
    """What was read before is not in the file any more."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What comes next in a file, up to ``end``; ``trail`` is to be added to the file's.

    ``nuls`` bytes in front of it were skipped: a hole in the file.
    ``lines`` are its last lines: one who writes may lose them.
    """

    end: int
    trail: Trail
    data: memoryview
    rejects: tuple[LineReject, ...] = ()
    nuls: int = 0
    lines: LastLines | None = None


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
        got = self._fill(content, offset, limit)
        self._check_before(file, before, got)
        if not offset and compression_of(bytes(self._view[: min(got, HEAD)])):
            raise Replaced  # it was empty when it was opened
        if got == before or self._buffer[before]:
            return self._cut_at(offset, got, file, content, limit)
        begin = self._behind_nuls(content, max(offset, file.nuls_to), limit)
        got = self._fill(content, begin, limit)
        if got > min(WINDOW, begin):
            return self._cut_at(begin, got, file, content, limit)
        file.nuls_to = begin
        return self._cut_nuls(begin, file, content) if file.ended else None

    def _fill(self, content: Content, begin: int, limit: int | None) -> int:
        """Read the window before ``begin``, and what follows it as far as there is room."""
        before = min(WINDOW, begin)
        room = len(self._view) if limit is None else min(len(self._view), before + limit - begin)
        return content.read_into(self._view[:room], begin - before)

    def _behind_nuls(self, content: Content, at: int, limit: int | None) -> int:
        """Return where the NULs that reach to ``at`` at least end."""
        while limit is None or at < limit:
            at = content.data_from(at)
            got = content.read_into(self._view, at)
            nuls = got - len(self._buffer[:got].lstrip(b"\0"))
            at += nuls
            if nuls < got or not got:
                break
        return at if limit is None else min(at, limit)

    def _cut_at(
        self, begin: int, got: int, file: Followed, content: Content, limit: int | None
    ) -> Cut | None:
        """Return the lines that begin at ``begin``; the buffer has them and the window before."""
        offset = file.position.offset
        before = min(WINDOW, begin)
        end = self._buffer.rfind(b"\n", before, got) + 1
        if end:
            cut_at = begin + end - before
            last = mark_of(self._view[max(0, end - WINDOW) : end], cut_at)
            inner = self._inner(begin, before, end)
            trail = (*self._head(offset, begin, end, content), *inner, last)
            data = self._view[before:end]
            lines = self._last_lines(file, begin, end) if limit is None else None
            self._take_next()
            return Cut(cut_at, trail, data, nuls=begin - offset, lines=lines)
        if got == len(self._view):
            return self._cut_long_line(begin, file, content)
        if file.ended and got > before:
            return self._reject(begin, file, content, begin + got - before, "unterminated")
        return None

    def _cut_nuls(self, end: int, file: Followed, content: Content) -> Cut | None:
        """Return the rest of a file that has ended, where that is NULs and no more."""
        # As with the rest of a line, the fault of a compressed file shows only behind it.
        if content.read_into(self._view[:1], end):
            return None
        offset, trail = file.position.offset, trail_at(content, end)
        if not trail:
            raise Replaced
        marks = trail[-1:] if offset else trail
        return Cut(end, marks, self._view[:0], nuls=end - offset)

    def _head(self, offset: int, begin: int, end: int, content: Content) -> Trail:
        """Return the marks for the first bytes of a file, as far as they were not read before."""
        if offset >= WINDOW:
            return ()
        if begin > WINDOW:
            return trail_at(content, WINDOW)  # the buffer begins behind them
        return tuple(m for m in head_marks(self._view[:end], offset) if m.at < end)

    def _inner(self, begin: int, before: int, end: int) -> Trail:
        """Return marks within a piece, closer together near its end, because that may be lost."""
        places: list[int] = []
        for distance in _DISTANCES:
            place = self._buffer.rfind(b"\n", before, max(before, end - distance)) + 1
            if place <= before + WINDOW:
                break
            places.insert(0, place)
        shift = begin - before
        return tuple(mark_of(self._view[p - WINDOW : p], p + shift) for p in places)

    def _last_lines(self, file: Followed, begin: int, end: int) -> LastLines:
        """Return the last lines before ``end`` in the buffer, which is at ``begin`` in the file."""
        hole, former = begin - file.position.offset, file.position.lines
        return last_lines(self._buffer, min(WINDOW, begin), end, former, hole)

    def _check_before(self, file: Followed, before: int, got: int) -> None:
        trail, offset = file.position.trail, file.position.offset
        expected = next((mark for mark in trail if mark.at == offset), None)
        if got < before or (expected and mark_of(self._view[:before], offset) != expected):
            raise Replaced

    def _cut_long_line(self, begin: int, file: Followed, content: Content) -> Cut | None:
        """A line longer than the buffer, once its end is there."""
        end, found = self._search(content, max(file.searched, begin))
        if found:
            return self._reject(begin, file, content, end, "too-long")
        file.searched = end
        return self._reject(begin, file, content, end, "unterminated") if file.ended else None

    def _search(self, content: Content, at: int) -> tuple[int, bool]:
        """Where the next line feed is and ``True``, or the end of the content and ``False``."""
        while got := content.read_into(self._view, at):
            found = self._buffer.find(b"\n", 0, got)
            if found >= 0:
                return at + found, True
            at += got
        return at, False

    def _reject(
        self, begin: int, file: Followed, content: Content, end: int, reason: str
    ) -> Cut | None:
        """Return the bytes from ``begin`` to ``end`` as one line that is not counted."""
        offset = file.position.offset
        # The fault of a compressed file shows only here, behind what could be decompressed.
        if reason == "unterminated" and content.read_into(self._view[:1], end):
            return None
        kept = self._view[: min(self._longest, end - begin)]
        got = content.read_into(kept, begin)
        behind = end if reason == "unterminated" else end + 1
        trail = trail_at(content, behind)
        if not trail or got < len(kept):
            raise Replaced
        line = LineReject(file.position.path, begin, end - begin, reason, bytes(kept))
        marks = trail[-1:] if offset else trail
        return Cut(behind, marks, self._view[:0], (line,), nuls=begin - offset)
