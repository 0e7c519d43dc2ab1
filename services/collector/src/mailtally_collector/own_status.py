"""Compose the status document from what the parts of a collector know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.wire.status import (
    LONGEST_SENTENCE,
    PatternStatus,
    StatusDocument,
    Trouble,
    printable,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.lines_seen import LinesSeen
    from mailtally_collector.tail import LogsFound, LogTrouble

_MIB = 2**20
_LATEST_TIME = 2**40
#: Most items of each kind that are passed on; the document itself drops what does not fit.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """A renderer of the present status document; safe to call from any thread.

    Attributes:
        release: this collector's version.
        since: Unix seconds of its start.
        found: what the last scan of the directories found.
        seen: the lines read.
        stated: converts the process's steady time to the time of the machine's clock.
    """

    release: str
    since: float
    found: Callable[[], LogsFound]
    seen: LinesSeen
    stated: Callable[[float], float] = float

    def __call__(self) -> str:
        """Return the encoded document; an empty one before the first scan of the directories."""
        found = self.found()
        if not found.patterns:
            return ""
        logs = self.seen.logs(found.logs)
        troubles = (*map(self._trouble, found.troubles), *map(self._doubted, found.doubts))
        document = StatusDocument(
            release=printable(self.release),
            since=int(self.since),
            patterns=tuple(
                PatternStatus(pattern=printable(pattern), files=files)
                for pattern, files in [*found.patterns.items()][:_MOST]
            ),
            logs=logs[:_MOST],
            more_logs=len(logs[_MOST:]),
            troubles=troubles[:_MOST],
            more_troubles=len(troubles[_MOST:]),
            samples=self.seen.samples()[:_MOST],
            unread=found.unread // _MIB * _MIB,
        )
        return render(document)

    def _doubted(self, doubt: LogTrouble) -> Trouble:
        until = self.stated(doubt.until or 0.0) // 60 * 60 + 60
        return self._trouble(doubt).model_copy(update={"until": _moment(until)})

    def _trouble(self, trouble: LogTrouble) -> Trouble:
        # Whole minutes: the two clocks drift, and the document should not change for that.
        since = self.stated(trouble.since) // 60 * 60 if trouble.since else 0
        return Trouble(
            kind=trouble.kind,
            path=printable(trouble.path),
            sentence=printable(trouble.sentence, LONGEST_SENTENCE),
            since=_moment(since),
            until=None if trouble.until is None else _moment(trouble.until) + 1,
        )


def _moment(seconds: float) -> int:
    return min(max(0, int(seconds)), _LATEST_TIME)
