"""The spool: batches are kept until they are applied, and for some time after that.

``commit`` turns lines that were read into batch ``seq``: the batch and the file positions that it
covers are written in one transaction. After a crash before that, the lines are read again; from
then on, the batch's bytes never change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.spool.checkpoint import Checkpoint, LogsKnown
from mailtally_collector.spool.own_identity import Identity, start_over
from mailtally_collector.spool.pending import Pending
from mailtally_collector.spool.state_db import StateDb, upsert
from mailtally_collector.spool.touched import Range, Touched, gaps
from mailtally_shared.state.history import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from mailtally_collector.formats import Known
    from mailtally_collector.tail.positions import Position

#: Unused pages (4 KiB) that the database may keep, and how many it frees at a time.
_PAGES_KEPT = 4096
_PAGES_AT_ONCE = 1024

_SEEN = "seen"


class Spool:
    """The state directory for the reader and the shipper; safe for both threads."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        self._checkpoint = Checkpoint(db)
        self._logs_known = LogsKnown(db)
        self._touched = Touched(db)
        self.identity = Identity(db)

    @classmethod
    def open(cls, directory: Path, mark: str = "") -> Self:
        """Open the state directory, creating it if it does not exist.

        Args:
            directory: the state directory.
            mark: the first hex digits of a new collector's id.

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
        """Close the database, and release the directory."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def collector_id(self) -> str:
        """Return the collector's id, created with the directory: 32 hex digits."""
        return str(self.get_meta("collector_id"))

    def numbers_above(self, seq: int) -> set[int]:
        """Return the numbers of the stored batches above ``seq``."""
        return {row[0] for row in self._db.rows("SELECT seq FROM batches WHERE seq > ?", seq)}

    def start_over(self, mark: str, dropped: Iterable[int]) -> None:
        """Delete all batches and positions, and get a new id that begins with ``mark``.

        ``dropped`` are the numbers of its batches that the ledger does not have.
        """
        with self._db.transaction() as connection:
            start_over(connection, mark, dropped)
        self._checkpoint, self._logs_known = Checkpoint(self._db), LogsKnown(self._db)
        self._touched = Touched(self._db)

    @property
    def next_seq(self) -> int:
        """Return the number of the next batch."""
        return int(self.get_meta("last_seq") or 0) + 1

    @property
    def rejects_kept(self) -> int:
        """Return the number of the last rejected line that the checkpoint covers."""
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
        hours: Iterable[int] = (),
    ) -> int:
        """Store a batch durably, together with the positions that it covers.

        Args:
            header: the announcement of ``next_seq``, as JSON.
            payload: the encoded records.
            positions: the file positions after the batch.
            rejects: the number of the last line in the reject file.
            counters: increments of the counters.
            now: Unix seconds.
            known: the formats and parser states of the logs after the batch.
            hours: the UTC hours since 1970 that its records touch.

        Returns:
            The number of the batch.

        Raises:
            Unavailable: the disk is full or fails; nothing was stored.
        """
        with self._db.transaction() as connection:
            seq = self.next_seq
            row = (seq, now, len(header) + len(payload), header, payload)
            connection.execute("INSERT INTO batches VALUES (?, ?, NULL, ?, ?, ?)", row)
            upsert(connection, "meta", [("last_seq", str(seq))])
            new = self._checkpoint.write(connection, positions, rejects, counters)
            remembered = self._logs_known.write(connection, known)
            self._touched.write(connection, seq, hours, now)
        self._checkpoint.written(new)
        self._logs_known.written(remembered)
        return seq

    def positions(self) -> list[Position]:
        """Return the file positions."""
        return self._checkpoint.positions()

    def save_positions(self, positions: Iterable[Position]) -> None:
        """Write positions that changed without a batch; cheap if none did."""
        self._checkpoint.save(positions)

    def known(self) -> list[Known]:
        """Return the formats and parser states of the logs."""
        return self._logs_known.all()

    def counters(self) -> dict[str, int]:
        """Return the counters since the state directory was created."""
        return self._checkpoint.counters()

    def get_meta(self, name: str) -> str | None:
        """Return a named value, or ``None``."""
        rows = self._db.rows("SELECT value FROM meta WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    def set_meta(self, name: str, value: str) -> None:
        """Store a named value durably."""
        with self._db.transaction() as connection:
            upsert(connection, "meta", [(name, value)])

    def pending(self, after_seq: int, limit: int) -> list[Pending]:
        """Return the first ``limit`` unapplied batches after ``after_seq``, in order."""
        rows = self._db.rows(
            "SELECT seq, created FROM batches WHERE applied IS NULL AND seq > ? "
            "ORDER BY seq LIMIT ?",
            after_seq,
            limit,
        )
        return [Pending(seq, created, self._db) for seq, created in rows]

    def newly_applied(self, upto_seq: int, ahead: Iterable[int]) -> dict[int, str]:
        """Return the checksums of the applied batches that are not yet noted as such."""
        query = "SELECT seq FROM batches WHERE applied IS NULL AND seq <= ?"
        beyond = frozenset(ahead)
        found = [seq for (seq,) in self._db.rows(query, max(beyond, default=upto_seq))]
        checksum = "SELECT json_extract(header, '$.checksum') FROM batches WHERE seq = ?"
        chosen = [seq for seq in found if seq <= upto_seq or seq in beyond]
        return {seq: str(self._db.rows(checksum, seq)[0][0]) for seq in chosen}

    def mark_applied(self, upto_seq: int, ahead: Iterable[int], now: float) -> int:
        """Note the applied batches: all up to ``upto_seq``, and those in ``ahead``.

        This need not survive a power failure: the ledger has it.

        Returns:
            The number of newly applied ones.
        """
        update = "UPDATE batches SET applied = ? WHERE applied IS NULL AND seq"
        with self._db.transaction(durable=False) as connection:
            count = connection.execute(f"{update} <= ?", (now, upto_seq)).rowcount
            return count + sum(
                connection.execute(f"{update} = ?", (now, seq)).rowcount for seq in ahead
            )

    def revive(self, above_seq: int, ahead: Iterable[int] = ()) -> tuple[int, tuple[Range, ...]]:
        """Note as applied only the batches up to ``above_seq`` and those in ``ahead``.

        Returns:
            The number of batches that are unapplied again, and the ranges of those that are already
            deleted.
        """
        query = "SELECT seq, applied IS NOT NULL FROM batches WHERE seq > ?"
        with self._db.transaction() as connection:
            last = self.next_seq - 1  # batches made after this are not missing
            kept = dict(connection.execute(query, (above_seq,)).fetchall())
            beyond = set(ahead)
            back = [(seq,) for seq, noted in kept.items() if noted and seq not in beyond]
            connection.executemany("UPDATE batches SET applied = NULL WHERE seq = ?", back)
        return len(back), gaps(above_seq + 1, last, kept.keys() | beyond)

    def touched_by(self, batches: Sequence[Range]) -> dict[int, str]:
        """Return the UTC hours that some batches touched, each with the batches' numbers."""
        return self._touched.by(batches)

    def resume_ages(self, now: float) -> None:
        """Shift all times so that the latest is ``now``, keeping their differences."""
        # So a clock that is wrong at a start neither deletes anything nor keeps it for ever.
        with self._db.transaction(durable=False) as connection:
            for table, noted in (("batches", "applied"), ("touched", "noted")):
                connection.execute(
                    f"UPDATE {table} SET {noted} = {noted} + ? - "  # noqa: S608 - constants
                    f"(SELECT max({noted}) FROM {table}) WHERE {noted} IS NOT NULL",
                    (now,),
                )

    def forget_touched(self, before: float) -> None:
        """Delete the record of the hours touched by batches made before a time."""
        with self._db.transaction(durable=False) as connection:
            self._touched.prune(connection, before)

    @property
    def seen(self) -> Pair | None:
        """Return the history and the commits of the state as last seen."""
        history, _, commits = (self.get_meta(_SEEN) or "").partition(" ")
        return Pair(history, int(commits)) if history else None

    def remember(self, seen: Pair) -> None:
        """Store what was seen of the state; this need not survive a power failure."""
        with self._db.transaction(durable=False) as connection:
            upsert(connection, "meta", [(_SEEN, f"{seen.history} {seen.commits}")])

    def prune(self, upto_seq: int, now: float, keep_applied: float, keep_bytes: int) -> int:
        """Delete applied batches: older than ``keep_applied`` seconds, or beyond ``keep_bytes``.

        Args:
            upto_seq: the last batch before a gap in the ledger; later ones are kept, as they may be
                needed again together with those that fill the gap.
            now: Unix seconds.
            keep_applied: seconds.
            keep_bytes: bytes of the newest batches to keep.

        Returns:
            The number deleted.
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
        """Return the number of unapplied batches."""
        return self._unapplied()[0]

    def unapplied_bytes(self) -> int:
        """Return the size of the unapplied batches in bytes."""
        return self._unapplied()[1]

    def oldest_unapplied(self, now: float) -> float:
        """Return the age in seconds of the oldest unapplied batch, or 0.0."""
        return max(0.0, now - (self._unapplied()[2] or now))

    def _unapplied(self) -> tuple[int, int, float | None]:
        """Return number, size in bytes, and creation of the first of the unapplied batches."""
        query = "SELECT count(*), total(bytes), min(created) FROM batches WHERE applied IS NULL"
        count, size, oldest = self._db.rows(query)[0]
        return count, int(size), oldest
