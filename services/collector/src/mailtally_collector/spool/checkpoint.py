"""The checkpoint: file positions, counters, and the format and parser state of each log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mailtally_collector.formats.by_log import Known
from mailtally_collector.spool.state_db import upsert
from mailtally_collector.tail.positions import Position
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from mailtally_collector.spool.state_db import StateDb


class LogsKnown:
    """The table of logs, written with each batch. Only changes are written."""

    def __init__(self, db: StateDb) -> None:
        rows = db.rows("SELECT log, format, state FROM logs")
        self._written = {log: Known(log, name, bytes(state)) for log, name, state in rows}

    def all(self) -> list[Known]:
        """Return the rows as last written."""
        return list(self._written.values())

    def write(self, connection: sqlite3.Connection, known: Iterable[Known]) -> dict[str, Known]:
        """Write what is known within a transaction; call ``written`` after it."""
        new = {one.log: one for one in known}
        former = self._written
        forgotten = [(log,) for log in former if log not in new]
        connection.executemany("DELETE FROM logs WHERE log = ?", forgotten)
        changed = [(k.log, k.format, k.state) for k in new.values() if former.get(k.log) != k]
        connection.executemany("INSERT OR REPLACE INTO logs VALUES (?, ?, ?)", changed)
        return new

    def written(self, new: dict[str, Known]) -> None:
        """Note that the transaction succeeded."""
        self._written = new


class Checkpoint:
    """The file positions and counters. Only changes are written."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        self._written = dict(db.rows("SELECT file_key, position FROM positions"))

    def positions(self) -> list[Position]:
        """Return the file positions.

        Raises:
            Refused: the table cannot be read.
        """
        try:
            return [Position.from_json(json.loads(text)) for text in self._written.values()]
        except ValueError as error:
            raise Refused(
                "The file positions in the state directory cannot be read. Move the directory "
                "away and start again: the collector then resumes at the ledger's positions."
            ) from error

    def save(self, positions: Iterable[Position]) -> None:
        """Write positions that changed without a batch: renamed and new files.

        This need not survive a power failure: a scan of the directories finds the same again.
        """
        new = _as_text(positions)
        if new != self._written:
            with self._db.transaction(durable=False) as connection:
                self._write_positions(connection, new)
            self._written = new

    def write(
        self,
        connection: sqlite3.Connection,
        positions: Iterable[Position],
        rejects: int,
        counters: Mapping[str, int],
    ) -> dict[str, str]:
        """Write everything within a transaction; call ``written`` after it."""
        new = _as_text(positions)
        self._write_positions(connection, new)
        upsert(connection, "meta", [("rejects", str(rejects))])
        connection.executemany(
            "INSERT INTO counters VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            counters.items(),
        )
        return new

    def written(self, new: dict[str, str]) -> None:
        """Note that the transaction succeeded."""
        self._written = new

    def counters(self) -> dict[str, int]:
        """Return the counters since the state directory was created."""
        return dict(self._db.rows("SELECT name, value FROM counters"))

    def _write_positions(self, connection: sqlite3.Connection, new: dict[str, str]) -> None:
        former = self._written
        forgotten = [(key,) for key in former if key not in new]
        connection.executemany("DELETE FROM positions WHERE file_key = ?", forgotten)
        changed = [(key, text) for key, text in new.items() if former.get(key) != text]
        upsert(connection, "positions", changed)


def _as_text(positions: Iterable[Position]) -> dict[str, str]:
    return {p.file_key: json.dumps(p.to_json(), separators=(",", ":")) for p in positions}
