"""The batches that are read, kept until they are applied, and for a while after that.

``commit`` is the step that turns lines that were read into batch ``seq``: the batch and
the file positions it covers are written in one transaction. A crash before it reads
the lines again; after it the batch's bytes never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.checkpoint import Checkpoint
from mailtally_collector.logs_known import LogsKnown
from mailtally_collector.state_db import StateDb, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mailtally_collector.parse import Known
    from mailtally_collector.positions import Position

#: Unused pages (4 KiB) that the database may keep, and how many it gives back at a time.
_PAGES_KEPT = 4096
_PAGES_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch that is not applied. What it holds is read from disk each time it is asked for."""

    seq: int
    created: float
    _db: StateDb

    @property
    def header(self) -> str:
        """The announcement, as JSON."""
        return str(self._db.rows("SELECT header FROM batches WHERE seq = ?", self.seq)[0][0])

    @property
    def payload(self) -> bytes:
        """The encoded records."""
        return bytes(self._db.rows("SELECT payload FROM batches WHERE seq = ?", self.seq)[0][0])


class Spool:
    """The state directory as the reader and the shipper see it; safe for both threads."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        self._checkpoint = Checkpoint(db)
        self._logs_known = LogsKnown(db)

    @classmethod
    def open(cls, directory: Path, mark: str = "") -> Self:
        """Open the state directory, made when absent.

        Args:
            directory: the state directory.
            mark: hex digits with which the id of a new collector begins.

        Raises:
            Refused: another process uses it, or the database is damaged.
            Unavailable: the disk is full or fails.
        """
        db = StateDb(directory, mark)
        try:
            return cls(db)
        except BaseException:
            db.close()
            raise

    def close(self) -> None:
        """Give the directory free."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def collector_id(self) -> str:
        """The collector's id, made once with the directory: 32 hex digits."""
        return str(self.get_meta("collector_id"))

    @property
    def next_seq(self) -> int:
        """The number of the next batch."""
        return int(self.get_meta("last_seq") or 0) + 1

    @property
    def rejects_kept(self) -> int:
        """The number of the last rejected line that is covered."""
        return int(self.get_meta("rejects") or 0)

    def commit(
        self,
        header: str,
        payload: bytes,
        positions: Iterable[Position],
        *,
        rejects: int,
        counters: Mapping[str, int],
        now: float,
        known: Iterable[Known] = (),
    ) -> int:
        """Keep a batch for good, together with all that it covers.

        Args:
            header: its announcement, as JSON; made for ``next_seq``.
            payload: its encoded records.
            positions: where reading stands after it.
            rejects: the number of the last rejected line in the reject file.
            counters: what it adds to the sums.
            now: Unix seconds.
            known: what is remembered of the logs behind it.

        Returns:
            Its number.

        Raises:
            Unavailable: the disk is full or fails; nothing was kept.
        """
        with self._db.transaction() as connection:
            seq = self.next_seq
            row = (seq, now, len(header) + len(payload), header, payload)
            connection.execute("INSERT INTO batches VALUES (?, ?, NULL, ?, ?, ?)", row)
            upsert(connection, "meta", [("last_seq", str(seq))])
            new = self._checkpoint.write(connection, positions, rejects, counters)
            remembered = self._logs_known.write(connection, known)
        self._checkpoint.written(new)
        self._logs_known.written(remembered)
        return seq

    def positions(self) -> list[Position]:
        """Where reading stands."""
        return self._checkpoint.positions()

    def save_positions(self, positions: Iterable[Position]) -> None:
        """Write positions that changed without a batch; cheap where none did."""
        self._checkpoint.save(positions)

    def known(self) -> list[Known]:
        """What is remembered of the logs."""
        return self._logs_known.all()

    def counters(self) -> dict[str, int]:
        """What all batches together have added."""
        return self._checkpoint.counters()

    def get_meta(self, name: str) -> str | None:
        """A small value."""
        rows = self._db.rows("SELECT value FROM meta WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def set_meta(self, name: str, value: str) -> None:
        """Keep a small value for good."""
        with self._db.transaction() as connection:
            upsert(connection, "meta", [(name, value)])

    def pending(self, after_seq: int, limit: int) -> list[Pending]:
        """The first ``limit`` batches after ``after_seq`` that are not applied, in order."""
        rows = self._db.rows(
            "SELECT seq, created FROM batches WHERE applied IS NULL AND seq > ? "
            "ORDER BY seq LIMIT ?",
            after_seq,
            limit,
        )
        return [Pending(seq, created, self._db) for seq, created in rows]

    def mark_applied(self, upto_seq: int, ahead: Iterable[int], now: float) -> int:
        """Note what is applied: all up to ``upto_seq``, and those in ``ahead``.

        This need not survive a power failure: the ledger knows.

        Returns:
            How many are newly so.
        """
        update = "UPDATE batches SET applied = ? WHERE applied IS NULL AND seq"
        with self._db.transaction(durable=False) as connection:
            count = connection.execute(f"{update} <= ?", (now, upto_seq)).rowcount
            return count + sum(
                connection.execute(f"{update} = ?", (now, seq)).rowcount for seq in ahead
            )

    def revive(self, above_seq: int, ahead: Iterable[int] = ()) -> tuple[int, int]:
        """Only what the ledger has is applied: up to ``above_seq``, and those in ``ahead``.

        Returns:
            How many batches are unapplied again, and how many would have to be but are
            deleted already.
        """
        query = "SELECT seq, applied IS NOT NULL FROM batches WHERE seq > ?"
        with self._db.transaction() as connection:
            kept = dict(connection.execute(query, (above_seq,)).fetchall())
            lost = set(range(above_seq + 1, self.next_seq)) - set(ahead)
            back = [(seq,) for seq in lost if kept.get(seq)]
            connection.executemany("UPDATE batches SET applied = NULL WHERE seq = ?", back)
        return len(back), len(lost - kept.keys())

    def prune(self, upto_seq: int, now: float, keep_applied: float, keep_bytes: int) -> int:
        """Delete applied batches: older than ``keep_applied`` seconds, or beyond ``keep_bytes``.

        Args:
            upto_seq: only up to this one, before which there is no gap in the ledger:
                what lies beyond a gap may be needed again with what fills it.
            now: Unix seconds.
            keep_applied: seconds.
            keep_bytes: of the newest.

        Returns:
            How many.
        """
        deletable = (
            "SELECT seq FROM (SELECT seq, applied, sum(bytes) OVER (ORDER BY seq DESC) AS newer "
            "FROM batches WHERE applied IS NOT NULL AND seq <= ?) WHERE applied < ? OR newer > ?"
        )
        limits = (upto_seq, now - keep_applied, keep_bytes)
        with self._db.transaction(durable=False) as connection:
            found = connection.execute(deletable, limits).fetchall()
            connection.executemany("DELETE FROM batches WHERE seq = ?", found)
        if self._db.rows("PRAGMA freelist_count")[0][0] > _PAGES_KEPT:
            self._db.give_back(_PAGES_AT_ONCE)
        return len(found)

    def unapplied_count(self) -> int:
        """How many batches are not applied."""
        return self._unapplied()[0]

    def unapplied_bytes(self) -> int:
        """Their bytes."""
        return self._unapplied()[1]

    def oldest_unapplied(self, now: float) -> float:
        """The age in seconds of the oldest of them; 0.0 if there is none."""
        return max(0.0, now - (self._unapplied()[2] or now))

    def _unapplied(self) -> tuple[int, int, float | None]:
        """Their number, their bytes, and when the first was made."""
        query = "SELECT count(*), total(bytes), min(created) FROM batches WHERE applied IS NULL"
        count, size, oldest = self._db.rows(query)[0]
        return count, int(size), oldest
