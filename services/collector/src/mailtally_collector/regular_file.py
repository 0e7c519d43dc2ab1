"""Open a file that an operator named without waiting for it, whatever it turns out to be."""

from __future__ import annotations

import errno
import os
import stat

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_OTHERWISE = "no regular file"
#: What something that is no regular file is called.
NO_FILES = (*_KINDS.values(), _OTHERWISE)


def open_file(path: str, *, or_pipe: bool = False) -> int:
    """Open a regular file, or a pipe where that is allowed, and return its descriptor.

    A pipe to which no process writes is at its end.

    Raises:
        OSError: it is not there, not readable, or no regular file.
    """
    # Without O_NONBLOCK a pipe in a log's place would hold everything up.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    kind = None if or_pipe and stat.S_ISFIFO(mode) else kind_of_file(mode)
    if kind is not None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {kind}")
    os.set_blocking(descriptor, True)
    return descriptor


def kind_of_file(mode: int) -> str | None:
    """Return what a file is, such as ``a directory``; ``None`` for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), _OTHERWISE)
