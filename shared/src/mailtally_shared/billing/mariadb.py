"""The special needs of MariaDB and MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text

from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

#: SQLAlchemy's names of both.
BACKENDS = ("mariadb", "mysql")
#: Seconds to wait for a lock.
_LOCK_PATIENCE = 60
# A server may be configured to truncate values silently, or to create tables without transactions.
_SESSION = (
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
    "default_storage_engine = InnoDB, default_tmp_storage_engine = InnoDB"
)


def mariadb_engine(url: URL, connect_timeout: int) -> Engine:
    """Return the engine for such a server; nothing is connected yet."""
    engine = create_engine(
        url,
        pool_pre_ping=True,
        paramstyle="format",  # bulk loads hand tuples to the driver
        # Each statement sees what other loaders committed before it, as on PostgreSQL.
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": connect_timeout, "init_command": _SESSION},
    )
    event.listen(engine, "reset", _release_locks)
    return engine


def take_named_lock(connection: Connection, number: int) -> None:
    """Wait for an advisory lock and hold it until the connection returns to its pool.

    Raises:
        Unavailable: another process holds it for too long.
    """
    # A lock's name applies to the whole server, so it includes the database's name.
    query = text("SELECT GET_LOCK(CONCAT('mailtally:', :number, ':', LEFT(DATABASE(), 40)), :wait)")
    if connection.scalar(query, {"number": number, "wait": _LOCK_PATIENCE}) != 1:
        raise Unavailable("the database is locked by another process for too long")


def _release_locks(connection: Any, _record: object, _state: object) -> None:  # noqa: ANN401 - the driver's
    """Release the locks: here the end of a transaction does not."""
    with connection.cursor() as cursor:
        cursor.execute("DO RELEASE_ALL_LOCKS()")
