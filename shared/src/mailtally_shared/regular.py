"""Opening what may be anything: a file is read only if it is one, and no more of it than allowed.

In a directory that others write into, a name may be a pipe, whose opening would wait for a writer,
a link to elsewhere, a device, or a file without end.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What opening a link, a socket or a device without a driver ends with.
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.ENODEV)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading.

    Raises:
        FileNotFoundError: there is none.
        BadFile: ``not-a-file`` for a link, pipe, socket, device or directory.
    """
    # Without O_NONBLOCK a pipe in its place would hold the process up.
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
    """Return whether a name is that of a file, and not of a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def read_regular(path: Path, most: int) -> bytes:
    """Return what is in a file.

    Raises:
        FileNotFoundError: there is none.
        BadFile: ``not-a-file``, or ``too-large`` for more than ``most`` bytes.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(path, most)
    return content


@contextmanager
def open_packed(path: Path, most: int) -> Iterator[io.BufferedReader]:
    """Open a gzip file; reading more than ``most`` bytes out of it raises ``BadFile``."""
    with open_regular(path) as packed, gzip.GzipFile(fileobj=packed, mode="rb") as inner:
        yield io.BufferedReader(_Limited(inner, path, most))


class _Limited(io.RawIOBase):
    """A stream that ends in ``BadFile`` where it has given enough."""

    def __init__(self, inner: gzip.GzipFile, path: Path, most: int) -> None:
        self._inner, self._path, self._most = inner, path, most
        self._left = most

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as it is called
        """Read some bytes, counted."""
        some = self._inner.read1(len(buffer))
        self._left -= len(some)
        if self._left < 0:
            raise _too_large(self._path, self._most)
        buffer[: len(some)] = some
        return len(some)


def _not_a_file(path: Path) -> BadFile:
    return BadFile("not-a-file", path.name, "a link, pipe, device or directory, and not a file")


def _too_large(path: Path, most: int) -> BadFile:
    return BadFile("too-large", path.name, f"larger than the {most} bytes allowed")
