"""Opening the database, and transactions whose failures say what to do."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, PendingRollbackError

from mailtally_shared.database import mariadb, sqlite
from mailtally_shared.database.failures import first_words, is_damaged, passing_failure
from mailtally_shared.errors import Refused, SettingsError, Unavailable
from mailtally_shared.process.url_form import ENCODE
from mailtally_shared.process.urls import mask_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection, Engine

#: Seconds: how long to try to connect to a server.
CONNECT_TIMEOUT = 10
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
}
_SUPPORTED = "sqlite, postgresql, mariadb, mysql"
_LOCK_SPACE = 0x6D74  # "mt": keeps our advisory locks apart from those of others


def open_engine(url: str) -> Engine:
    """The engine for an SQLAlchemy URL; nothing is connected yet.

    Raises:
        SettingsError: no such database, or its driver is not installed.
    """
    try:
        return _engine(_parsed(url))
    except (ArgumentError, ValueError):
        # Their words may hold a piece of the password.
        raise SettingsError(f"database_url: it cannot be read as a URL: {ENCODE}") from None
    except (NoSuchModuleError, ImportError) as error:
        raise SettingsError(f"database_url: not a database that can be used ({error})") from error


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
    """A transaction that writes: committed at the end, rolled back on any error.

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
    """A transaction that only reads.

    Raises:
        Unavailable: the database cannot be used at the moment.
    """
    with failures_named(engine), engine.connect() as connection:
        yield connection


def probe(engine: Engine) -> None:
    """Connect, and change nothing.

    Raises:
        Unavailable: the database cannot be used at the moment.
    """
    # Connecting would make an SQLite file that is not there yet.
    if engine.url.get_backend_name() != "sqlite" or Path(engine.url.database or "").exists():
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))


def lock_day(connection: Connection, day: date) -> None:
    """Keep other writers off a day until the transaction ends.

    On SQLite a transaction that writes keeps off all others anyway.
    """
    take_lock(connection, day.toordinal())


def take_lock(connection: Connection, number: int) -> None:
    """Wait for one of our locks by its number; it is held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:space, :number)"),
            {"space": _LOCK_SPACE, "number": number},
        )
    elif connection.dialect.name in mariadb.BACKENDS:
        mariadb.take_named_lock(connection, number)


@contextmanager
def failures_named(engine: Engine) -> Iterator[None]:
    """Turn the database's failures into what is to be done; others go on as they are.

    Raises:
        Unavailable: the database cannot be used at the moment.
        Refused: its file is damaged.
    """
    try:
        yield
    except (DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        # Bulk loads speak to the driver itself, so its own errors count as well.
        cause = getattr(error, "orig", None) or error
        where = _shown(engine.url)
        reason = first_words(str(cause))
        if is_damaged(cause):
            raise Refused(
                f"the database {where} is damaged or no database ({reason}): bring it back from a "
                "backup, or name another"
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
    """Return whether the driver says so by its class: of a connection lost, some have no code."""
    driver = engine.dialect.loaded_dbapi
    return isinstance(cause, (driver.OperationalError, driver.InterfaceError))


def _shown(url: URL) -> str:
    """Return the URL without any secret, in parameters either."""
    return mask_url(url.render_as_string(hide_password=True))


def _prepare_file(url: URL) -> None:
    """Make an SQLite file that nobody else may read, and the directory it is in.

    A file that exists is not opened: to close it again would give up the locks that SQLite holds on
    it for this process, and the next program to close the database would remove its write-ahead
    log while this one goes on writing there. What is committed then would be lost.
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
