"""Changing the rows of a day to those of a file, by the difference between the two.

Where the day has no rows yet, the whole file goes straight into the table.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    and_,
    delete,
    exists,
    insert,
    literal,
    null,
    or_,
    select,
)

from mailtally_shared.billing import mariadb
from mailtally_shared.billing.tables import CHANGE, DAILY, DETAIL, HOURLY, HOURLY_KEY
from mailtally_shared.days.charged_rows import CHARGES
from mailtally_shared.schema import KEY, MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection, FromClause

    from mailtally_shared.days import ChargedRows, DayRows
    from mailtally_shared.days.hour_rows import HourRows

    Rows = ChargedRows | DayRows | HourRows


def _staging(table: Table, key: tuple[str, ...], figures: tuple[str, ...]) -> Table:
    """Return a temporary table with some columns of ``table``, for the rows of one day."""
    return Table(
        f"{table.name}_staged",
        MetaData(),
        *(Column(name, table.c[name].type, nullable=False) for name in key + figures),
        PrimaryKeyConstraint(*key),
        prefixes=["TEMPORARY"],
        sqlite_with_rowid=False,
    )


_STAGED_DAILY = _staging(DAILY, ("domain",), CHARGES)
_STAGED_DETAIL = _staging(DETAIL, KEY, MEASURES)
_STAGED_HOURLY = _staging(HOURLY, HOURLY_KEY, MEASURES)


def restate_daily(
    connection: Connection, day: date, pieces: Iterable[ChargedRows], *, load_id: int, audit: bool
) -> None:
    """Change a day's charged rows to those of a file.

    Args:
        connection: in a transaction.
        day: the traffic day.
        pieces: the rows, from ``DaySet.charged``.
        load_id: the load, recorded in each row that is new or differs.
        audit: whether to record each difference in ``mail_traffic_change``.
    """
    if not audit and not _has_rows(connection, DAILY, day):
        _insert(connection, DAILY, _whole(pieces, day, load_id))
        return
    with _staged(connection, _STAGED_DAILY, pieces) as staged:
        if audit:
            _write_audit(connection, day, load_id)
        _replace(connection, DAILY, staged, day, load_id=load_id)


def restate_detail(connection: Connection, day: date, pieces: Iterable[DayRows]) -> None:
    """Change a day's counted rows to those of a breakdown, from ``DaySet.counted``.

    A bare file has none, and those of an earlier load would contradict it: they are deleted.
    """
    _restate(connection, DETAIL, _STAGED_DETAIL, day, pieces)


def restate_hours(connection: Connection, day: date, pieces: Iterable[HourRows]) -> None:
    """Change a day's rows by hour to those of a file, from ``DaySet.by_hour``.

    A set may have none, and those of an earlier load are not its hours: they are deleted.
    """
    _restate(connection, HOURLY, _STAGED_HOURLY, day, pieces)


def _restate(
    connection: Connection, table: Table, staging: Table, day: date, pieces: Iterable[Rows]
) -> None:
    if not _has_rows(connection, table, day):
        _insert(connection, table, _whole(pieces, day))
        return
    with _staged(connection, staging, pieces) as staged:
        _replace(connection, table, staged, day)


def _has_rows(connection: Connection, table: Table, day: date) -> bool:
    return (
        connection.execute(select(table.c.day).where(table.c.day == day).limit(1)).first()
        is not None
    )


def _whole(pieces: Iterable[Rows], day: date, *after: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows with the values that the file lacks: the day, and the last columns."""
    fixed = [day.isoformat(), *after]
    for rows in pieces:
        first, *last = (repeat(value, len(rows)) for value in fixed)
        yield list(zip(first, *rows.lists(), *last, strict=True))


def _bare(pieces: Iterable[Rows]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows with the values of the file only."""
    return (list(zip(*rows.lists(), strict=True)) for rows in pieces)


@contextmanager
def _staged(connection: Connection, table: Table, pieces: Iterable[Rows]) -> Iterator[Table]:
    _drop(connection, table)  # on MariaDB it survives a transaction that was rolled back
    table.create(connection, checkfirst=False)
    _insert(connection, table, _bare(pieces))
    if connection.dialect.name == "postgresql":
        # The planner has no statistics of a table just filled, and old ones of the other: it
        # would estimate no rows where there are a million, and join row by row.
        connection.exec_driver_sql(f"ANALYZE {table.name}")
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    yield table
    _drop(connection, table)


def _drop(connection: Connection, table: Table) -> None:
    """Drop a staging table; MariaDB commits first unless the table is declared temporary."""
    word = "TEMPORARY TABLE" if connection.dialect.name in mariadb.BACKENDS else "TABLE"
    connection.exec_driver_sql(f"DROP {word} IF EXISTS {table.name}")


def _write_audit(connection: Connection, day: date, load_id: int) -> None:
    new = _STAGED_DAILY
    old = select(DAILY).where(DAILY.c.day == day).subquery("old")
    came_or_changed = (
        select(literal(load_id), new.c.domain, *_figures(old), *_figures(new))
        .select_from(new.outerjoin(old, new.c.domain == old.c.domain))
        .where(or_(old.c.domain.is_(None), _differs(old, new)))
    )
    went = select(literal(load_id), old.c.domain, *_figures(old), null(), null(), null()).where(
        ~exists().where(new.c.domain == old.c.domain)
    )
    columns = [column.name for column in CHANGE.c]
    connection.execute(insert(CHANGE).from_select(columns, came_or_changed))
    connection.execute(insert(CHANGE).from_select(columns, went))


def _figures(table: FromClause) -> list[ColumnElement[int]]:
    return [table.c[name] for name in CHARGES]


def _differs(old: FromClause, new: FromClause) -> ColumnElement[bool]:
    return or_(*(old.c[name] != new.c[name] for name in CHARGES))


def _replace(connection: Connection, table: Table, staged: Table, day: date, **fixed: int) -> None:
    """Delete the rows that differ from the staged ones, then insert those that are missing."""
    same_row = and_(*(table.c[column.name] == column for column in staged.c))
    connection.execute(delete(table).where(table.c.day == day, ~exists().where(same_row)))
    same_key = and_(*(table.c[column.name] == column for column in staged.primary_key))
    missing = select(literal(day), *staged.c, *(literal(value) for value in fixed.values())).where(
        ~exists().where(table.c.day == day, same_key)
    )
    columns = ["day", *(column.name for column in staged.c), *fixed]
    connection.execute(insert(table).from_select(columns, missing))


def _insert(connection: Connection, table: Table, blocks: Iterable[list[tuple[Any, ...]]]) -> None:
    """Insert a stream of rows in bounded memory.

    Args:
        connection: in a transaction.
        table: the target.
        blocks: some hundred rows each, at least one; values of all columns in their
            order, each a whole number or text without control characters.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, blocks)
    else:
        _execute_many(connection, table, blocks)


def _copy(connection: Connection, table: Table, blocks: Iterable[list[tuple[Any, ...]]]) -> None:
    name = connection.dialect.identifier_preparer.format_table(table)
    line = "\t".join(repeat("%s", len(table.columns))) + "\n"
    cursor: Any = connection.connection.cursor()  # psycopg's, which is more than the DBAPI's
    with cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for block in blocks:
            # The backslash is the only character of COPY's text format that a value can contain.
            copy.write("".join(map(line.__mod__, block)).replace("\\", "\\\\"))


def _execute_many(
    connection: Connection, table: Table, blocks: Iterable[list[tuple[Any, ...]]]
) -> None:
    statement = str(insert(table).compile(dialect=connection.dialect))
    for block in blocks:
        connection.exec_driver_sql(statement, block)
