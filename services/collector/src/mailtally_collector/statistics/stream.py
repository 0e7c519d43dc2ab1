"""Cut a log into pieces of whole lines, to its end or as far as it goes by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.parse.reasons import MAX_LINE
from mailtally_collector.statistics.opening import READ_ERRORS, content_of
from mailtally_collector.statistics.piece import BadLine, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

    from mailtally_collector.statistics.buffers import Buffers
from mailtally_collector.statistics.opening import Content


def _always() -> bool:
    return True


class Stream:
    """One log, read once from its beginning. For one thread.

    Args:
        path: how it is named to people.
        raw: the file.
        has_more: whether reading now would not block.
    """

    def __init__(
        self, path: str, raw: BufferedReader, has_more: Callable[[], bool] = _always
    ) -> None:
        self.path = path
        #: Why it cannot be read on, if so.
        self.damage: Exception | None = None
        #: Nothing was there to be read at the last look, and it was waited for.
        self.at_end = False
        self._raw = raw
        self._has_more = has_more
        self._content: Content | None = None
        self._rest = b""  # of a line whose end is not there yet
        self._offset = 0  # of that line
        self._overlong = 0  # bytes of it that were dropped

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """What has come since the last time, up to the last line feed."""
        while True:
            buffer = buffers.take()
            view = memoryview(buffer)
            view[: len(self._rest)] = self._rest
            filled = self._fill(view, len(self._rest))
            if filled == len(self._rest):
                buffers.give(buffer)
                return
            end = buffer.rfind(b"\n", 0, filled) + 1
            piece = self._piece(buffer, end) if end else None
            self._keep(view[end:filled])
            if piece is None:
                buffers.give(buffer)
            else:
                yield piece

    def unfinished(self) -> BadLine | None:
        """The last line, where it has no line feed: nothing follows any more."""
        return self._reject("unterminated", self._rest) if self._rest else None

    def rewind(self) -> None:
        """Begin anew: the file was emptied."""
        self._raw.seek(0)
        self._content = None
        self._rest, self._offset, self._overlong = b"", 0, 0

    def position(self) -> int:
        """Bytes of the file that were read; of what is no file, bytes of content."""
        try:
            return self._raw.tell()
        except OSError:
            return self._offset

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def _fill(self, view: memoryview, filled: int) -> int:
        """Read until ``view`` is full or there is no more for now."""
        try:
            while filled < len(view) and self._has_more():
                if self._content is None:
                    self._content = content_of(self._raw)
                got = self._content.readinto1(view[filled:])
                self.at_end = not got
                if not got:
                    break
                filled += got
        except READ_ERRORS as error:
            self.damage = error
            self._has_more = lambda: False
        return filled

    def _keep(self, rest: memoryview) -> None:
        """Remember the begun line; of an endless one, what is shown of it and no more.

        NULs in front of it are no part of it: they are what a hole in the file reads as.
        """
        if not self._overlong and len(rest) and not rest[0]:
            nuls = len(rest) - len(bytes(rest).lstrip(b"\0"))
            self._offset += nuls
            rest = rest[nuls:]
        kept = min(len(rest), MAX_LINE + 1)
        self._overlong += len(rest) - kept
        self._rest = bytes(rest[:kept])

    def _piece(self, buffer: bytearray, end: int) -> Piece:
        """The lines in a buffer, without the first where bytes of it were dropped."""
        start = 0
        rejects: tuple[BadLine, ...] = ()
        if self._overlong:
            start = buffer.find(b"\n") + 1
            rejects = (self._reject("too-long", bytes(buffer[: start - 1])),)
        offset, self._offset = self._offset + self._overlong, self._offset + self._overlong + end
        self._overlong = 0
        return Piece(self.path, offset + start, memoryview(buffer)[start:end], buffer, rejects)

    def _reject(self, reason: str, kept: bytes) -> BadLine:
        length = len(kept) + self._overlong
        return BadLine(self.path, self._offset, length, reason, kept[:MAX_LINE])
