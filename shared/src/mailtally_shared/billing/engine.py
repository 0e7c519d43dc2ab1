"""Opening the database, and transactions whose errors say what to do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, PendingRollbackError

from mailtally_shared.billing import mariadb, sqlite
from mailtally_shared.billing.failures import first_words, is_damaged, passing_failure
from mailtally_shared.errors import Refused, SettingsError, Unavailable
from mailtally_shared.runtime.urls import ENCODE, mask_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection, Engine

#: Seconds for which a connection to a server is attempted.
CONNECT_TIMEOUT = 10
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}
_SUPPORTED = "sqlite, postgresql, mariadb, mysql"
_LOCK_SPACE = 0x6D74  # "mt": keeps these advisory locks apart from those of other programs


def open_engine(url: str) -> Engine:
    """Return the engine for an SQLAlchemy URL; nothing is connected yet.

    Raises:
        SettingsError: the database is of no supported kind, or its driver is not installed.
    """
    try:
        return _engine(_parsed(url))
    except (ArgumentError, ValueError):
        # The driver's message may contain a piece of the password.
        raise SettingsError(f"database_url: it cannot be read as a URL: {ENCODE}") from None
    except (NoSuchModuleError, ImportError) as error:
        raise SettingsError(f"database_url: this database cannot be used ({error})") from error


def _parsed(url: str) -> URL:
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        path, _, query = rest.removeprefix("/").partition("?")
        # A path is bytes, and need not be UTF-8.
        database = os.fsdecode(unquote_to_bytes(path))
        return URL.create(scheme, database=database or None, query=dict(parse_qsl(query)))
    parsed = make_url(_with_hosts_apart(url))
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))


def _with_hosts_apart(url: str) -> str:
    """Rewrite ``//user@a:5432,b/db`` for SQLAlchemy: ``//user@/db?host=a:5432&host=b``."""
    head, _, query = url.partition("?")
    scheme, _, rest = head.partition("://")
    authority, _, database = rest.partition("/")
    login, _, servers = authority.rpartition("@")
    if "," not in servers or not scheme.startswith("postgres"):
        return url
    hosts = urlencode([("host", server) for server in servers.split(",")])
    login = f"{login}@" if login else ""
    return f"{scheme}://{login}/{database}?{hosts}" + (f"&{query}" if query else "")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return sqlite.sqlite_engine(url)
    if url.get_backend_name() in mariadb.BACKENDS:
        return mariadb.mariadb_engine(url, CONNECT_TIMEOUT)
    if url.get_backend_name() != "postgresql":
        raise SettingsError(f"database_url: {url.get_backend_name()} is not one of {_SUPPORTED}")
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_TIMEOUT})


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes: committed at the end, rolled back on any error.

    Raises:
        Unavailable: the database cannot be used at the moment.
    """
    with failures_named(engine):
        _prepare_file(engine.url)
        with engine.connect() as connection:
            writer = connection.execution_options(**{sqlite.WRITES: True})
            with writer.begin():
                yield writer


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads.

    Raises:
        Unavailable: the database cannot be used at the moment.
    """
    with failures_named(engine), engine.connect() as connection:
        yield connection


def probe(engine: Engine) -> None:
    """Connect to the database and change nothing.

    Raises:
        Unavailable: the database cannot be used at the moment.
    """
    # Connecting would create a missing SQLite file.
    if engine.url.get_backend_name() != "sqlite" or Path(engine.url.database or "").exists():
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))


def lock_day(connection: Connection, day: date) -> None:
    """Lock a day against other writers until the transaction ends.

    On SQLite a transaction that writes excludes all others anyway.
    """
    take_lock(connection, day.toordinal())


def take_lock(connection: Connection, number: int) -> None:
    """Wait for an advisory lock by its number and hold it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:space, :number)"),
            {"space": _LOCK_SPACE, "number": number},
        )
    elif connection.dialect.name in mariadb.BACKENDS:
        mariadb.take_named_lock(connection, number)


@contextmanager
def failures_named(engine: Engine) -> Iterator[None]:
    """Translate the database's failures into errors that say what to do; pass others on.

    Raises:
        Unavailable: the database cannot be used at the moment.
        Refused: the database's file is damaged.
    """
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        # Bulk loads call the driver directly, so its own errors are caught as well.
        cause = getattr(error, "orig", None) or error
        where = _shown(engine.url)
        reason = first_words(str(cause))
        if is_damaged(cause):
            raise Refused(
                f"the database {where} is damaged or not a database ({reason}): restore it from a "
                "backup, or set another in database_url"
            ) from error
        said = passing_failure(cause)
        if said is None and not _is_away(cause, engine):
            raise
        about = f"{said} ({reason})" if said else reason
        raise Unavailable(f"the database {where} cannot be used: {about}") from error
    except PendingRollbackError as error:
        raise Unavailable(
            f"the database {_shown(engine.url)} cannot be used: the connection was lost"
        ) from error


def _is_away(cause: BaseException, engine: Engine) -> bool:
    """Return whether the error's class says so: some errors of a lost connection have no code."""
    driver = engine.dialect.loaded_dbapi
    return isinstance(cause, (driver.OperationalError, driver.InterfaceError))


def _shown(url: URL) -> str:
    """Return the URL without any secret, in its parameters either."""
    return mask_url(url.render_as_string(hide_password=True))


def _prepare_file(url: URL) -> None:
    """Create the directory of an SQLite file, and the file, readable by its owner only.

    An existing file is not opened: closing it again would release the locks that SQLite holds on it
    for this process, and the next program to close the database would remove its write-ahead log
    while this process still writes there. What is committed then would be lost.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise Unavailable(
            f"the database {path} cannot be used: {error.strerror or error}"
        ) from error
