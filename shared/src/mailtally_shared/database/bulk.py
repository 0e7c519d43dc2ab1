"""Many rows at once: COPY on PostgreSQL, prepared batches elsewhere."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table


def insert_blocks(
    connection: Connection, table: Table, blocks: Iterable[Sequence[tuple[Any, ...]]]
) -> None:
    """Insert a stream of rows in bounded memory.

    Args:
        connection: in a transaction.
        table: where to.
        blocks: some hundred rows each, at least one; values of all columns in their
            order, each a whole number or text without control characters.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, blocks)
    else:
        _execute_many(connection, table, blocks)


def _copy(
    connection: Connection, table: Table, blocks: Iterable[Sequence[tuple[Any, ...]]]
) -> None:
    name = connection.dialect.identifier_preparer.format_table(table)
    line = "\t".join(repeat("%s", len(table.columns))) + "\n"
    cursor: Any = connection.connection.cursor()  # psycopg's, which is more than the DBAPI's
    with cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for block in blocks:
            # Of what COPY's text gives a meaning to, only the backslash can stand in a value.
            copy.write("".join(map(line.__mod__, block)).replace("\\", "\\\\"))


def _execute_many(
    connection: Connection, table: Table, blocks: Iterable[Sequence[tuple[Any, ...]]]
) -> None:
    statement = str(insert(table).compile(dialect=connection.dialect))
    for block in blocks:
        connection.exec_driver_sql(statement, block)
