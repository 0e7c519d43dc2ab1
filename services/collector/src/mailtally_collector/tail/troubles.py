"""Troubles: what keeps lines of a log from being read, as of the last scan."""

from __future__ import annotations

import errno
import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.tail.discover import parse_name
from mailtally_collector.tail.doubts import LogTrouble
from mailtally_collector.tail.paths import path_of
from mailtally_collector.tail.regular_file import NO_FILES
from mailtally_collector.tail.stopped import stopped_among
from mailtally_shared.runtime.logs import event
from mailtally_shared.wire.status import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailtally_collector.tail.discover import Discovery
    from mailtally_collector.tail.followed import Followed
    from mailtally_collector.tail.handles import Handles
    from mailtally_collector.tail.roster import Roster
    from mailtally_collector.tail.stopped import StoppedLog


_ADVICE = {
    "unreadable": "Let the collector's user read it.",
    "damaged": "Restore it from a backup; reading resumes when it changes.",
}
#: Reasons for what is not a regular file.
_NO_FILE = tuple(f"it is {kind}" for kind in NO_FILES)
_NO_FILE_ADVICE = "Move it out of the directory, or have MAILTALLY_LOGS not match it."
#: Reasons for how a file was packed: neither permissions nor a backup would help.
_PACKED = ("it is a tar archive", "it was compressed twice", "logs compressed with")
_PACKED_ADVICE = "Unpack it, or move it out of the directory."

#: Seconds by which ``reach`` may be out of date on disk.
_KEPT_EVERY = 3600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogsFound:
    """The result of a scan: files by glob, logs, bytes unread, and what cannot be read.

    ``doubts`` are the logs that are read, but were changed in a way that lines may be missing or
    counted twice.
    """

    patterns: Mapping[str, int]
    logs: frozenset[str]
    troubles: tuple[LogTrouble, ...]
    unread: int = 0
    doubts: tuple[LogTrouble, ...] = ()


def trouble(kind: str, path: str, reason: str) -> LogTrouble:
    """Return the trouble of an unreadable file; a rotated one gets no further lines."""
    file, until = Path(path_of(path)), None
    with suppress(OSError):
        until = None if parse_name(file.name).is_primary else file.stat().st_mtime
    advice = _ADVICE.get(kind, "")
    if reason.startswith(_PACKED):
        advice = _PACKED_ADVICE
    elif reason in _NO_FILE:
        advice = _NO_FILE_ADVICE
    elif reason == os.strerror(errno.ELOOP):
        advice = "Correct the symbolic link, or remove it."
    part = "What cannot be read of it is" if kind == "damaged" else "Its lines are"
    sentence = f"{path} cannot be read: {reason}. {part} not counted. {advice}"
    return LogTrouble(kind, path, sentence.rstrip(), until=until)


def _held_up(path: str, removed: str) -> LogTrouble:
    """Return the trouble of a log that waits for a removed file."""
    sentence = (
        f"{path} is not read yet: the file that was {removed} before is removed, but still written "
        "to, and is read first. Reload what writes to it, so that it opens its log again."
    )
    return LogTrouble(WAITING, path, sentence)


@dataclass(frozen=True, slots=True)
class Noted:
    """What is stored across restarts, so that a trouble keeps its date.

    Attributes:
        reach: up to when everything was read, except troubled files; 0.0 if that is unknown.
        since: the ``since`` of each trouble, by its kind and path.
    """

    reach: float = 0.0
    since: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def is_kept_by(self, former: Noted) -> bool:
        """Return whether the stored version is recent enough, at most an hour too early."""
        return self.since == former.since and self.reach < former.reach + _KEPT_EVERY

    def to_json(self) -> str:
        """Return it as text."""
        since = [[kind, path, at] for (kind, path), at in sorted(self.since.items())]
        return json.dumps({"reach": self.reach, "since": since})

    @classmethod
    def from_json(cls, text: str) -> Noted:
        """Parse the text; an empty one means that nothing is known."""
        if not text:
            return cls()
        kept = json.loads(text)
        return cls(kept["reach"], {(kind, path): at for kind, path, at in kept["since"]})


class Noticed:
    """The record of troubles, and of how far everything was read before each was known."""

    def __init__(
        self,
        roster: Roster,
        discovery: Discovery,
        handles: Handles,
        state_dir: str,
        before: Noted,
    ) -> None:
        self._state_dir = state_dir
        self._roster = roster
        self._discovery = discovery
        self._handles = handles
        self._stopped: frozenset[StoppedLog] = frozenset()
        self._since = dict(before.since)
        self._reach = before.reach

    @property
    def noted(self) -> Noted:
        """Return what is to be stored with the positions."""
        return Noted(self._reach, self._since)

    def taken(self, reach: float, unread: int, *, is_read: bool = False) -> LogsFound:
        """Return the result of the last scan and of reading since then.

        Args:
            reach: up to when everything is read, except troubled files.
            unread: bytes known to be unread.
            is_read: whether everything was tried since the scan, so that other troubles are over.
        """
        return LogsFound(
            patterns=self._discovery.patterns,
            logs=frozenset(self._roster.logs),
            troubles=self._dated(list(self._troubles()), reach, is_read=is_read),
            unread=unread,
            doubts=self._roster.doubts.all,
        )

    def _dated(
        self, found: list[LogTrouble], reach: float, *, is_read: bool
    ) -> tuple[LogTrouble, ...]:
        since = {(t.kind, t.path): t.since or self._reach for t in found}
        dated = {key: self._since.get(key, start) for key, start in since.items()}
        self._since = dated if is_read else self._since | dated
        self._reach = max(reach, self._reach)
        return tuple(replace(t, since=dated[t.kind, t.path]) for t in found)

    def _troubles(self) -> Iterator[LogTrouble]:
        files = self._roster.files.values()
        for log in self._stopped_among(files):
            yield LogTrouble("stopped", log.path, log.sentence, since=log.since)
        yield from (_held_up(path, removed) for path, removed in self._roster.held_up)
        reasons = self._discovery.refused | self._handles.failed
        for path in {f.found.path for f in files if f.found is not None and f.is_troubled}:
            yield trouble("damaged", path, reasons.pop(path, "reading it failed"))
        for path, reason in reasons.items():
            if path in self._discovery.refused or Path(path_of(path)).exists():
                yield trouble("unreadable", path, reason)

    def _stopped_among(self, files: Iterable[Followed]) -> tuple[StoppedLog, ...]:
        """Return the stopped logs, and log an error for each new one, once per process."""
        stopped = stopped_among((file.position for file in files), self._state_dir)
        for log in set(stopped) - self._stopped:
            event(
                _log,
                logging.ERROR,
                "log-stopped",
                log.sentence,
                file=log.path,
                reason=log.reason,
            )
        self._stopped = frozenset(stopped)
        return stopped
