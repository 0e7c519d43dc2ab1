"""What each failure of a database comes to: waited for, refused, or a mistake of ours."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pymysql  # type: ignore[import-untyped]  # it has no types
import pytest
from psycopg import errors as pg
from pymysql import err as my

from mailtally_shared.billing.engine import failures_named, open_engine, probe, reading, writing
from mailtally_shared.billing.failures import passing_failure
from mailtally_shared.errors import Refused, Unavailable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Engine

POSTGRES = "postgresql://me@127.0.0.1:1/db"
MYSQL = "mysql://me@127.0.0.1:1/db"


@pytest.mark.parametrize(
    "error",
    [
        *(pg.ReadOnlySqlTransaction, pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow),
        *(pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable, pg.QueryCanceled),
        *(pg.DiskFull, pg.TooManyConnections, pg.OutOfMemory, pg.ConnectionFailure),
        *(pg.InsufficientPrivilege, pg.InvalidPassword, pg.InvalidCatalogName),
        *(pg.UndefinedTable, pg.InvalidSchemaName, pg.IdleInTransactionSessionTimeout),
        *(pg.InFailedSqlTransaction, pg.SystemError, pg.IoError),
    ],
)
def test_what_postgresql_may_do_any_day_is_waited_for(error: type[psycopg.Error]) -> None:
    with pytest.raises(Unavailable, match="cannot be used"), writing_nothing(POSTGRES):
        raise error("as the server puts it")


def test_a_standby_is_named_as_such_though_its_class_of_failures_has_other_words() -> None:
    assert "read-only" in str(passing_failure(pg.ReadOnlySqlTransaction("as the server puts it")))


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *((my.OperationalError, number) for number in (1290, 1792, 1836, 1213, 1205, 1040, 1045)),
        *((my.OperationalError, number) for number in (1044, 1049, 1142, 2003, 2006, 2013, 1053)),
        (my.InternalError, 1290),
        (my.InternalError, 1205),
        (my.OperationalError, 1021),
        (my.InternalError, 28),
        (my.ProgrammingError, 1146),
        (my.InterfaceError, 0),
    ],
)
def test_what_mysql_may_do_any_day_is_waited_for(kind: type[pymysql.Error], number: int) -> None:
    with pytest.raises(Unavailable, match="cannot be used"), writing_nothing(MYSQL):
        raise kind(number, "as the server puts it")


def test_the_number_of_a_mysql_error_counts_and_not_its_sqlstate() -> None:
    denied = my.OperationalError(1142, "as the server puts it", sqlstate="42000")
    assert "lacks a right" in str(passing_failure(denied))
    gone = my.ProgrammingError(1146, "as the server puts it", sqlstate="42S02")
    assert "a table is missing" in str(passing_failure(gone))


@pytest.mark.parametrize("url", [POSTGRES, MYSQL])
def test_a_value_that_is_not_taken_is_no_matter_of_waiting(url: str) -> None:
    for kind in (pg.NumericValueOutOfRange, pg.UniqueViolation, pg.SyntaxError):
        assert passing_failure(kind("value")) is None
    driver = open_engine(url).dialect.loaded_dbapi
    with pytest.raises(driver.DataError), writing_nothing(url):
        raise driver.DataError("value")


def writing_nothing(url: str) -> AbstractContextManager[None]:
    """What a transaction makes of an error, with no server needed."""
    return failures_named(open_engine(url))


def test_an_sqlite_file_that_is_locked_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE some (thing)")
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        busy = open_engine(f"sqlite:///{path}")
        with pytest.raises(Unavailable, match="another process"):
            insert_at_once(busy)


def test_an_sqlite_file_without_room_is_waited_for(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/m.sqlite")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE some (thing)")
    with pytest.raises(Unavailable, match="its disk is full"):
        insert_without_room(engine)


def insert_without_room(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("INSERT INTO some VALUES (zeroblob(100000))")


def insert_at_once(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
        connection.exec_driver_sql("INSERT INTO some VALUES (1)")


def test_an_sqlite_file_that_is_damaged_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(Refused, match="backup"):
        probe(open_engine(f"sqlite:///{path}"))


def test_an_sqlite_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with writing(open_engine(f"sqlite:///{path}")) as connection:
        connection.exec_driver_sql("CREATE TABLE some (thing)")
        modes = {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == {0o600}


def test_what_several_servers_said_stands_in_one_line() -> None:
    url = "postgresql://me:Zq7xW@127.0.0.1:1,127.0.0.1:2/db"
    with pytest.raises(Unavailable) as caught:
        probe(open_engine(url))
    assert "\n" not in str(caught.value)
    assert "host=127.0.0.1%3A1&host=127.0.0.1%3A2" in str(caught.value)
    assert "Zq7xW" not in str(caught.value)
