"""The two kinds of row that a day's files hold, and their totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


#: The longest names, in bytes; the tables are as wide.
MAX_DOMAIN = 253
MAX_HOST = 255
MAX_SERVICE = 16
MAX_STATUS = 32


class Sums(NamedTuple):
    """What was counted under one key of a day; a line of the breakdown.

    Tuples sort by key, which is the order of the file.
    """

    domain: str
    host: str
    service: str  # Service.label
    status: str
    messages: int
    bytes: int  # as logged
    transferred: int  # bytes times attempts


class QmlRow(NamedTuple):
    """What one name is charged for a day; a line of the qml file."""

    name: str
    bytes: int
    hits_all: int
    hits_html: int


@dataclass(slots=True)
class SumsTotals:
    """Adds up the breakdown rows that pass through it."""

    rows: int = 0
    messages: int = 0
    bytes: int = 0

    def add(self, others: SumsTotals) -> None:
        """Count in what other rows add up to."""
        self.rows += others.rows
        self.messages += others.messages
        self.bytes += others.bytes

    def through(self, rows: Iterable[Sums]) -> Iterator[Sums]:
        """The same rows; the totals are right once the last has passed."""
        for row in rows:
            self.rows += 1
            self.messages += row[4]
            self.bytes += row[5]
            yield row


@dataclass(slots=True)
class QmlTotals:
    """Adds up the qml rows that pass through it."""

    rows: int = 0
    bytes: int = 0
    hits_all: int = 0
    hits_html: int = 0

    def through(self, rows: Iterable[QmlRow]) -> Iterator[QmlRow]:
        """The same rows; the totals are right once the last has passed."""
        for row in rows:
            self.rows += 1
            self.bytes += row[1]
            self.hits_all += row[2]
            self.hits_html += row[3]
            yield row
