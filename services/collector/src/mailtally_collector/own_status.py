"""Makes the status document from what the parts of a collector know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.status import (
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
#: Items of each kind that are looked at; what the document has room for is decided there.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """Renders the document of the moment; safe to call from any thread.

    Attributes:
        release: this collector's version.
        since: Unix seconds of its start.
        found: what the last look at the directories showed.
        seen: the lines read.
        stated: from the process's steady time to what the machine's clock shows.
    """

    release: str
    since: float
    found: Callable[[], LogsFound]
    seen: LinesSeen
    stated: Callable[[float], float] = float

    def __call__(self) -> str:
        """Return the document as it travels; nothing before the first look at the directories."""
        found = self.found()
        if not found.patterns:
            return ""
        logs = self.seen.logs(found.logs)
        troubles = (*map(self._told, found.troubles), *map(self._doubted, found.doubts))
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
        return self._told(doubt).model_copy(update={"until": _moment(until)})

    def _told(self, trouble: LogTrouble) -> Trouble:
        # Whole minutes: the two clocks drift, which is no news.
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
