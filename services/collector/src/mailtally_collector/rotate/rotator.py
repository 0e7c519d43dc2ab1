"""Rotate the logs that are due, and compress or delete rotated files.

A rotation has four steps, and each next step is noted before it is done:

1. Note the new name, with the log's inode. After a crash before it, the log is still due.
2. Rename the log. After a crash before or after it, the inode shows whether that was done.
3. Run the reopen command. After a crash behind it, it runs again, which does no harm.
4. Note that the log waits for its next rotation.

The tail reads the rotated files as it reads those of any other rotation.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.rotate.notes import Note, Notes, Stage, as_seen
from mailtally_collector.rotate.packing import Renamed, pack, remove, rename_log
from mailtally_collector.rotate.plan import (
    Chore,
    Schedule,
    chores,
    moment_of_name,
    rotated_name,
)
from mailtally_collector.rotate.reopen_command import run_command
from mailtally_collector.tail.paths import path_of
from mailtally_shared.runtime.backoff import Backoff
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.settings import RotationSettings
    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.tail.discover import Discovery, Found
    from mailtally_shared.runtime.backoff import Waiter

_log = logging.getLogger(__name__)

#: The name of multilog's log, which multilog rotates itself.
_MULTILOGS = "current"
#: The longest time in seconds between two attempts of the reopen command.
_PATIENCE = 300.0
#: Seconds for which a log is left alone after an operating system error.
_REST = 30.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """An operating system error, and until when its log is left alone."""

    reason: str
    until: float


@dataclass(slots=True)
class _Telling:
    """The attempts to make a log's writer reopen it, since the last success."""

    backoff: Backoff
    next_at: float = 0.0


class Rotator:
    """The rotator of logs; ``turn`` is one round. For one thread.

    Args:
        settings: when to rotate, and what to do with rotated files.
        discovery: finds the logs.
        spool: stores the notes, and knows what is read.
        stop: interrupts what takes long.
    """

    def __init__(
        self, settings: RotationSettings, discovery: Discovery, spool: Spool, stop: Waiter
    ) -> None:
        self._settings = settings
        self._schedule = Schedule(settings.at, settings.size)
        self._discovery = discovery
        self._spool = spool
        self._stop = stop
        self._notes = Notes(spool)
        self._tellings: dict[str, _Telling] = {}
        self._troubles: dict[str, _Trouble] = {}

    def turn(self, now: float) -> None:
        """Rotate what is due, continue what was begun, and compress or delete rotated files.

        Raises:
            Unavailable: the state directory's disk is full or fails.
        """
        logs: dict[str, list[Found]] = {log: [] for log in self._notes.logs()}
        for found in self._discovery.look():
            logs.setdefault(found.log, []).append(found)
        for log in filter(self._is_ours, sorted(logs)):
            if self._rests(log):
                continue
            with self._troubles_of(log):
                self._rotate(log, logs[log], now)
                self._tidy(logs[log])

    def _is_ours(self, log: str) -> bool:
        chosen = self._settings.logs
        wanted = not chosen or any(fnmatchcase(log, glob) for glob in chosen)
        return wanted and Path(log).name != _MULTILOGS

    def _rotate(self, log: str, files: list[Found], now: float) -> None:
        primary = next((file for file in files if file.name.is_primary), None)
        note = self._notes.of(log) or Note(at=now)
        if note.stage is Stage.WAITING:
            note = self._begin(log, primary, note, now) if primary else note
        if note.stage is Stage.NAMED:
            note = self._rename(log, note)
        if note.stage is Stage.RENAMED:
            self._tell_writer(log, note)

    def _begin(self, log: str, primary: Found, note: Note, now: float) -> Note:
        """Note the rotation, if the log is due."""
        if not self._schedule.is_due(primary.seal.size, note.at, now, None):
            # The time of day also passes for an empty log.
            has_come = self._schedule.has_come(note.at, now, None)
            was_set_back = note.at > now  # otherwise the next time would be off by as much
            if has_come or was_set_back or self._notes.of(log) is None:
                self._notes.put(log, replace(note, at=now))
            return note
        if Path(path_of(log)).is_symlink():
            raise OSError(0, "it is a symbolic link; name the file that it leads to")
        named = moment_of_name(now, note.named)
        target = rotated_name(log, named)
        note = Note(now, Stage.NAMED, named, target, primary.device, primary.inode)
        self._notes.put(log, note)
        crash_point(CrashAt.ROTATION_NOTED)
        return note

    def _rename(self, log: str, note: Note) -> Note:
        outcome = rename_log(log, note)
        if outcome is Renamed.DONE:
            crash_point(CrashAt.LOG_RENAMED)
            note = replace(note, stage=Stage.RENAMED)
        elif outcome is Renamed.TAKEN:
            note = replace(note, stage=Stage.WAITING, at=0.0)  # due again, under another name
        else:
            note = replace(note, stage=Stage.WAITING)
            sentence = (
                f"{log} was rotated by another program at the same time; let only one rotate it."
            )
            event(_log, logging.WARNING, "log-rotated-twice", sentence, file=log)
        self._notes.put(log, note)
        return note

    def _tell_writer(self, log: str, note: Note) -> None:
        telling = self._tellings.setdefault(log, _Telling(Backoff(1.0, _PATIENCE)))
        if time.monotonic() < telling.next_at:
            return
        reason = self._run_command(log, note)
        crash_point(CrashAt.WRITER_REOPENED)
        if reason is None:
            self._notes.put(log, replace(note, stage=Stage.WAITING))
            del self._tellings[log]
            sentence = f"Rotated {log}."
            event(_log, logging.INFO, "log-rotated", sentence, file=log, to=note.target)
        elif not self._stop.requested:
            telling.next_at = time.monotonic() + telling.backoff.next()
            sentence = f"rotation.command failed for {log}: {reason}. Trying again."
            event(_log, logging.ERROR, "reopen-failed", sentence, file=log, to=note.target)

    def _run_command(self, log: str, note: Note) -> str | None:
        if not self._settings.command:
            return None
        return run_command(
            self._settings.command,
            {"LOG": path_of(log), "ROTATED": path_of(note.target)},
            longest=self._settings.command_longest,
            stop=self._stop,
        )

    def _tidy(self, files: list[Found]) -> None:
        seals = {file.path: file.seal for file in files}
        seen = as_seen(files, self._spool.positions())
        keep, compress = self._settings.keep, self._settings.compress
        for chore, file in chores(seen, keep=keep, compress=compress):
            if chore is Chore.REMOVE:
                remove(file.path, seals[file.path])
            elif not self._stop.requested:
                pack(file.path, seals[file.path], self._stop)

    def _rests(self, log: str) -> bool:
        trouble = self._troubles.get(log)
        return trouble is not None and time.monotonic() < trouble.until

    @contextmanager
    def _troubles_of(self, log: str) -> Iterator[None]:
        """Log an operating system error of a log, once until it is over; other logs continue."""
        try:
            yield
        except OSError as error:
            reason, former = error.strerror or str(error), self._troubles.get(log)
            self._troubles[log] = _Trouble(reason, time.monotonic() + _REST)
            if former is None or former.reason != reason:
                sentence = f"{log} cannot be rotated: {reason}. Trying again."
                event(_log, logging.ERROR, "log-not-rotated", sentence, file=log)
        else:
            self._troubles.pop(log, None)
