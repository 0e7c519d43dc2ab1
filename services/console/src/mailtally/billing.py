"""Looking at the billing database without changing it, not even making its file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, inspect, literal, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import BigInteger, Integer

from mailtally_shared.database.engine import open_engine, reading
from mailtally_shared.database.tables import LOAD
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Engine

#: A sum of many days may exceed 63 bits, which SQLite refuses and others round:
#: the halves of the numbers are added up apart.
_HALF = 32
_LOW = 2**_HALF - 1


class NothingLoaded(Unavailable):
    """The loader has not made the database or its tables yet."""


@contextmanager
def open_billing(url: str) -> Iterator[Connection]:
    """A transaction on the billing database that sees one moment of it.

    Args:
        url: an SQLAlchemy URL.

    Raises:
        SettingsError: the URL means no database that can be used.
        NothingLoaded: it is not there yet, or empty.
        Unavailable: it cannot be used at the moment.
    """
    engine = open_engine(url)
    try:
        _require_file(engine)
        with reading(engine) as connection:
            if engine.dialect.name != "sqlite":  # which does so by itself
                connection.execution_options(isolation_level="REPEATABLE READ")
            if not inspect(connection).has_table(LOAD.name):
                raise NothingLoaded(
                    f"The database {_shown(engine)} has no tables yet; the loader makes them."
                )
            yield connection
    except DatabaseError as error:
        # Its subclasses are our mistakes, or passing troubles that `reading` names.
        if type(error) is not DatabaseError:
            raise
        raise Unavailable(f"The database {_shown(engine)} is damaged: {error.orig}.") from error
    finally:
        engine.dispose()


def exact_sums(columns: Iterable[ColumnElement[int]]) -> list[ColumnElement[Any]]:
    """The columns of a query that ``read_sums`` makes the columns' sums of; none below 0."""
    halves: list[ColumnElement[Any]] = []
    for column in columns:
        number = type_coerce(column, BigInteger)
        halves += [
            func.sum(number.bitwise_rshift(literal(_HALF, Integer))),
            func.sum(number.bitwise_and(_LOW)),
        ]
    return halves


def read_sums(halves: Sequence[Any]) -> list[int]:
    """The exact sums in that part of a result row; 0 over no rows."""
    numbers = [int(half or 0) for half in halves]
    return [(high << _HALF) + low for high, low in zip(numbers[::2], numbers[1::2], strict=True)]


def _require_file(engine: Engine) -> None:
    """Connecting would make an SQLite file that is not there."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").is_file():
        raise NothingLoaded(f"There is no database {engine.url.database} yet; the loader makes it.")


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
