"""How far everything is read, counted and kept; written along with each batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mailtally_collector.positions import Position
from mailtally_collector.state_db import upsert
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from mailtally_collector.state_db import StateDb


class Checkpoint:
    """The file positions and what goes with them. Writes only what changed."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        self._written = dict(db.rows("SELECT file_key, position FROM positions"))

    def positions(self) -> list[Position]:
        """Where reading stands.

        Raises:
            Refused: there is something else in the table.
        """
        try:
            return [Position.from_json(json.loads(text)) for text in self._written.values()]
        except ValueError as error:
            raise Refused(
                "The file positions in the state directory cannot be read. Move the directory "
                "away and start again: the collector then goes on where the ledger says."
            ) from error

    def save(self, positions: Iterable[Position]) -> None:
        """Write the positions that changed without a batch: other names, files that are new.

        This need not survive a power failure: a look at the directories finds the same again.
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
        """Write everything, as a part of a transaction; after it call ``written``."""
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
        """The transaction succeeded."""
        self._written = new

    def counters(self) -> dict[str, int]:
        """The sums since the state directory was made."""
        return dict(self._db.rows("SELECT name, value FROM counters"))

    def _write_positions(self, connection: sqlite3.Connection, new: dict[str, str]) -> None:
        former = self._written
        forgotten = [(key,) for key in former if key not in new]
        connection.executemany("DELETE FROM positions WHERE file_key = ?", forgotten)
        changed = [(key, text) for key, text in new.items() if former.get(key) != text]
        upsert(connection, "positions", changed)


def _as_text(positions: Iterable[Position]) -> dict[str, str]:
    return {p.file_key: json.dumps(p.to_json(), separators=(",", ":")) for p in positions}
