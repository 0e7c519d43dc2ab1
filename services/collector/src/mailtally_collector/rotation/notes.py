"""How far the rotation of each log has come; outlives the process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from mailtally_collector.spool import Spool

_NAME = "rotation"


class Stage(StrEnum):
    """What is to be done next with a log."""

    WAITING = "waiting"  # nothing until it is due
    NAMED = "named"  # rename it to the name that is noted
    RENAMED = "renamed"  # have its writer open a new one


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a log's last rotation.

    Attributes:
        at: when it was begun, Unix seconds; or since when the log is known.
        stage: how far it has come.
        named: the second that the newest rotated file is named after.
        target: the name that the log was given.
        device: the file system that it is on.
        inode: its number there.
    """

    at: float
    stage: Stage = Stage.WAITING
    named: int = 0
    target: str = ""
    device: int = 0
    inode: int = 0


_NOTES = TypeAdapter(dict[str, Note])


class Notes:
    """The notes of all logs, by their primaries' paths, in the state directory."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._notes = _NOTES.validate_json(spool.get_meta(_NAME) or "{}")

    def of(self, log: str) -> Note | None:
        """What is known of a log."""
        return self._notes.get(log)

    def logs(self) -> list[str]:
        """The logs of which anything is known."""
        return sorted(self._notes)

    def put(self, log: str, note: Note) -> None:
        """Keep it for good when this returns.

        Raises:
            Unavailable: the disk is full or fails; the former note stands.
        """
        notes = {**self._notes, log: note}
        self._spool.set_meta(_NAME, _NOTES.dump_json(notes).decode("ascii"))
        self._notes = notes
