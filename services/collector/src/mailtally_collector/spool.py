"""The batches that are read, kept until they are applied, and for a while after that.

``commit`` is the step that turns lines that were read into batch ``seq``: the batch and
the file positions it covers are written in one transaction. A crash before it reads
the lines again; after it the batch's bytes never change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.checkpoint import Checkpoint
from mailtally_collector.identity import Identity, start_over
from mailtally_collector.logs_known import LogsKnown
from mailtally_collector.pending import Pending
from mailtally_collector.state_db import StateDb, upsert
from mailtally_collector.touched import Range, Touched, gaps
from mailtally_shared.state.history import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mailtally_collector.parse import Known
    from mailtally_collector.positions import Position

#: Unused pages (4 KiB) that the database may keep, and how many it gives back at a time.
_PAGES_KEPT = 4096
_PAGES_AT_ONCE = 1024

_SEEN = "seen"


class Spool:
    """The state directory as the reader and the shipper see it; safe for both threads."""

    def __init__(self, db: StateDb) -> None:
        self._db = db
        self._checkpoint = Checkpoint(db)
        self._logs_known = LogsKnown(db)
        self._touched = Touched(db)
        self.identity = Identity(db)

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

    def numbers_above(self, seq: int) -> set[int]:
        """Return the numbers of the batches above one that it still has."""
        return {row[0] for row in self._db.rows("SELECT seq FROM batches WHERE seq > ?", seq)}

    def start_over(self, mark: str, dropped: Iterable[int]) -> None:
        """Forget all batches and positions; become another collector, whose id has ``mark``.

        ``dropped`` are the numbers of its batches that the ledger does not have.
        """
        with self._db.transaction() as connection:
            start_over(connection, mark, dropped)
        self._checkpoint, self._logs_known = Checkpoint(self._db), LogsKnown(self._db)
        self._touched = Touched(self._db)

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
        hours: Iterable[int] = (),
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
            hours: the UTC hours since 1970 that its records are of.

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
            self._touched.write(connection, seq, hours, now)
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

    def newly_applied(self, upto_seq: int, ahead: Iterable[int]) -> dict[int, str]:
        """Return the checksums of the batches that the ledger has, and were not noted so yet."""
        query = "SELECT seq FROM batches WHERE applied IS NULL AND seq <= ?"
        beyond = frozenset(ahead)
        found = [seq for (seq,) in self._db.rows(query, max(beyond, default=upto_seq))]
        checksum = "SELECT json_extract(header, '$.checksum') FROM batches WHERE seq = ?"
        chosen = [seq for seq in found if seq <= upto_seq or seq in beyond]
        return {seq: str(self._db.rows(checksum, seq)[0][0]) for seq in chosen}

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

    def revive(self, above_seq: int, ahead: Iterable[int] = ()) -> tuple[int, tuple[Range, ...]]:
        """Only what the ledger has is applied: up to ``above_seq``, and those in ``ahead``.

        Returns:
            How many batches are unapplied again, and which would have to be but are
            deleted already.
        """
        query = "SELECT seq, applied IS NOT NULL FROM batches WHERE seq > ?"
        with self._db.transaction() as connection:
            last = self.next_seq - 1  # a batch that is made after this is not one that is missing
            kept = dict(connection.execute(query, (above_seq,)).fetchall())
            beyond = set(ahead)
            back = [(seq,) for seq, noted in kept.items() if noted and seq not in beyond]
            connection.executemany("UPDATE batches SET applied = NULL WHERE seq = ?", back)
        return len(back), gaps(above_seq + 1, last, kept.keys() | beyond)

    def touched_by(self, batches: Sequence[Range]) -> dict[int, str]:
        """Return the UTC hours that some batches touched, each with the numbers of those."""
        return self._touched.by(batches)

    def resume_ages(self, now: float) -> None:
        """Let what was noted last be of ``now``, and all else as much older as it was before."""
        # A clock that is wrong at a start then deletes nothing, and keeps nothing for ever.
        with self._db.transaction(durable=False) as connection:
            for table, noted in (("batches", "applied"), ("touched", "noted")):
                connection.execute(
                    f"UPDATE {table} SET {noted} = {noted} + ? - "  # noqa: S608 - constants
                    f"(SELECT max({noted}) FROM {table}) WHERE {noted} IS NOT NULL",
                    (now,),
                )

    def forget_touched(self, before: float) -> None:
        """Forget which hours the batches touched that were made before a moment."""
        with self._db.transaction(durable=False) as connection:
            self._touched.prune(connection, before)

    @property
    def seen(self) -> Pair | None:
        """What the state was when it was last seen: its history, and its commits."""
        history, _, commits = (self.get_meta(_SEEN) or "").partition(" ")
        return Pair(history, int(commits)) if history else None

    def remember(self, seen: Pair) -> None:
        """Keep what the state was; this need not survive a power failure."""
        with self._db.transaction(durable=False) as connection:
            upsert(connection, "meta", [(_SEEN, f"{seen.history} {seen.commits}")])

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
