"""Stopped logs, and the sentences that report them. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.positions import Position


class StopReason(StrEnum):
    """The reason why reading of a file is stopped."""

    CHANGED = "changed"
    DIVERGED = "diverged"


_SENTENCES = {
    StopReason.CHANGED: "what was read of it is no longer in it, so it is unknown where to resume",
    StopReason.DIVERGED: "it begins like a log that is counted, and continues differently",
}
_WITHOUT_STATE = "Name only the one of the two that is to be counted."


@dataclass(frozen=True, slots=True)
class StoppedLog:
    """A file whose reading is stopped until an operator settles where to resume.

    Attributes:
        path: the last known path of the file.
        reason: a ``StopReason``, as text.
        since: the time of the stop in Unix seconds.
        read: the bytes of it that had been read.
        state_dir: the collector's state directory; empty if there is none.
    """

    path: str
    reason: str
    since: float
    read: int
    state_dir: str = ""

    @property
    def command(self) -> str:
        """Return the command that settles it, without the choice of an option."""
        where = ("--state-dir", self.state_dir)
        return shlex.join(("mailtally-collector", "settle", *where, self.path))

    @property
    def sentence(self) -> str:
        """Return a sentence that says what happened and what to do."""
        why = _SENTENCES.get(StopReason(self.reason), self.reason)
        advice = f"Choose where, with: {self.command}" if self.state_dir else _WITHOUT_STATE
        return f"{self.path} is stopped: {why}. Its lines are not counted. {advice}"


def stopped_among(positions: Iterable[Position], state_dir: str = "") -> tuple[StoppedLog, ...]:
    """Return the stopped files, by path."""
    stopped = (
        StoppedLog(p.path, p.stopped.reason, p.stopped.since, p.stopped.offset, state_dir)
        for p in positions
        if p.stopped is not None
    )
    return tuple(sorted(stopped, key=lambda log: log.path))
