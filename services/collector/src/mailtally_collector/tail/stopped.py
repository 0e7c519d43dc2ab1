"""The files whose reading was stopped, in a form that others can show. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position


class StopReason(StrEnum):
    """Why a file is not read on."""

    CHANGED = "changed"
    DIVERGED = "diverged"


_SENTENCES = {
    StopReason.CHANGED: "what was read of it is no longer in it, so it is unknown where to read on",
    StopReason.DIVERGED: "it begins as a log that is counted, and goes on differently",
}
_WITHOUT_STATE = "Name only the one of the two that is to be counted."


@dataclass(frozen=True, slots=True)
class StoppedLog:
    """A file that is not read on until a person settles where to.

    Attributes:
        path: where the file was last seen.
        reason: a ``StopReason``, as text.
        since: since when, Unix seconds.
        read: how many bytes of it had been read.
        state_dir: the collector's state directory; empty where nothing is kept of what was read.
    """

    path: str
    reason: str
    since: float
    read: int
    state_dir: str = ""

    @property
    def command(self) -> str:
        """The command that settles it, without its choice."""
        where = ("--state-dir", self.state_dir)
        return shlex.join(("mailtally-collector", "settle", *where, self.path))

    @property
    def sentence(self) -> str:
        """What happened, and what to do."""
        why = _SENTENCES.get(StopReason(self.reason), self.reason)
        advice = f"Choose where, with: {self.command}" if self.state_dir else _WITHOUT_STATE
        return f"{self.path} is not read on: {why}. Its lines are not counted. {advice}"


def stopped_among(positions: Iterable[Position], state_dir: str = "") -> tuple[StoppedLog, ...]:
    """Return the stopped files, by path."""
    stopped = (
        StoppedLog(p.path, p.stopped.reason, p.stopped.since, p.stopped.offset, state_dir)
        for p in positions
        if p.stopped is not None
    )
    return tuple(sorted(stopped, key=lambda log: log.path))
