"""The collector's identity, as stored in the state directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mailtally_collector.ship.claim import Incarnation, Remembered
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.state_db import new_id, upsert
from mailtally_collector.tail.positions import Position

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mailtally_collector.spool.state_db import StateDb

_ID, _LAST_SEQ = "collector_id", "last_seq"
_EPOCH, _NONCE = "epoch", "nonce"
_INTENT = "intent_"
#: The id before the last fresh start.
_FORMER = "former_id"
#: The progress before the last fresh start, until the ledger's positions are taken over.
_FORMER_PROGRESS = "former_progress"
#: Values that a fresh start deletes; the others are about the machine, not the identity.
_FORGOTTEN = (_EPOCH, _NONCE, _INTENT + _EPOCH, _INTENT + _NONCE, _LAST_SEQ, "skip")


class Identity:
    """The starts that a state directory remembers."""

    def __init__(self, db: StateDb) -> None:
        self._db = db

    def remembered(self) -> Remembered:
        """Return the id, the last incarnation, an interrupted start, and the last batch."""
        meta = dict(self._db.rows("SELECT name, value FROM meta"))
        return Remembered(
            collector_id=meta[_ID],
            registered=_incarnation(meta, ""),
            intent=_incarnation(meta, _INTENT),
            last_seq=int(meta.get(_LAST_SEQ, 0)),
        )

    @property
    def former_id(self) -> str | None:
        """Return the id that this directory had before the present one, or ``None``."""
        rows = self._db.rows("SELECT value FROM meta WHERE name = ?", _FORMER)
        return str(rows[0][0]) if rows else None

    def former_progress(self) -> Progress:
        """Return the progress at the time when this directory gave up its former id.

        Its spans are those of the batches dropped then.
        """
        rows = self._db.rows("SELECT value FROM meta WHERE name = ?", _FORMER_PROGRESS)
        return Progress.from_json(rows[0][0] if rows else "")

    def forget_former_progress(self) -> None:
        """Note that the ledger's positions were taken over."""
        with self._db.transaction() as connection:
            connection.execute("DELETE FROM meta WHERE name = ?", (_FORMER_PROGRESS,))

    def note_intent(self, intent: Incarnation) -> None:
        """Note durably the incarnation that is about to be registered."""
        self._write(_INTENT, intent)

    def note_registered(self, incarnation: Incarnation) -> None:
        """Note durably the incarnation that was registered."""
        self._write("", incarnation)

    def _write(self, prefix: str, incarnation: Incarnation) -> None:
        with self._db.transaction() as connection:
            values = (str(incarnation.epoch), incarnation.nonce)
            names = (prefix + _EPOCH, prefix + _NONCE)
            upsert(connection, "meta", zip(names, values, strict=True))


def start_over(connection: sqlite3.Connection, mark: str, dropped: Iterable[int]) -> None:
    """Give the directory a fresh identity without batches, within a transaction.

    ``dropped`` are the numbers of its batches that the ledger does not have.
    """
    former = connection.execute("SELECT value FROM meta WHERE name = ?", (_ID,)).fetchone()[0]
    if (progress := _progress(connection, dropped)).positions:
        upsert(connection, "meta", [(_FORMER_PROGRESS, progress.to_json())])
    for table in ("batches", "positions", "logs", "counters", "touched"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constant table names
    connection.executemany("DELETE FROM meta WHERE name = ?", [(name,) for name in _FORGOTTEN])
    upsert(connection, "meta", [(_ID, new_id(mark)), (_FORMER, former)])


def _progress(connection: sqlite3.Connection, dropped: Iterable[int]) -> Progress:
    """Return the file positions, with the spans of some batches."""
    rows = connection.execute("SELECT position FROM positions")
    positions = tuple(Position.from_json(json.loads(text)) for (text,) in rows)
    query = "SELECT json_extract(header, '$.progress') FROM batches WHERE seq = ?"
    notes = (connection.execute(query, (seq,)).fetchone()[0] for seq in dropped)
    spans = tuple(span for note in notes for span in Progress.from_json(note).spans)
    return Progress(positions, spans)


def _incarnation(meta: dict[str, str], prefix: str) -> Incarnation | None:
    epoch, nonce = meta.get(prefix + _EPOCH), meta.get(prefix + _NONCE)
    return Incarnation(int(epoch), nonce) if epoch and nonce else None
