"""Cut the next whole lines out of a file."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.tail.compression import HEAD, compression_of
from mailtally_collector.tail.identity.fingerprints import (
    DISTANCES,
    WINDOW,
    head_marks,
    mark_of,
    trail_at,
)
from mailtally_collector.tail.identity.last_lines import last_lines

if TYPE_CHECKING:
    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.identity.fingerprints import Trail
    from mailtally_collector.tail.positions import LastLines

#: Bytes kept of a longer line. The parser has the same limit.
LONGEST_LINE = 65_536


class Replaced(Exception):
    """The error that what was read before is no longer in the file."""


@dataclass(frozen=True, slots=True)
class LineReject:
    """A rejected line.

    Attributes:
        path: the log file.
        offset: the offset of the line there.
        length: its length in bytes, without the line feed.
        reason: one lower-case token.
        kept: its text, up to a maximum length.
    """

    path: str
    offset: int
    length: int
    reason: str
    kept: bytes

    def to_json(self, number: int) -> str:
        """Return the line for the reject file."""
        fields = {
            "number": number,
            "file": self.path,
            "offset": self.offset,
            "length": self.length,
            "reason": self.reason,
            "line": self.kept.decode("latin-1"),
        }
        return json.dumps(fields) + "\n"


@dataclass(frozen=True, slots=True)
class Cut:
    """The next piece of a file, up to ``end``; ``trail`` is to be added to the file's.

    ``nuls`` bytes before it were skipped: a hole in the file. ``lines`` are its last lines, which a
    power failure may take.
    """

    end: int
    trail: Trail
    data: memoryview
    rejects: tuple[LineReject, ...] = ()
    nuls: int = 0
    lines: LastLines | None = None


class Cutter:
    """A cutter of lines with rotating buffers.

    A piece is valid until the next call, or with several buffers for as many further calls.
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
        """Return the next whole lines, or the next line that is rejected.

        The bytes before the offset are read again and compared, so that a file is noticed that was
        emptied and has grown past the offset since.

        Args:
            file: its position, and whether it has ended.
            content: its content.
            limit: the offset of a line to stop at.

        Returns:
            ``None`` if no line is complete.

        Raises:
            Replaced: the bytes before the offset have changed.
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
        """Read the window before ``begin``, and as much after it as there is room for."""
        before = min(WINDOW, begin)
        room = len(self._view) if limit is None else min(len(self._view), before + limit - begin)
        return content.read_into(self._view[:room], begin - before)

    def _behind_nuls(self, content: Content, at: int, limit: int | None) -> int:
        """Return the end of the NULs that reach at least to ``at``."""
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
            if any(mark.at == cut_at and mark != last for mark in file.position.ends):
                raise Replaced
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
        """Return the rest of a file that has ended, if that is only NULs."""
        # As with an incomplete line, the fault of a compressed file shows only after it.
        if content.read_into(self._view[:1], end):
            return None
        offset, trail = file.position.offset, trail_at(content, end)
        if not trail:
            raise Replaced
        marks = trail[-1:] if offset else trail
        return Cut(end, marks, self._view[:0], nuls=end - offset)

    def _head(self, offset: int, begin: int, end: int, content: Content) -> Trail:
        """Return the marks of a file's first bytes, as far as they were not read before."""
        if offset >= WINDOW:
            return ()
        if begin > WINDOW:
            return trail_at(content, WINDOW)  # the buffer begins after them
        return tuple(m for m in head_marks(self._view[:end], offset) if m.at < end)

    def _inner(self, begin: int, before: int, end: int) -> Trail:
        """Return marks within a piece, denser towards its end, because that may be lost."""
        places: list[int] = []
        for distance in DISTANCES:
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
        """Reject a line longer than the buffer, once it is complete."""
        end, found = self._search(content, max(file.searched, begin))
        if found:
            return self._reject(begin, file, content, end, "too-long")
        file.searched = end
        return self._reject(begin, file, content, end, "unterminated") if file.ended else None

    def _search(self, content: Content, at: int) -> tuple[int, bool]:
        """Return the next line feed and ``True``, or the end of the content and ``False``."""
        while got := content.read_into(self._view, at):
            found = self._buffer.find(b"\n", 0, got)
            if found >= 0:
                return at + found, True
            at += got
        return at, False

    def _reject(
        self, begin: int, file: Followed, content: Content, end: int, reason: str
    ) -> Cut | None:
        """Return the bytes from ``begin`` to ``end`` as one rejected line."""
        offset = file.position.offset
        # The fault of a compressed file shows only here, after what could be decompressed.
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
        is_whole = reason == "unterminated" and got == end - begin
        hole, former = begin - offset, file.position.lines
        lines = last_lines(line.kept, 0, got, former, hole) if is_whole else None
        return Cut(behind, marks, self._view[:0], (line,), nuls=hole, lines=lines)
