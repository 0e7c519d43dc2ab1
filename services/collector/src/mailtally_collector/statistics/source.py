"""Read a log, plain or compressed, in pieces of whole lines, to its end or as far as it goes now.

Its first bytes tell how a log is compressed. Buffers go round: as many as pieces are under way.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, cast

from mailtally_collector.formats.engine.reasons import MAX_LINE
from mailtally_collector.statistics.piece import BadLine, Piece
from mailtally_collector.tail.compression import HEAD, Damage, Decoder, compression_of
from mailtally_collector.tail.regular_file import open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

#: Stands for standard input.
STANDARD_INPUT: Final = "-"
#: What reading may fail with: a disk's fault, or a compressed file cut short or damaged.
READ_ERRORS: Final = (OSError, Damage)
#: Bytes of a log that one thread works on at a time.
BUFFER_SIZE: Final = 8 * 2**20


class Buffers:
    """Hands out buffers, used ones first. For one thread."""

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self._size = size
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        """Return a buffer that is not in use; its content is undefined."""
        return self._free.pop() if self._free else bytearray(self._size)

    def give(self, buffer: bytearray) -> None:
        """Take back a buffer that is no longer read."""
        self._free.append(buffer)


def open_raw(path: str) -> BufferedReader:
    """Open the file without decompression, or standard input.

    Raises:
        OSError: it is not there, not readable, or neither a file nor a pipe.
    """
    if path == STANDARD_INPUT:
        return cast("BufferedReader", sys.stdin.buffer)
    return open(open_file(path, or_pipe=True), "rb")  # noqa: PTH123 - Path.open takes no descriptor


def content_of(raw: BufferedReader) -> Callable[[memoryview], int]:
    """Return a function that reads what is in a file, decompressed where it is compressed.

    It fills some of a view, and returns 0 at the end. It never waits for more than there is, and
    returns what it has read before it raises an error.

    Raises:
        Damage: it is compressed in a way that is not read.
    """
    head = raw.peek(HEAD)
    compression = compression_of(head[:HEAD])
    if compression is None:
        return _plain(raw, len(head))
    if not compression.is_read:
        raise Damage(f"logs compressed with {compression.value} are not read")
    decoder = Decoder(raw.read1, compression)

    def read(view: memoryview) -> int:
        data = decoder.read(len(view))
        view[: len(data)] = data
        return len(data)

    return read


def _plain(raw: BufferedReader, held: int) -> Callable[[memoryview], int]:
    def read(view: memoryview) -> int:
        # Asked for more than it holds, the reader would go to the file again, and wait.
        nonlocal held
        at_once, held = held, 0
        return raw.readinto1(view[:at_once] if at_once else view)

    return read


class Stream:
    """One log, read once from its beginning. For one thread.

    Args:
        path: how it is named to people.
        raw: the file.
        has_more: whether reading now would not block.
    """

    def __init__(
        self, path: str, raw: BufferedReader, has_more: Callable[[], bool] = lambda: True
    ) -> None:
        self.path = path
        #: Why it cannot be read on, if so.
        self.damage: Exception | None = None
        #: Nothing was there to be read at the last look, and it was waited for.
        self.at_end = False
        self._raw = raw
        self._has_more = has_more
        self._content: Callable[[memoryview], int] | None = None
        self._rest = b""  # of a line whose end is not there yet
        self._offset = 0  # of that line
        self._overlong = 0  # bytes of it that were dropped

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """Return what was written since the last call, up to the last line feed."""
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
        """Return the last line if it has no line feed, at the end of input."""
        return self._reject("unterminated", self._rest) if self._rest else None

    def rewind(self) -> None:
        """Read from the beginning again: the file was emptied."""
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
                got = self._content(view[filled:])
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
        """Return the lines in a buffer, without the first if bytes of it were dropped."""
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
