"""Put a log aside: one rename, of which can be seen afterwards whether it was done."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.paths import path_of
from mailtally_shared.day_files.durable import sync_directory

if TYPE_CHECKING:
    from mailtally_collector.rotation.notes import Note


class Aside(Enum):
    """What became of it."""

    DONE = "the log has its new name"
    TAKEN = "another file has that name"
    MOVED = "somebody else has moved the log"


def put_aside(log: str, note: Note) -> Aside:
    """Rename a log to what was noted, unless that is done already.

    Raises:
        OSError: the directory does not allow it.
    """
    wanted = (note.device, note.inode)
    log, target = path_of(log), path_of(note.target)
    there = _inode(target)
    if there == wanted:
        return Aside.DONE
    if there is not None:
        return Aside.TAKEN
    if _inode(log) != wanted:
        return Aside.MOVED
    os.rename(log, target)  # noqa: PTH104 - its name may be no UTF-8
    sync_directory(Path(target).parent)
    return Aside.DONE


def _inode(path: str) -> tuple[int, int] | None:
    """Device and inode of what bears a name; ``None`` if nothing does."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
