"""The collector's SQLite database: one process at a time, changed in transactions."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from mailtally_collector.spool.rejects import last_number
from mailtally_shared.days.durable import directory_lock, sync_directory
from mailtally_shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FORMAT = 2

_SCHEMA = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE positions (file_key TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE logs (log TEXT PRIMARY KEY, format TEXT NOT NULL, state BLOB NOT NULL);
CREATE TABLE batches (
    seq INTEGER PRIMARY KEY,
    created REAL NOT NULL,
    applied REAL,            -- when it was noted, else NULL
    bytes INTEGER NOT NULL,  -- of header and payload
    header TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX unapplied ON batches (seq, created, bytes) WHERE applied IS NULL;
CREATE INDEX applied ON batches (seq, applied, bytes) WHERE applied IS NOT NULL;
PRAGMA user_version = {FORMAT};
"""

#: Size of the write-ahead log on disk after it is emptied.
_WAL_KEPT = 16 * 2**20

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WAIT = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
)


class StateDb:
    """A state directory and the database in it.

    The reader and the shipper share one connection under one lock: SQLite permits one writer at a
    time in any case, and a lock wakes the waiting thread sooner than SQLite's own retries do.

    ``mark`` is the beginning of the collector's id in a new directory.

    Raises:
        Refused: another process uses the directory, or the database is damaged.
        Unavailable: the disk is full or fails; nothing was changed.
    """

    def __init__(self, directory: Path, mark: str = "") -> None:
        self._path = directory / "state.sqlite"
        self._lock = threading.RLock()
        with ExitStack() as stack:
            _claim(directory, stack)
            with self._plain_errors():
                self._connection = stack.enter_context(_connected(self._path))
                self._prepare(directory, mark)
            self._held = stack.pop_all()

    def close(self) -> None:
        """Close the database, and release the directory."""
        with self._lock:
            self._held.close()

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Return the rows of a query."""
        with self._lock, self._plain_errors():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Run the block as a transaction.

        Args:
            durable: whether it is on disk when the block is left. A power failure may undo other
                transactions, but never without all later ones.
        """
        with self._lock, self._plain_errors():
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def give_back(self, pages: int) -> None:
        """Shorten the file by ``pages`` unused pages."""
        with self._lock, self._plain_errors():
            # ``execute`` would stop after the first page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({pages:d})")

    def _prepare(self, directory: Path, mark: str) -> None:
        version = self.rows("PRAGMA user_version")[0][0]
        if version == 0:
            self._create(directory, mark)
        elif version != FORMAT:
            raise Refused(
                f"{self._path} was written by another version of mailtally (format {version}, "
                f"not {FORMAT}). Run the version that wrote it until its spool is empty."
            )
        self.rows("PRAGMA journal_mode = WAL")
        self.rows(f"PRAGMA journal_size_limit = {_WAL_KEPT}")

    def _create(self, directory: Path, mark: str) -> None:
        self.rows("PRAGMA auto_vacuum = INCREMENTAL")
        first = {"collector_id": new_id(mark), "rejects": str(last_number(directory))}
        with self.transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", first.items())
        sync_directory(directory)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED:
                raise Refused(
                    f"{self._path} is damaged ({error}). Move the directory {self._path.parent} "
                    "away and start again: the collector then resumes at the ledger's positions."
                ) from error
            if code in _WAIT:
                raise Unavailable(f"{self._path} cannot be used: {error}.") from error
            raise


def new_id(mark: str) -> str:
    """Return a fresh collector id that begins with ``mark``.

    The rest is a secret: with the id, anybody with access to the queue could send as its collector.
    """
    return mark + secrets.token_hex(16)[len(mark) :]


def upsert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[str, object]]) -> None:
    """Insert rows of two columns, the first of which is the key, or replace them."""
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 - a constant table name


def _claim(directory: Path, stack: ExitStack) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        stack.enter_context(directory_lock(directory, wait=False))
    except BlockingIOError:
        raise Refused(
            f"Another collector uses {directory}. Stop it, or give this one a directory of its "
            "own (MAILTALLY_STATE_DIR)."
        ) from None
    except OSError as error:
        raise Refused(f"{directory} cannot be used: {error.strerror}.") from error


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    # SQLite would make it readable for everybody; its other files inherit this mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()
