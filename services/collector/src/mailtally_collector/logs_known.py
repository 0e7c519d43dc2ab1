"""What is remembered of each log: its format, and what is under way in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.parse.by_log import Known

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mailtally_collector.state_db import StateDb


class LogsKnown:
    """The table of logs, written along with each batch. Writes only what changed."""

    def __init__(self, db: StateDb) -> None:
        rows = db.rows("SELECT log, format, state FROM logs")
        self._written = {log: Known(log, name, bytes(state)) for log, name, state in rows}

    def all(self) -> list[Known]:
        """As it was written last."""
        return list(self._written.values())

    def write(self, connection: sqlite3.Connection, known: Iterable[Known]) -> dict[str, Known]:
        """Write what is known now, as a part of a transaction; after it call ``written``."""
        new = {one.log: one for one in known}
        former = self._written
        forgotten = [(log,) for log in former if log not in new]
        connection.executemany("DELETE FROM logs WHERE log = ?", forgotten)
        changed = [(k.log, k.format, k.state) for k in new.values() if former.get(k.log) != k]
        connection.executemany("INSERT OR REPLACE INTO logs VALUES (?, ?, ?)", changed)
        return new

    def written(self, new: dict[str, Known]) -> None:
        """The transaction succeeded."""
        self._written = new
