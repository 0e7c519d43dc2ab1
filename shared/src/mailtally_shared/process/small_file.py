"""Read a small file that an operator named, without waiting for it, whatever it turns out to be."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of a file with settings or secrets, at most.
MOST: Final = 2**20


def read_text(path: Path, most: int = MOST) -> str:
    """Return a file's text, which is UTF-8.

    A pipe is read as far as it was written; one to which no process writes is empty.

    Raises:
        OSError: it is not there, not readable, too large, or neither a file nor a pipe.
        UnicodeDecodeError: it is no UTF-8.
    """
    # Without O_NONBLOCK a pipe in its place would hold the process up before it has begun.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
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
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(path))
    return b"".join(pieces)
