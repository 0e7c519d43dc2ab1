"""Opening the database, and transactions whose failures say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from mailtally_shared.database import mariadb, sqlite
from mailtally_shared.errors import SettingsError, Unavailable

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
#: What PostgreSQL answers to whom a right is lacking (SQLSTATE insufficient_privilege).
_NO_RIGHT = "42501"
_LOCK_SPACE = 0x6D74  # "mt": keeps our advisory locks apart from those of others


def open_engine(url: str) -> Engine:
    """The engine for an SQLAlchemy URL; nothing is connected yet.

    Raises:
        SettingsError: no such database, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        return _engine(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SettingsError(f"database_url: not a database that can be used ({error})") from error


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
    with _failures_named(engine):
        _make_directory(engine.url)
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
    with _failures_named(engine), engine.connect() as connection:
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
def _failures_named(engine: Engine) -> Iterator[None]:
    # Bulk loads speak to the driver itself, so its own errors count as well.
    driver = engine.dialect.loaded_dbapi
    away = (OperationalError, InterfaceError, driver.OperationalError, driver.InterfaceError)
    try:
        yield
    except away as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        where = engine.url.render_as_string(hide_password=True)
        raise Unavailable(f"the database {where} cannot be used: {reason}") from error
    except (ProgrammingError, driver.ProgrammingError) as error:
        refused = getattr(error, "orig", error)
        if getattr(refused, "sqlstate", None) != _NO_RIGHT:
            raise
        reason = str(refused).strip().partition("\n")[0]
        raise Unavailable(
            f"the user {engine.url.username!r} of the database lacks a right ({reason}); run "
            "'mailtally-loader migrate' and deploy/postgres/roles.sql as the owner of the tables"
        ) from error


def _make_directory(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
