"""Rename a log, and compress it once it is neither written to nor unread."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.tail.paths import path_of
from mailtally_collector.tail.positions import Seal
from mailtally_collector.tail.regular_file import open_file
from mailtally_shared.days.durable import sync_directory
from mailtally_shared.runtime.crash_points import crash_point

if TYPE_CHECKING:
    from mailtally_collector.rotate.notes import Note
    from mailtally_shared.runtime.backoff import Waiter


class Renamed(Enum):
    """The outcome of renaming a log."""

    DONE = "the log has its new name"
    TAKEN = "another file has that name"
    MOVED = "another process has moved the log"


def rename_log(log: str, note: Note) -> Renamed:
    """Rename a log to the noted name, unless that is done already.

    Raises:
        OSError: the directory does not allow it.
    """
    wanted = (note.device, note.inode)
    log, target = path_of(log), path_of(note.target)
    there = _inode(target)
    if there == wanted:
        return Renamed.DONE
    if there is not None:
        return Renamed.TAKEN
    if _inode(log) != wanted:
        return Renamed.MOVED
    os.rename(log, target)  # noqa: PTH104 - its name may be no UTF-8
    sync_directory(Path(target).parent)
    return Renamed.DONE


def _inode(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file at a path, or ``None``."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


_AT_ONCE = 2**20  # bytes compressed between two checks of the stop request
_LEVEL = 6  # gzip's default: half the time of level 9, and nearly as small


def pack(path: str, seal: Seal, stop: Waiter) -> bool:
    """Replace ``path`` by ``path.gz`` with its mode, its times and, where allowed, its owner.

    A crash leaves both files, or a temporary file next to them: the next attempt replaces either.
    While the plain file exists, the compressed one is not read.

    Args:
        path: the file.
        seal: the file's size and time when it was found to be complete.
        stop: the stop request.

    Returns:
        Whether it was done: not if the file has changed, or on a stop request.

    Raises:
        OSError: the disk fails, or the directory does not permit it.
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
    """Delete a file if it is unchanged, and return whether it was.

    Raises:
        OSError: the directory does not allow it.
    """
    if _seal(os.lstat(path_of(path))) != seal:
        return False
    os.unlink(path_of(path))  # noqa: PTH108 - its name may be no UTF-8
    return True


def _compress(plain: BinaryIO, temporary: Path, stop: Waiter) -> bool:
    """Compress to the temporary name, and return whether all of it is on disk."""
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
        # Only root may change a file's owner, and in a user namespace some owners are not mapped.
        with suppress(OSError):
            os.fchown(descriptor, original.st_uid, original.st_gid)
    os.fchmod(descriptor, original.st_mode & 0o7777)
    os.utime(descriptor, ns=(original.st_atime_ns, original.st_mtime_ns))


def _temporary(path: Path) -> Path:
    """Return a temporary name that no glob matches as a log."""
    return path.with_name(f".{path.name}.gz.tmp")


def _seal(found: os.stat_result) -> Seal:
    return Seal(found.st_size, found.st_mtime_ns)
