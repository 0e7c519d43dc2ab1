"""The progress of each log's rotation, stored across restarts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from mailtally_collector.rotate.plan import LogFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.tail.discover import Found
    from mailtally_collector.tail.positions import Position


_NAME = "rotation"


class Stage(StrEnum):
    """The next step for a log."""

    WAITING = "waiting"  # do nothing until it is due
    NAMED = "named"  # rename it to the noted name
    RENAMED = "renamed"  # have its writer reopen its log


@dataclass(frozen=True, slots=True)
class Note:
    """The state of a log's last rotation.

    Attributes:
        at: start of the rotation in Unix seconds, or since when the log is known.
        stage: the next step.
        named: the second in the name of the newest rotated file.
        target: the new name of the log.
        device: the file system of the log.
        inode: the inode of the log.
    """

    at: float
    stage: Stage = Stage.WAITING
    named: int = 0
    target: str = ""
    device: int = 0
    inode: int = 0


_NOTES = TypeAdapter(dict[str, Note])


class Notes:
    """The notes on all logs, by the primary's path, in the state directory."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._notes = _NOTES.validate_json(spool.get_meta(_NAME) or "{}")

    def of(self, log: str) -> Note | None:
        """Return the note on a log, or ``None``."""
        return self._notes.get(log)

    def logs(self) -> list[str]:
        """Return the logs that have a note."""
        return sorted(self._notes)

    def put(self, log: str, note: Note) -> None:
        """Store a note; it is durable on return.

        Raises:
            Unavailable: the disk is full or fails; the former note remains.
        """
        notes = {**self._notes, log: note}
        self._spool.set_meta(_NAME, _NOTES.dump_json(notes).decode("ascii"))
        self._notes = notes


def as_seen(files: Iterable[Found], committed: Iterable[Position]) -> list[LogFile]:
    """Return a log's files as scanned, each compared with its position in the checkpoint."""
    read = {(p.device, p.inode): p.seal for p in committed if p.gone is None}
    return [
        LogFile(
            file.path,
            file.seal.size,
            is_packed=file.name.compressed,
            is_read=read.get((file.device, file.inode)) == file.seal,
        )
        for file in files
    ]
