"""Column types that mean the same in every database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, DateTime, Integer, String
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect


def ascii_text(length: int) -> String:
    """ASCII, compared and sorted byte by byte, as the day files are sorted.

    With one byte a character, keys stay below what MariaDB allows.
    """
    return (
        String(length)
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mariadb")
    )


def row_id() -> BigInteger:
    """A key that the database gives out; SQLite does so for INTEGER only."""
    return BigInteger().with_variant(Integer, "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware time in Python, UTC without zone in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python's to the database's."""
        del dialect
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The database's to Python's."""
        del dialect
        return value and value.replace(tzinfo=UTC)
