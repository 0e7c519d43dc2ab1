"""Many rows at once: COPY on PostgreSQL, prepared batches elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from mailtally_shared.batches import batches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Table

_ROWS_A_BATCH = 10_000


def insert_rows(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert a stream of rows in bounded memory.

    Args:
        connection: in a transaction.
        table: where to.
        rows: values of all its columns, in their order, as the driver takes them.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        _execute_many(connection, table, rows)


def _copy(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    name = connection.dialect.identifier_preparer.format_table(table)
    cursor: Any = connection.connection.cursor()  # psycopg's, which is more than the DBAPI's
    with cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    # The planner knows nothing of a table just filled and would join row by row.
    connection.exec_driver_sql(f"ANALYZE {name}")


def _execute_many(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    statement = str(insert(table).compile(dialect=connection.dialect))
    for batch in batches(rows, _ROWS_A_BATCH):
        connection.exec_driver_sql(statement, batch)
