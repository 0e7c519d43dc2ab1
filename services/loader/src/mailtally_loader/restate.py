"""Making the rows of a day those of a file, by the difference between the two.

Where the day has no rows yet, that is the whole file: it goes straight into the table.
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

from mailtally_shared.database import mariadb
from mailtally_shared.database.bulk import insert_blocks
from mailtally_shared.database.tables import CHANGE, DAILY, DETAIL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection, FromClause

    from mailtally_shared.day_files.blocks import Block

Rows = list[tuple[Any, ...]]

_FIGURES = ("bytes", "hits_all", "hits_html")
_DETAIL_KEY = ("domain", "host", "service", "status")
_DETAIL_FIGURES = ("messages", "bytes", "transferred")


def _staging(table: Table, key: tuple[str, ...], figures: tuple[str, ...]) -> Table:
    """A temporary table with some columns of ``table``, one day's rows in it."""
    return Table(
        f"{table.name}_staged",
        MetaData(),
        *(Column(name, table.c[name].type, nullable=False) for name in key + figures),
        PrimaryKeyConstraint(*key),
        prefixes=["TEMPORARY"],
        sqlite_with_rowid=False,
    )


_STAGED_DAILY = _staging(DAILY, ("domain",), _FIGURES)
_STAGED_DETAIL = _staging(DETAIL, _DETAIL_KEY, _DETAIL_FIGURES)


def restate_daily(
    connection: Connection, day: date, blocks: Iterable[Block], *, load_id: int, audit: bool
) -> None:
    """Make a day's charged rows those of a file.

    Args:
        connection: in a transaction.
        day: the traffic day.
        blocks: as ``DaySet.qml_blocks`` gives them.
        load_id: goes into each row that is new or differs.
        audit: whether to note each difference in ``mail_traffic_change``.
    """
    if not audit and not _has_rows(connection, DAILY, day):
        insert_blocks(connection, DAILY, _whole(blocks, day, load_id))
        return
    with _staged(connection, _STAGED_DAILY, blocks) as staged:
        if audit:
            _write_audit(connection, day, load_id)
        _replace(connection, DAILY, staged, day, load_id=load_id)


def restate_detail(connection: Connection, day: date, blocks: Iterable[Block]) -> None:
    """Make a day's counted rows those of a breakdown, as ``DaySet.breakdown_blocks`` gives them.

    A bare file has none, and those of an earlier load would contradict it: they go.
    """
    if not _has_rows(connection, DETAIL, day):
        insert_blocks(connection, DETAIL, _whole(blocks, day))
        return
    with _staged(connection, _STAGED_DETAIL, blocks) as staged:
        _replace(connection, DETAIL, staged, day)


def _has_rows(connection: Connection, table: Table, day: date) -> bool:
    return (
        connection.execute(select(table.c.day).where(table.c.day == day).limit(1)).first()
        is not None
    )


def _whole(blocks: Iterable[Block], day: date, *after: int) -> Iterator[Rows]:
    """The rows with what the file leaves unsaid: the day, and what comes last."""
    fixed = [day.isoformat(), *after]
    for block in blocks:
        first, *last = (repeat(value, len(block)) for value in fixed)
        yield list(zip(first, *block.columns, *last, strict=True))


@contextmanager
def _staged(connection: Connection, table: Table, blocks: Iterable[Block]) -> Iterator[Table]:
    _drop(connection, table)  # on MariaDB it outlives a transaction that was rolled back
    table.create(connection, checkfirst=False)
    insert_blocks(connection, table, map(list, blocks))
    if connection.dialect.name == "postgresql":
        # The planner knows nothing of a table just filled, and of the other what was true
        # some time ago: it would take a million rows for none, and join row by row.
        connection.exec_driver_sql(f"ANALYZE {table.name}")
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
    yield table
    _drop(connection, table)


def _drop(connection: Connection, table: Table) -> None:
    """Remove a staged table; MariaDB commits first unless it is told that it is temporary."""
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
    return [table.c[name] for name in _FIGURES]


def _differs(old: FromClause, new: FromClause) -> ColumnElement[bool]:
    return or_(*(old.c[name] != new.c[name] for name in _FIGURES))


def _replace(connection: Connection, table: Table, staged: Table, day: date, **fixed: int) -> None:
    """What is not staged just so goes; what is then missing comes."""
    same_row = and_(*(table.c[column.name] == column for column in staged.c))
    connection.execute(delete(table).where(table.c.day == day, ~exists().where(same_row)))
    same_key = and_(*(table.c[column.name] == column for column in staged.primary_key))
    missing = select(literal(day), *staged.c, *(literal(value) for value in fixed.values())).where(
        ~exists().where(table.c.day == day, same_key)
    )
    columns = ["day", *(column.name for column in staged.c), *fixed]
    connection.execute(insert(table).from_select(columns, missing))
