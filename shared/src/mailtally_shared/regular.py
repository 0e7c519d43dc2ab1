"""Opening names that may not be regular files, and reading no more than allowed.

In a directory that others write to, a name may be a pipe (opening it would wait for a writer), a
link to another place, a device, or a file without end.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: How opening a link, a socket or a device without a driver fails.
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.ENODEV)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: ``not-a-file`` for a link, pipe, socket, device or directory.
    """
    # Without O_NONBLOCK, opening a pipe would block until a writer appears.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise _not_a_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_a_file(path)
    return os.fdopen(descriptor, "rb")


def is_regular(path: Path) -> bool:
    """Return whether the path is a regular file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a file.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: ``not-a-file``, or ``too-large`` for more than ``most`` bytes.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(path, most)
    return content


@contextmanager
def open_packed(path: Path, most: int) -> Iterator[io.BufferedReader]:
    """Open a gzip file, of which more than ``most`` unpacked bytes cannot be read.

    Raises:
        FileNotFoundError: there is no such file.
        BadFile: ``not-a-file``; while reading ``too-large``, or ``bad-compression``.
    """
    with open_regular(path) as packed, gzip.GzipFile(fileobj=packed, mode="rb") as inner:
        yield io.BufferedReader(_Limited(inner, path, most))


class _Limited(io.RawIOBase):
    """A stream that raises ``BadFile`` after its limit of bytes, and where it is damaged."""

    def __init__(self, inner: gzip.GzipFile, path: Path, most: int) -> None:
        self._inner, self._path, self._most = inner, path, most
        self._left = most

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true: to go back, the file is unpacked again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position; the limit counts again from there."""
        self._left = self._most
        return self._inner.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as it is called
        """Read some bytes and count them towards the limit."""
        try:
            some = self._inner.read1(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            sentence = f"it cannot be unpacked: {error}"
            raise BadFile("bad-compression", self._path.name, sentence) from error
        self._left -= len(some)
        if self._left < 0:
            raise _too_large(self._path, self._most)
        buffer[: len(some)] = some
        return len(some)


def _not_a_file(path: Path) -> BadFile:
    return BadFile("not-a-file", path.name, "a link, pipe, device or directory, and not a file")


def _too_large(path: Path, most: int) -> BadFile:
    return BadFile("too-large", path.name, f"larger than the {most} bytes allowed")


#: Size limit of a file with settings or secrets, in bytes.
MOST: Final = 2**20


def read_text(path: Path, most: int = MOST) -> str:
    """Return the text of a UTF-8 file.

    A pipe is read to what was written so far; a pipe without a writer is empty.

    Raises:
        OSError: the file is missing, unreadable, too large, or neither a regular file nor a pipe.
        UnicodeDecodeError: the content is not UTF-8.
    """
    # Without O_NONBLOCK, opening a pipe would block the process at its start.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        os.set_blocking(descriptor, True)
        return _read(descriptor, most, path).decode("utf-8")
    finally:
        os.close(descriptor)


def _read(descriptor: int, most: int, path: Path) -> bytes:
    pieces, left = [], most + 1
    while left and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    if not left:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return b"".join(pieces)
