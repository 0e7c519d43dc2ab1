"""An operator's settlements: where to resume in a stopped log, or that a changed one is accepted.

The command leaves a note in the state directory. The collector applies it at its next scan,
whether it is running or started later. The note stays until its effect is durable.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import TypeAdapter

from mailtally_collector.reading import DOUBTS
from mailtally_collector.ship.registrar import SKIP
from mailtally_collector.spool.progress import Progress
from mailtally_collector.tail.doubts import doubts_in
from mailtally_collector.tail.positions import Position
from mailtally_collector.tail.stopped import StoppedLog, stopped_among
from mailtally_shared.days.durable import stage, sync_directory
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.tail import LogTrouble, Tailer

_log = logging.getLogger(__name__)
_NOTES = "settle"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Where to resume in a stopped log, or the acceptance of a changed one.

    Attributes:
        path: the log's file.
        since: when it was stopped or found changed; another time is another incident.
        line: the first line to count, from 1; ``None``: only what is written from now on.
        accepts: whether it accepts a changed log, rather than resuming a stopped one.
    """

    path: str
    since: float
    line: int | None = None
    accepts: bool = False


_SETTLEMENT = TypeAdapter(Settlement)


def stopped_logs(state_dir: Path) -> tuple[StoppedLog, ...]:
    """Return the stopped logs that a state directory knows of; a collector may be using it.

    Raises:
        Refused: there is no state directory, or its database cannot be read.
    """
    rows = _rows(state_dir, "SELECT position FROM positions")
    adapter = TypeAdapter(Position)
    positions = (adapter.validate_json(text) for (text,) in rows)
    return stopped_among(positions, str(state_dir.absolute()))


def doubtful_logs(state_dir: Path) -> tuple[LogTrouble, ...]:
    """Return the changed logs that a state directory knows of; a collector may be using it.

    Raises:
        Refused: there is no state directory, or its database cannot be read.
    """
    rows = _rows(state_dir, f"SELECT value FROM meta WHERE name = '{DOUBTS}'")  # noqa: S608 - a constant
    return tuple(doubt for (text,) in rows for doubt in doubts_in(text))


def _rows(state_dir: Path, query: str) -> list[tuple[str]]:
    database = state_dir / "state.sqlite"
    if not database.exists():
        raise Refused(
            f"{state_dir} is no collector's state directory: set MAILTALLY_STATE_DIR to the "
            "collector's."
        )
    uri = f"file:{quote(str(database))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise Refused(
            f"{database} cannot be read: {error}. Type the command as the collector's user; what "
            "the collector says at its start shows whether the file is damaged."
        ) from error


def note(state_dir: Path, settlement: Settlement) -> None:
    """Write a note that the collector's user can read even if root wrote it."""
    directory = state_dir / _NOTES
    directory.mkdir(mode=0o700, exist_ok=True)
    name = blake2b(settlement.path.encode(), digest_size=16).hexdigest()
    staged = stage(directory / f"{name}.json", [_SETTLEMENT.dump_json(settlement)])
    owner = (state_dir / "state.sqlite").stat()
    for path in (directory, staged.temporary):
        if path.stat().st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid)
    staged.commit()
    sync_directory(directory)


class Settling:
    """The part of a collector that applies the notes; call ``turn`` before each scan."""

    def __init__(self, state_dir: Path, spool: Spool, tailer: Tailer) -> None:
        self._directory = state_dir / _NOTES
        self._spool = spool
        self._tailer = tailer
        self._unreadable: frozenset[Path] = frozenset()

    def turn(self) -> None:
        """Apply the notes; remove each one whose effect is durable."""
        for path, settlement in self._notes():
            if settlement.accepts:
                self._accept(path, settlement)
                continue
            stopped = ((log.path, log.since) for log in stopped_among(self._spool.positions()))
            if (settlement.path, settlement.since) not in stopped:
                _remove(path)
            elif self._tailer.settle(settlement.path, settlement.since, settlement.line):
                self._spool.set_meta(SKIP, Progress(skip=tuple(self._tailer.skips())).to_json())
                where = "its end" if settlement.line is None else f"line {settlement.line}"
                sentence = f"Reading of {settlement.path} resumes at {where}, as requested."
                event(_log, logging.INFO, "log-settled", sentence, file=settlement.path)

    def _accept(self, path: Path, settlement: Settlement) -> None:
        if self._tailer.doubts.accept(settlement.path, settlement.since):
            sentence = f"What was counted of {settlement.path} is accepted, as requested."
            event(_log, logging.INFO, "log-settled", sentence, file=settlement.path)
        elif not any(
            (doubt.path, doubt.until) == (settlement.path, settlement.since)
            for doubt in doubts_in(self._spool.get_meta(DOUBTS) or "")
        ):
            _remove(path)

    def _notes(self) -> Iterator[tuple[Path, Settlement]]:
        unreadable: dict[Path, OSError] = {}
        for path in self._paths(unreadable):
            try:
                yield path, _SETTLEMENT.validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except OSError as error:
                unreadable[path] = error
            except ValueError:
                _remove(path)
        for path in unreadable.keys() - self._unreadable:
            reason = unreadable[path].strerror
            sentence = (
                f"{path} cannot be read: {reason}. What mailtally-collector settle noted in it is "
                "not applied: make the collector's user its owner."
            )
            event(_log, logging.ERROR, "settlement-unreadable", sentence, file=str(path))
        self._unreadable = frozenset(unreadable)

    def _paths(self, unreadable: dict[Path, OSError]) -> list[Path]:
        try:
            return sorted(path for path in self._directory.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        except OSError as error:
            unreadable[self._directory] = error
            return []


def _remove(note_path: Path) -> None:
    """Remove a note; one that cannot be removed has no effect, because its incident is over."""
    with suppress(OSError):
        note_path.unlink(missing_ok=True)
