"""A day's hours as columns: what was counted by hour, domain and service (RULES section 7)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mailtally_shared.days.day_rows import PIECE, exact_sum, first_of_runs, run_sums, words
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.columns import Array

#: The place of each service in the order of the labels, in which files are sorted.
_RANK = np.argsort(np.argsort([service.label for service in Service])).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class HourRows:
    """``n`` rows, ascending by domain, hour and the service's label; arrays of shape ``(n,)``.

    An hour is one of the accounting zone. It is identified by the second at which it begins, which
    is within the hour: where the clock was put back by half an hour, the second half begins late.
    """

    domain: Array  # bytes of a fixed width, whole words, padded with NUL
    hour: Array  # int64, Unix seconds
    service: Array  # uint8, values of Service
    messages: Array  # int64
    bytes: Array  # int64, as logged
    transferred: Array  # int64, bytes times attempts

    def __len__(self) -> int:
        return len(self.domain)

    @classmethod
    def empty(cls) -> HourRows:
        """Return no rows."""
        none: Array = np.empty(0, np.int64)
        return cls(none.astype("S8"), none, none.astype(np.uint8), none, none, none)

    @classmethod
    def joined(cls, parts: Sequence[HourRows]) -> HourRows:
        """Return the rows of all parts, in order."""
        columns = zip(*(part.arrays() for part in (cls.empty(), *parts)), strict=True)
        return cls(*map(np.concatenate, columns))

    @classmethod
    def added_up(cls, parts: Sequence[HourRows]) -> HourRows:
        """Return the rows of all parts, whose own rows may be in any order and repeat a key.

        Raises:
            Refused: a sum does not fit 63 bits.
        """
        domain, hour, service, *sums = cls.joined(parts).arrays()
        if not len(domain):
            return cls.empty()
        order = np.lexsort([_RANK[service], hour, *words(domain)])
        domain, hour, service, *sums = (column[order] for column in (domain, hour, service, *sums))
        first = first_of_runs(domain, hour, service)
        figures = (run_sums(column, first, domain) for column in sums)
        return cls(domain[first], hour[first], service[first], *figures)

    def arrays(self) -> tuple[Array, ...]:
        """Return the columns in the order of the file."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def lists(self) -> list[list[Any]]:
        """Return the columns in the order of the file, as values that a database accepts."""
        labels, hours = [service.label for service in Service], self.hour.tolist()
        spelled = {hour: _utc_text(hour) for hour in set(hours)}
        return [
            [name.decode() for name in self.domain.tolist()],
            [spelled[hour] for hour in hours],
            [labels[service] for service in self.service.tolist()],
            *(column.tolist() for column in (self.messages, self.bytes, self.transferred)),
        ]

    def key(self, place: int) -> tuple[object, ...]:
        """Return the key of one row, of which a later row's is greater."""
        service = int(_RANK[self.service[place]])
        return self.domain[place].decode("ascii"), int(self.hour[place]), service

    def ascends(self) -> bool:
        """Return whether the rows are in the order of the file, each key once."""
        below, above = self.domain[:-1], self.domain[1:]
        earlier, later = self.hour[:-1], self.hour[1:]
        rank = _RANK[self.service]
        in_hour = (later > earlier) | (later == earlier) & (rank[1:] > rank[:-1])
        return bool(((above > below) | (above == below) & in_hour).all())

    def pieces(self) -> Iterator[HourRows]:
        """Yield the rows, some thousand at a time."""
        for first in range(0, len(self), PIECE):
            yield self.taken(slice(first, first + PIECE))

    def taken(self, which: Array | slice) -> HourRows:
        """Return some of the rows, by a numpy index."""
        return HourRows(*(column[which] for column in self.arrays()))

    def totals(self) -> tuple[int, int, int, int]:
        """Return the number of rows, and their sums."""
        return (len(self), *self.sums())

    def sums(self) -> tuple[int, int, int]:
        """Return the sums of messages, bytes and transferred."""
        return exact_sum(self.messages), exact_sum(self.bytes), exact_sum(self.transferred)


@dataclass(frozen=True, slots=True)
class Hours:
    """What is known of a day by hour; not ``whole`` where some of its records lack there."""

    rows: HourRows
    whole: bool


def added(one: Hours, other: Hours) -> Hours:
    """Return the hours of both, of which no record is in the other."""
    return Hours(HourRows.added_up([one.rows, other.rows]), one.whole and other.whole)


def _utc_text(hour: int) -> str:
    """Return an hour as each database takes it, and as SQLite stores it."""
    return f"{datetime.fromtimestamp(hour, UTC):%Y-%m-%d %H:%M:%S}.000000"
