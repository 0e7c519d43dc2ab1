"""Checks of a database for a loader: its schema, and the rights that a load needs.

Nothing is changed. Each statement of a load is run with EXPLAIN, for which a server requires the
same rights as for the statement itself, and a temporary table is created and dropped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from mailtally_shared.billing import mariadb
from mailtally_shared.billing.engine import reading, writing
from mailtally_shared.billing.failures import MIGRATE
from mailtally_shared.billing.tables import CHANGE, DAILY, DETAIL, HOURLY, LOAD, SCHEMA
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

VERSION_TABLE = "mail_traffic_version"
_TABLES = (LOAD, DAILY, DETAIL, HOURLY, CHANGE)
_REPLACED = (DAILY, DETAIL, HOURLY)
_TEMPORARY = "CREATE TEMPORARY TABLE mail_traffic_check (day date)"


def unusable(engine: Engine) -> Iterator[str]:
    """Yield a sentence for each table or right that a load lacks; none for a new database.

    Raises:
        Unavailable: the database cannot be used at the moment.
        Refused: the database was made by a newer version, or is damaged.
    """
    if engine.url.get_backend_name() == "sqlite" and not Path(engine.url.database or "").exists():
        return
    with reading(engine) as connection:
        found = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in found:
        yield from _without_tables(engine)
        return
    if lacking := sorted({table.name for table in _TABLES} - found):
        yield f"the database lacks the table {', '.join(lacking)}: {MIGRATE}"
        return
    yield from _of_version(engine)
    for wanted, statement in _statements():
        yield from _tried(engine, wanted, f"EXPLAIN {statement}")
    yield from _tried(engine, "make temporary tables", _TEMPORARY)
    yield from _unnumbered(engine)


def _statements() -> Iterator[tuple[str, str]]:
    for table in (*_TABLES, None):
        name = VERSION_TABLE if table is None else table.name
        yield f"read {name}", f"SELECT * FROM {name}"  # noqa: S608 - our own table's name
    for table in _TABLES:
        every = f"SELECT * FROM {table.name}"  # noqa: S608 - same
        yield f"insert into {table.name}", f"INSERT INTO {table.name} {every}"
    for table in _REPLACED:
        yield f"delete from {table.name}", f"DELETE FROM {table.name}"  # noqa: S608 - same


def _tried(engine: Engine, wanted: str, statement: str) -> Iterator[str]:
    """Yield a sentence if the database's user may not run a statement."""
    try:
        with writing(engine) as connection:
            connection.execute(text(statement))
            if statement is _TEMPORARY:
                word = "TEMPORARY TABLE" if connection.dialect.name in mariadb.BACKENDS else "TABLE"
                connection.execute(text(f"DROP {word} mail_traffic_check"))
    except Unavailable as error:
        yield f"the loader's user may not {wanted}: {error}"


def _unnumbered(engine: Engine) -> Iterator[str]:
    """Yield a sentence if PostgreSQL's sequence of load numbers cannot be used."""
    if engine.dialect.name != "postgresql":
        return
    with reading(engine) as connection:
        if not _scalar(
            connection,
            "SELECT has_sequence_privilege("
            f"pg_get_serial_sequence('{LOAD.name}', 'id'), 'USAGE, UPDATE')",
        ):
            yield f"the loader's user may not use the sequence of {LOAD.name}: {MIGRATE}"


def _of_version(engine: Engine) -> Iterator[str]:
    """Yield a sentence if the schema is of another version."""
    try:
        with reading(engine) as connection:
            found = _scalar(connection, f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own table's name
    except Unavailable:
        return  # named with the other rights
    if found != SCHEMA:
        yield f"the database's schema is version {found}, not {SCHEMA}: {MIGRATE}"


def _without_tables(engine: Engine) -> Iterator[str]:
    """Yield a sentence if the tables are missing and ``run`` could not create them."""
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            may = _scalar(connection, "SELECT has_schema_privilege(current_schema(), 'CREATE')")
        elif engine.dialect.name in mariadb.BACKENDS:
            grants = connection.execute(text("SHOW GRANTS")).scalars().all()
            rights = [grant.partition(" ON ")[0] for grant in grants]
            may = any(" CREATE," in f"{each}," or "ALL PRIVILEGES" in each for each in rights)
        else:
            may = True
    if not may:
        yield f"the database has no tables, and the loader's user may not create them: {MIGRATE}"


def _scalar(connection: Connection, statement: str) -> object:
    return connection.execute(text(statement)).scalar()
