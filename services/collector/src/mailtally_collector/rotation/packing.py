"""Compress a rotated log, or delete it: only as long as nobody has written to it."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.paths import path_of
from mailtally_collector.positions import Seal
from mailtally_collector.regular_file import open_file
from mailtally_shared.day_files.durable import sync_directory
from mailtally_shared.process.crash_points import crash_point

if TYPE_CHECKING:
    from mailtally_shared.process.backoff import Waiter

_AT_ONCE = 2**20  # bytes compressed between two looks at the request to stop
_LEVEL = 6  # what gzip itself takes: half the time of the best, and nearly as small


def pack(path: str, seal: Seal, stop: Waiter) -> bool:
    """Put ``path.gz`` in place of ``path``, with its mode, its times and, where allowed, its owner.

    A crash leaves both, or a temporary file beside: the next attempt replaces either. As long as
    the plain file is there, nobody reads the compressed one.

    Args:
        path: the file.
        seal: how it looks when nobody has written to it.
        stop: ends the work.

    Returns:
        Whether it was done: not if it looks different, or on a request to stop.

    Raises:
        OSError: the disk or the directory does not allow it.
    """
    place = Path(path_of(path))
    target, temporary = place.with_name(f"{place.name}.gz"), _temporary(place)
    try:
        with open(open_file(path_of(path)), "rb") as plain:  # noqa: PTH123 - Path.open takes no descriptor
            if not _compress(plain, temporary, stop):
                return False
            if _seal(os.fstat(plain.fileno())) != seal:
                return False
            temporary.replace(target)
            sync_directory(target.parent)
            crash_point(CrashAt.LOG_PACKED)
            return remove(path, seal)
    finally:
        temporary.unlink(missing_ok=True)


def remove(path: str, seal: Seal) -> bool:
    """Delete a file that looks as it did; returns whether it did.

    Raises:
        OSError: the directory does not allow it.
    """
    if _seal(os.lstat(path_of(path))) != seal:
        return False
    os.unlink(path_of(path))  # noqa: PTH108 - its name may be no UTF-8
    return True


def _compress(plain: BinaryIO, temporary: Path, stop: Waiter) -> bool:
    """Whether all of it is on disk under the temporary name."""
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as packed:  # noqa: PTH123 - Path.open takes no descriptor
        with gzip.GzipFile("", "wb", _LEVEL, packed, mtime=0) as file:
            while piece := plain.read(_AT_ONCE):
                if stop.requested:
                    return False
                file.write(piece)
        packed.flush()
        _liken(descriptor, os.fstat(plain.fileno()))
        os.fsync(descriptor)
    return True


def _liken(descriptor: int, original: os.stat_result) -> None:
    ours = os.fstat(descriptor)
    if (ours.st_uid, ours.st_gid) != (original.st_uid, original.st_gid):
        # Only root may give a file away, and in a user namespace others have no number.
        with suppress(OSError):
            os.fchown(descriptor, original.st_uid, original.st_gid)
    os.fchmod(descriptor, original.st_mode & 0o7777)
    os.utime(descriptor, ns=(original.st_atime_ns, original.st_mtime_ns))


def _temporary(path: Path) -> Path:
    """A name that no glob takes for a log's."""
    return path.with_name(f".{path.name}.gz.tmp")


def _seal(found: os.stat_result) -> Seal:
    return Seal(found.st_size, found.st_mtime_ns)
