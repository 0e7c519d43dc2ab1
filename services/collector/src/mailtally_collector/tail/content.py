"""The bytes of a log file, plain or compressed with gzip; offsets count decompressed ones."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import deque
from typing import Protocol

from mailtally_collector.positions import Seal
from mailtally_collector.tail.identity import WINDOW

#: What reading may fail with: a disk's fault, or a gz file cut short or damaged.
READ_ERRORS = (OSError, EOFError, zlib.error)

_AT_ONCE = 2**17  # bytes decompressed in a go
_BEHIND = 2**17  # bytes kept to go back to: an incomplete line, and a window before it


class Content(Protocol):
    """An open file. Every method may raise one of ``READ_ERRORS``."""

    def identity(self) -> tuple[int, int]:
        """Device and inode."""

    def seal(self) -> Seal:
        """Size and time of change on disk, now."""

    def size(self) -> int:
        """Where the content ends, now."""

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; fewer bytes only where the content ends."""

    def window(self, at: int) -> bytes | None:
        """The up to ``WINDOW`` bytes before ``at``; ``None`` if it ends before ``at``."""

    def close(self) -> None:
        """Let go of the file."""


def open_content(path: str, *, compressed: bool) -> Content:
    """Open a file for reading.

    Raises:
        OSError: it is not there or not readable.
    """
    # Without O_NONBLOCK a pipe put in a log's place would hold everything up.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    return GzipContent(descriptor) if compressed else PlainContent(descriptor)


class _OnDisk:
    """What holds for the file itself, whatever is in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        stat = os.fstat(self._descriptor)
        return stat.st_dev, stat.st_ino

    def seal(self) -> Seal:
        """Size and time of change on disk, now."""
        stat = os.fstat(self._descriptor)
        return Seal(stat.st_size, stat.st_mtime_ns)


class PlainContent(_OnDisk):
    """A file as it lies there; it may grow while it is open."""

    def size(self) -> int:
        """Where the content ends, now."""
        return self.seal().size

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; fewer bytes only where the content ends."""
        got = 0
        while got < len(view):
            count = os.preadv(self._descriptor, [view[got:]], at + got)
            if count == 0:
                break
            got += count
        return got

    def window(self, at: int) -> bytes | None:
        """The up to ``WINDOW`` bytes before ``at``; ``None`` if it ends before ``at``."""
        length = min(at, WINDOW)
        window = os.pread(self._descriptor, length, at - length)
        return window if len(window) == length else None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class GzipContent(_OnDisk):
    """What is in a gz file, whole lines before a fault included.

    Going forward is cheap, and so is going back by a line; anything further back
    begins again at the start.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._raw = os.fdopen(descriptor, "rb")
        self._file = gzip.GzipFile(fileobj=self._raw, mode="rb")
        self._at = 0
        self._behind: deque[bytes] = deque()  # the bytes just before ``_at``, in pieces
        self._behind_from = 0  # the offset of the first of them
        self._fault: Exception | None = None

    def size(self) -> int:
        """Where the content ends, now."""
        while self._advance(_AT_ONCE):
            pass
        return self._at

    def read_into(self, view: memoryview, at: int) -> int:
        """Fill ``view`` from offset ``at`` on; fewer bytes only where the content ends."""
        self._go_to(at)
        behind = b"".join(self._behind)[at - self._behind_from :] if at < self._at else b""
        got = min(len(behind), len(view))
        view[:got] = behind[:got]
        while got < len(view) and (data := self._advance(len(view) - got, bool(got))):
            view[got : got + len(data)] = data
            got += len(data)
        return got

    def window(self, at: int) -> bytes | None:
        """The up to ``WINDOW`` bytes before ``at``; ``None`` if it ends before ``at``."""
        length = min(at, WINDOW)
        window = bytearray(length)
        got = self.read_into(memoryview(window), at - length)
        return bytes(window) if got == length else None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._raw.close()

    def _go_to(self, at: int) -> None:
        """Come to ``at``, or to where it is among the bytes behind, or to the end."""
        if at < self._behind_from:
            self._file.seek(0)
            self._behind.clear()
            self._at, self._behind_from, self._fault = 0, 0, None
        while self._at < at and self._advance(at - self._at):
            pass

    def _advance(self, most: int, have_some: bool = False) -> bytes:  # noqa: FBT001, FBT002 - private
        """The next bytes; none at the end.

        A fault waits until what was decompressed before it has been handed out.
        """
        if self._fault is None:
            try:
                data = self._file.read1(min(most, _AT_ONCE))
            except READ_ERRORS as fault:
                self._fault = fault
            else:
                if data:
                    self._keep(data)
                return data
        if have_some:
            return b""
        raise self._fault

    def _keep(self, data: bytes) -> None:
        self._at += len(data)
        self._behind.append(data)
        while self._at - self._behind_from - len(self._behind[0]) >= _BEHIND:
            self._behind_from += len(self._behind.popleft())
