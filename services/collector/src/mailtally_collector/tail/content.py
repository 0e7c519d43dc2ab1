"""The bytes of a log file, plain or compressed; offsets count decompressed ones."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING, Protocol

from mailtally_collector.tail.compression import Compression, Damage, Decoder, compression_in
from mailtally_collector.tail.identity.fingerprints import WINDOW
from mailtally_collector.tail.paths import path_of
from mailtally_collector.tail.positions import Seal
from mailtally_collector.tail.regular_file import open_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.tail.positions import Position


#: The errors of reading: an I/O error, or a truncated or damaged compressed file.
READ_ERRORS = (OSError, Damage)

_AT_ONCE = 2**17  # bytes decompressed at once
_BEHIND = 2**17  # bytes kept for going back: an incomplete line, and a window before it


class Content(Protocol):
    """An open file. Every method may raise one of ``READ_ERRORS``."""

    def identity(self) -> tuple[int, int]:
        """Return device and inode."""

    def seal(self) -> Seal:
        """Return the present size and modification time on disk."""

    def size(self) -> int:
        """Return the present end of the content."""

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; return fewer bytes only at the end."""

    def window(self, at: int) -> bytes | None:
        """Return up to ``WINDOW`` bytes before ``at``, or ``None`` if the content ends before."""

    def data_from(self, at: int) -> int:
        """Return the offset of the next bytes that are not a hole; only NULs are before it."""

    def close(self) -> None:
        """Close the file."""


def open_content(path: str) -> Content:
    """Open a file for reading; its first bytes show whether it is compressed.

    Raises:
        OSError: it does not exist, is not readable, or has an unsupported compression.
    """
    descriptor = open_file(path_of(path))
    try:
        compression = compression_in(descriptor)
        _refuse(compression)
    except OSError:
        os.close(descriptor)
        raise
    return PackedContent(descriptor, compression) if compression else PlainContent(descriptor)


def _refuse(compression: Compression | None) -> None:
    if compression is not None and not compression.is_read:
        sentence = f"logs compressed with {compression.value} are not read"
        raise OSError(errno.EINVAL, sentence)


class _OnDisk:
    """The file itself, whatever its content."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def identity(self) -> tuple[int, int]:
        """Return device and inode."""
        stat = os.fstat(self._descriptor)
        return stat.st_dev, stat.st_ino

    def seal(self) -> Seal:
        """Return the present size and modification time on disk."""
        stat = os.fstat(self._descriptor)
        return Seal(stat.st_size, stat.st_mtime_ns)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class PlainContent(_OnDisk):
    """An uncompressed file; it may grow while it is open."""

    def size(self) -> int:
        """Return the present end of the content."""
        return self.seal().size

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; return fewer bytes only at the end."""
        got = 0
        while got < len(view):
            count = os.preadv(self._descriptor, [view[got:]], at + got)
            if count == 0:
                break
            got += count
        return got

    def window(self, at: int) -> bytes | None:
        """Return up to ``WINDOW`` bytes before ``at``, or ``None`` if the content ends before."""
        length = min(at, WINDOW)
        window = os.pread(self._descriptor, length, at - length)
        return window if len(window) == length else None

    def data_from(self, at: int) -> int:
        """Return the offset of the next bytes that are not a hole; only NULs are before it."""
        if not hasattr(os, "SEEK_DATA"):
            return at
        try:
            return os.lseek(self._descriptor, at, os.SEEK_DATA)
        except OSError as error:
            # There are no such bytes up to the end, or the file system has no holes.
            return max(at, self.size()) if error.errno == errno.ENXIO else at


class PackedContent(_OnDisk):
    """The content of a compressed file, including whole lines before a fault.

    Reading forward is cheap, and so is going back by a line; going further back starts again at the
    beginning of the file.
    """

    def __init__(self, descriptor: int, compression: Compression) -> None:
        super().__init__(descriptor)
        self._compression = compression
        self._raw_at = 0
        self._decoder = Decoder(self._read_raw, compression)
        self._at = 0
        self._behind: deque[bytes] = deque()  # the bytes just before ``_at``, in pieces
        self._behind_from = 0  # the offset of the first of them
        self._fault: Exception | None = None

    def size(self) -> int:
        """Return the present end of the content."""
        while self._advance(_AT_ONCE):
            pass
        return self._at

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; return fewer bytes only at the end."""
        self._go_to(at)
        behind = b"".join(self._behind)[at - self._behind_from :] if at < self._at else b""
        got = min(len(behind), len(view))
        view[:got] = behind[:got]
        while got < len(view) and (data := self._advance(len(view) - got, bool(got))):
            view[got : got + len(data)] = data
            got += len(data)
        return got

    def window(self, at: int) -> bytes | None:
        """Return up to ``WINDOW`` bytes before ``at``, or ``None`` if the content ends before."""
        length = min(at, WINDOW)
        window = bytearray(length)
        got = self.read_into(memoryview(window), at - length)
        return bytes(window) if got == length else None

    def data_from(self, at: int) -> int:
        """Return ``at``: decompressed content has no holes."""
        return at

    def _go_to(self, at: int) -> None:
        """Advance to ``at`` or to the end, unless ``at`` is among the bytes kept."""
        if at < self._behind_from:
            self._raw_at = 0
            self._decoder = Decoder(self._read_raw, self._compression)
            self._behind.clear()
            self._at, self._behind_from, self._fault = 0, 0, None
        while self._at < at and self._advance(at - self._at):
            pass

    def _advance(self, most: int, have_some: bool = False) -> bytes:  # noqa: FBT001, FBT002 - private
        """Return the next bytes, none at the end.

        A fault is raised after everything decompressed before it was returned.
        """
        if self._fault is None:
            try:
                data = self._decoder.read(min(most, _AT_ONCE))
            except READ_ERRORS as fault:
                self._fault = fault
            else:
                if data:
                    self._keep(data)
                return data
        if have_some:
            return b""
        raise self._fault

    def _read_raw(self, most: int) -> bytes:
        data = os.pread(self._descriptor, most, self._raw_at)
        self._raw_at += len(data)
        return data

    def _keep(self, data: bytes) -> None:
        self._at += len(data)
        self._behind.append(data)
        while self._at - self._behind_from - len(self._behind[0]) >= _BEHIND:
            self._behind_from += len(self._behind.popleft())


def lines_behind(position: Position, content: Content, at_once: int) -> Iterator[memoryview]:
    """Yield what was read of a file, in pieces of whole lines; each is valid until the next.

    A line longer than ``at_once`` bytes is omitted.
    """
    view = memoryview(bytearray(at_once))
    at = position.begin
    while at < position.offset:
        got = content.read_into(view[: min(at_once, position.offset - at)], at)
        if got == 0:
            return
        end = bytes(view[:got]).rfind(b"\n") + 1
        if end:
            yield view[:end]
        at += end or got
