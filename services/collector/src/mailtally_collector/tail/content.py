"""The bytes of a log file, plain or compressed; offsets count decompressed ones."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import Protocol

from mailtally_collector.compression import Compression, Damage, Decoder, compression_in
from mailtally_collector.paths import path_of
from mailtally_collector.positions import Seal
from mailtally_collector.regular_file import open_file
from mailtally_collector.tail.identity import WINDOW

#: What reading may fail with: a disk's fault, or a compressed file cut short or damaged.
READ_ERRORS = (OSError, Damage)

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

    def data_from(self, at: int) -> int:
        """Return where the next bytes lie that take room on disk; only NULs are between."""

    def close(self) -> None:
        """Let go of the file."""


def open_content(path: str) -> Content:
    """Open a file for reading; its first bytes tell whether it is compressed.

    Raises:
        OSError: it is not there, not readable, or nothing that is read.
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

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


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

    def data_from(self, at: int) -> int:
        """Return where the next bytes lie that take room on disk; only NULs are between."""
        if not hasattr(os, "SEEK_DATA"):
            return at
        try:
            return os.lseek(self._descriptor, at, os.SEEK_DATA)
        except OSError as error:
            # There are none up to the end, or the file system does not know of holes.
            return max(at, self.size()) if error.errno == errno.ENXIO else at


class PackedContent(_OnDisk):
    """What is in a compressed file, whole lines before a fault included.

    Going forward is cheap, and so is going back by a line; anything further back
    begins again at the start.
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

    def data_from(self, at: int) -> int:
        """Return ``at``: what is decompressed has no holes."""
        return at

    def _go_to(self, at: int) -> None:
        """Come to ``at``, or to where it is among the bytes behind, or to the end."""
        if at < self._behind_from:
            self._raw_at = 0
            self._decoder = Decoder(self._read_raw, self._compression)
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
