"""SQLite, set up to wait for other writers and to keep what was committed."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, event

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

#: Seconds to wait for another writer of the file.
TIMEOUT: Final = 30.0
#: The execution option of a transaction that will write.
WRITES: Final = "mailtally_writes"
_PAUSE: Final = 0.02


def sqlite_engine(url: URL) -> Engine:
    """Return the engine of an SQLite file; nothing is connected yet."""
    engine = create_engine(url, connect_args={"timeout": TIMEOUT})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # Otherwise the driver begins transactions on its own terms, and none for DDL.
    connection.isolation_level = None
    _write_ahead(connection)
    # A day file is archived once its rows are committed: they must outlive a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL: SQLite refuses some of several processes that open a new file at once."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that reads before it writes could otherwise fail half-way, when
    # another one has written in the meantime.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
