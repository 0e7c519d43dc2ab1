"""Rotates the logs that are due, and tidies up behind them.

A rotation is four steps, and what is next is noted before it is done:

1. The new name is noted, with the log's inode. A crash before that: the log is still due.
2. The log is renamed. A crash before or after it: the inode tells whether that was done.
3. Its writer is told. A crash after it: the writer is told again, which does no harm.
4. The note says that the log waits for its next time.

What the rotated files hold is read by the tail as it reads those of any other's rotation.
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
from mailtally_collector.paths import path_of
from mailtally_collector.rotation.aside import Aside, put_aside
from mailtally_collector.rotation.notes import Note, Notes, Stage
from mailtally_collector.rotation.packing import pack, remove
from mailtally_collector.rotation.plan import (
    Chore,
    Schedule,
    chores,
    moment_of_name,
    rotated_name,
)
from mailtally_collector.rotation.seen import as_seen
from mailtally_collector.rotation.telling import run_command
from mailtally_shared.process.backoff import Backoff
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_collector.settings import RotationSettings
    from mailtally_collector.spool import Spool
    from mailtally_collector.tail.discover import Discovery, Found
    from mailtally_shared.process.backoff import Waiter

_log = logging.getLogger(__name__)

#: The log of multilog, which rotates it itself.
_MULTILOGS = "current"
#: The longest time in seconds between two attempts to tell a writer.
_PATIENCE = 300.0
#: Seconds for which a log is left alone after the system has refused something.
_REST = 30.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What the system refused, and until when that log is left alone."""

    reason: str
    until: float


@dataclass(slots=True)
class _Telling:
    """The attempts to tell the writer of a log, since the last success."""

    backoff: Backoff
    next_at: float = 0.0


class Rotator:
    """Rotates logs; ``turn`` is its loop's body. For one thread.

    Args:
        settings: when, and what becomes of rotated files.
        discovery: finds the logs.
        spool: has the notes, and what is read.
        stop: ends what takes long.
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
        """Rotate what is due, go on with what was begun, and tidy up.

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
            note = self._put_aside(log, note)
        if note.stage is Stage.RENAMED:
            self._tell_writer(log, note)

    def _begin(self, log: str, primary: Found, note: Note, now: float) -> Note:
        """Note what will be done, if the log is due."""
        if not self._schedule.is_due(primary.seal.size, note.at, now, None):
            # The time has passed for a log that is empty, too.
            has_come = self._schedule.has_come(note.at, now, None)
            was_set_back = note.at > now  # or the next time would be as far off as the clock was
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

    def _put_aside(self, log: str, note: Note) -> Note:
        outcome = put_aside(log, note)
        if outcome is Aside.DONE:
            crash_point(CrashAt.LOG_RENAMED)
            note = replace(note, stage=Stage.RENAMED)
        elif outcome is Aside.TAKEN:
            note = replace(note, stage=Stage.WAITING, at=0.0)  # due again, under another name
        else:
            note = replace(note, stage=Stage.WAITING)
            sentence = f"{log} was rotated by somebody else at the same time; one is enough."
            event(_log, logging.WARNING, "log-rotated-twice", sentence, file=log)
        self._notes.put(log, note)
        return note

    def _tell_writer(self, log: str, note: Note) -> None:
        telling = self._tellings.setdefault(log, _Telling(Backoff(1.0, _PATIENCE)))
        if time.monotonic() < telling.next_at:
            return
        reason = self._run_command(log, note)
        crash_point(CrashAt.WRITER_TOLD)
        if reason is None:
            self._notes.put(log, replace(note, stage=Stage.WAITING))
            del self._tellings[log]
            sentence = f"Rotated {log}."
            event(_log, logging.INFO, "log-rotated", sentence, file=log, to=note.target)
        elif not self._stop.requested:
            telling.next_at = time.monotonic() + telling.backoff.next()
            sentence = f"The writer of {log} was not told of its rotation: {reason}. Trying again."
            event(_log, logging.ERROR, "writer-not-told", sentence, file=log, to=note.target)

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
        """Say what the system refuses, once until it works again; other logs go on."""
        try:
            yield
        except OSError as error:
            reason, former = error.strerror or str(error), self._troubles.get(log)
            self._troubles[log] = _Trouble(reason, time.monotonic() + _REST)
            if former is None or former.reason != reason:
                sentence = f"{log} cannot be rotated: {reason}. It is tried again."
                event(_log, logging.ERROR, "log-not-rotated", sentence, file=log)
        else:
            self._troubles.pop(log, None)
