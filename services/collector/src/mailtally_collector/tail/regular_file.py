"""Open a file named by an operator without blocking, whatever kind of file it is."""

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
_OTHERWISE = "not a regular file"
#: The names of files that are not regular.
NO_FILES = (*_KINDS.values(), _OTHERWISE)


def open_file(path: str, *, or_pipe: bool = False) -> int:
    """Open a regular file, or a pipe if allowed, and return its descriptor.

    A pipe without a writer is at its end.

    Raises:
        OSError: it does not exist, is not readable, or is not a regular file.
    """
    # Without O_NONBLOCK, a pipe in place of a log would block the process.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    kind = None if or_pipe and stat.S_ISFIFO(mode) else kind_of_file(mode)
    if kind is not None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {kind}")
    os.set_blocking(descriptor, True)
    return descriptor


def kind_of_file(mode: int) -> str | None:
    """Return the kind of a file, such as ``a directory``, or ``None`` for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), _OTHERWISE)
