"""Queries to the billing database; they change nothing, and do not create its file."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    exists,
    func,
    inspect,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import BigInteger, Integer

from mailtally_shared.billing.engine import open_engine, reading
from mailtally_shared.billing.tables import DAILY, DETAIL, HOURLY, LOAD
from mailtally_shared.errors import NothingLoaded, Unavailable
from mailtally_shared.reports.grouping import CHARGED, COUNTED, Rows, hour_key
from mailtally_shared.reports.question import DAY, MONTH, OF_MONTH
from mailtally_shared.reports.summary import ReportedDay, Source
from mailtally_shared.schema import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Engine

    from mailtally_shared.columns import Array
    from mailtally_shared.reports.question import Question


#: A sum over many days may exceed 63 bits, which SQLite refuses and other databases round:
#: the upper and lower halves of the numbers are summed separately.
_HALF = 32
_LOW = 2**_HALF - 1


@contextmanager
def open_billing(url: str) -> Iterator[Connection]:
    """Open a transaction on the billing database that sees a single moment of it.

    Args:
        url: an SQLAlchemy URL.

    Raises:
        SettingsError: the URL means no supported database.
        NothingLoaded: the database does not exist yet, or is empty.
        Unavailable: the database cannot be used at the moment.
    """
    engine = open_engine(url)
    try:
        _require_file(engine)
        with reading(engine) as connection:
            if engine.dialect.name != "sqlite":  # SQLite does so anyway
                connection.execution_options(isolation_level="REPEATABLE READ")
            if not inspect(connection).has_table(LOAD.name):
                raise NothingLoaded(
                    f"The database {_shown(engine)} has no tables yet; the loader creates them."
                )
            yield connection
    except DatabaseError as error:
        # Its subclasses are bugs, or passing troubles that `reading` translates.
        if type(error) is not DatabaseError:
            raise
        raise Unavailable(f"The database {_shown(engine)} is damaged: {error.orig}.") from error
    finally:
        engine.dispose()


def exact_sums(columns: Iterable[ColumnElement[int]]) -> list[ColumnElement[Any]]:
    """Return columns of a query from which ``read_sums`` makes exact sums; no value may be < 0."""
    halves: list[ColumnElement[Any]] = []
    for column in columns:
        number = type_coerce(column, BigInteger)
        halves += [
            func.sum(number.bitwise_rshift(literal(_HALF, Integer))),
            func.sum(number.bitwise_and(_LOW)),
        ]
    return halves


def read_sums(halves: Sequence[Any]) -> list[int]:
    """Return the exact sums from that part of a result row; 0 over no rows."""
    numbers = [int(half or 0) for half in halves]
    return [(high << _HALF) + low for high, low in zip(numbers[::2], numbers[1::2], strict=True)]


def _require_file(engine: Engine) -> None:
    """Refuse a missing SQLite file, which connecting would create."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise NothingLoaded(
            f"The database {engine.url.database} does not exist yet; the loader creates it."
        )


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


_CHUNK = 10_000  # rows fetched at once


class LoadedDays:
    """The loaded days of a database, as a source of reports; see ``open_billing``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def days(self, question: Question) -> list[ReportedDay]:
        """Return the loaded days in question, as of their newest load, oldest first."""
        held = exists().where(HOURLY.c.day == LOAD.c.day).label("held")
        query = newest_loads().where(*_within(LOAD, question)).order_by(LOAD.c.day)
        return [
            ReportedDay(
                day=row.day,
                source=Source.LOADED,
                revision=row.revision,
                complete=row.complete,
                missing_hosts=tuple(row.missing_hosts or ()),
                has_breakdown=row.breakdown_sha256 is not None,
                # The loader removes the rows of old days; their loads still say what there was.
                hours=row.hours if row.held or not row.breakdown_rows else None,
            )
            for row in self._connection.execute(query.add_columns(held))
        ]

    def parts(self, question: Question, without: Collection[date]) -> Iterator[Rows]:
        """Yield the loaded days' share of the answer; a key may repeat.

        Args:
            question: the question.
            without: days whose figures come from another source.
        """
        tables = [(HOURLY if question.is_by_hour else DETAIL, COUNTED)]
        if question.shows_charged:
            tables.append((DAILY, CHARGED))
        streaming = self._connection.execution_options(yield_per=_CHUNK)
        for table, figures in tables:
            found = streaming.execute(_query(table, figures, question, without))
            for rows in found.partitions():
                columns = list(zip(*rows, strict=True))
                names = map(_names, question.by, columns)
                halves = columns[len(question.by) :]
                sums = map(_exact, halves[::2], halves[1::2])
                yield Rows.of(names, **dict(zip(figures, sums, strict=True)))


@contextmanager
def open_loaded(url: str) -> Iterator[LoadedDays]:
    """Open the loaded days of the billing database; see ``open_billing``."""
    with open_billing(url) as connection:
        yield LoadedDays(connection)


def newest_loads() -> Select[Any]:
    """Return a query for the newest load of each day."""
    newest = select(func.max(LOAD.c.id)).group_by(LOAD.c.day)
    return select(LOAD).where(LOAD.c.id.in_(newest))


def _names(dimension: str, names: Iterable[str | date]) -> Array:
    """Return a column of names; a month is known by its days."""
    texts = (_name(name) for name in names)
    longest = OF_MONTH if dimension == MONTH else None
    return np.array([text[:longest].encode() for text in texts], "S")


def _name(name: str | date) -> str:
    if isinstance(name, datetime):
        return hour_key(name)
    return name.isoformat() if isinstance(name, date) else name


def _exact(high: Iterable[Any], low: Iterable[Any]) -> Array:
    """Return a column of sums, as objects where they exceed 63 bits."""
    sums = [read_sums(halves)[0] for halves in zip(high, low, strict=True)]
    return np.array(sums, np.int64 if max(sums) <= MAX_SUM else object)


def _query(
    table: Table, figures: Sequence[str], question: Question, without: Collection[date]
) -> Select[Any]:
    by = [table.c[DAY if dimension == MONTH else dimension] for dimension in question.by]
    sums = exact_sums(table.c[name.removeprefix("charged_")] for name in figures)
    query = select(*by, *sums).where(*_within(table, question), *_matching(table, question))
    if without:
        query = query.where(table.c.day.not_in(sorted(without)))
    return query.group_by(*by)


def _within(table: Table, question: Question) -> Iterator[ColumnElement[bool]]:
    if question.first is not None:
        yield table.c.day >= question.first
    if question.last is not None:
        yield table.c.day <= question.last


def _matching(table: Table, question: Question) -> Iterator[ColumnElement[bool]]:
    for dimension, names in question.only.items():
        if names:
            yield table.c[dimension].in_(sorted(names))
