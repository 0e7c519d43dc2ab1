"""Grouping the figures of a report, as columns: a site may have a million domains. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, overload

import numpy as np

from mailtally_shared.days import charge
from mailtally_shared.days.day_rows import PIECE, exact_sum, first_of_runs, whole_words, words
from mailtally_shared.reports.question import DAY, DOMAIN, HOUR, MONTH, OF_MONTH
from mailtally_shared.schema import KIND, MAX_SUM, SERVICE, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from mailtally_shared.columns import Array
    from mailtally_shared.days import ChargingPolicy, DayRows
    from mailtally_shared.days.hour_rows import HourRows
    from mailtally_shared.reports.question import Question

#: The key of a row: one name for each dimension asked for; a day as ISO date, a month as 2026-02.
Key: TypeAlias = tuple[str, ...]


class Figures(NamedTuple):
    """Counted and charged sums. Integers of any size."""

    messages: int = 0
    bytes: int = 0  # as logged
    transferred: int = 0  # bytes times attempts
    charged_bytes: int = 0
    hits_all: int = 0
    hits_html: int = 0


COUNTED, CHARGED = Figures._fields[:3], Figures._fields[3:]


class Row(NamedTuple):
    """A line of a report."""

    key: Key
    figures: Figures


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Sequence[Row]):
    """Rows of a report as columns; every array has shape ``(n,)``."""

    names: tuple[Array, ...]  # of each dimension: bytes of a fixed width, whole words
    figures: tuple[Array, ...]  # in the order of Figures: int64, or objects where a sum exceeds it

    @classmethod
    def of(cls, names: Iterable[Array], **figures: Array) -> Rows:
        """Return rows by their columns; figures that are not given are zero."""
        none = np.broadcast_to(np.int64(0), len(next(iter(figures.values()))))
        columns = (figures.get(name, none) for name in Figures._fields)
        return cls(tuple(map(whole_words, names)), tuple(columns))

    def __len__(self) -> int:
        return len(self.figures[0])

    def __iter__(self) -> Iterator[Row]:
        for first in range(0, len(self), PIECE):
            piece = self.taken(slice(first, first + PIECE))
            names = ([name.decode() for name in column.tolist()] for column in piece.names)
            figures = zip(*(column.tolist() for column in piece.figures), strict=True)
            yield from map(Row, zip(*names, strict=True), map(Figures._make, figures))

    @overload
    def __getitem__(self, which: int) -> Row: ...
    @overload
    def __getitem__(self, which: slice) -> Rows: ...
    def __getitem__(self, which: int | slice) -> Row | Rows:
        """Return one row, or some of them."""
        if isinstance(which, slice):
            return self.taken(which)
        return next(iter(self.taken([range(len(self))[which]])))

    def taken(self, which: Array | slice | list[int]) -> Rows:
        """Return some of the rows, by a numpy index."""
        names = tuple(column[which] for column in self.names)
        return Rows(names, tuple(column[which] for column in self.figures))

    def total(self) -> Figures:
        """Return the sum of all rows."""
        return Figures(*map(exact_sum, self.figures))


NO_ROWS = Rows.of([], messages=np.zeros(0, np.int64))
#: Number of rows to gather before they are added up.
_MOST_GATHERED = 100_000


def grouped(parts: Iterable[Rows]) -> Rows:
    """Return the figures added up by key, in the order of the keys."""
    held = [NO_ROWS]
    for part in parts:
        held.append(part)
        if sum(map(len, held[1:])) > len(held[0]) + _MOST_GATHERED:
            held = [_added_up(held)]
    return _added_up(held)


def _added_up(parts: Iterable[Rows]) -> Rows:
    some = [part for part in parts if len(part)]
    if not some:
        return NO_ROWS
    names = [
        np.concatenate(columns) for columns in zip(*(part.names for part in some), strict=True)
    ]
    order = np.lexsort([word for column in reversed(names) for word in words(column)])
    names = [column[order] for column in names]
    first = first_of_runs(*names)
    columns = zip(*(part.figures for part in some), strict=True)
    figures = (_sums(np.concatenate(column)[order], first) for column in columns)
    return Rows(tuple(column[first] for column in names), tuple(figures))


def _sums(column: Array, first: Array) -> Array:
    """Return exact sums, as objects where they may exceed 63 bits."""
    fits = exact_sum(column) <= MAX_SUM
    sums: Array = np.add.reduceat(column if fits else column.astype(object), first)
    return sums


def live_parts(
    question: Question, day: date, rows: DayRows, policy: ChargingPolicy
) -> Iterator[Rows]:
    """Yield a live day's share of the answer; keys may repeat.

    Args:
        question: the question.
        day: the day of ``rows``.
        rows: its breakdown.
        policy: the charging policy.

    Raises:
        Refused: the charge of a domain does not fit 63 bits.
    """
    asked = _asked(question, rows)
    named = {DOMAIN: asked.domain}
    for place, dimension in enumerate(KIND):
        if dimension in question.by:
            names = np.array([kind[place].encode("ascii") for kind in asked.kinds], "S")
            named[dimension] = names[asked.kind]
    yield Rows.of(
        _named(question, day, named, len(asked)),
        messages=asked.messages,
        bytes=asked.bytes,
        transferred=asked.transferred,
    )
    if question.shows_charged:
        for piece in charge(asked.pieces(), policy):
            yield Rows.of(
                _named(question, day, {DOMAIN: piece.name}, len(piece)),
                charged_bytes=piece.bytes,
                hits_all=piece.hits_all,
                hits_html=piece.hits_html,
            )


def hour_parts(question: Question, day: date, rows: HourRows) -> Iterator[Rows]:
    """Yield a live day's share of an answer by hour.

    Args:
        question: the question; it asks for nothing that hours do not hold.
        day: the day of ``rows``.
        rows: its hours.
    """
    for asked in (_asked_by_hour(question, piece) for piece in rows.pieces()):
        names = {
            DOMAIN: asked.domain,
            HOUR: _mapped(asked.hour, lambda hour: hour_key(datetime.fromtimestamp(hour, UTC))),
            _SERVICE: _mapped(asked.service, lambda service: Service(service).label),
        }
        yield Rows.of(
            _named(question, day, names, len(asked)),
            messages=asked.messages,
            bytes=asked.bytes,
            transferred=asked.transferred,
        )


_SERVICE = KIND[SERVICE]


def hour_key(hour: datetime) -> str:
    """Return the name of an hour while it is grouped and sorted: in UTC, as local times repeat."""
    return f"{hour.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def with_local_hours(rows: Rows, question: Question) -> Rows:
    """Return rows with each hour as local time and its offset from UTC, as in the day's file."""
    if not question.is_by_hour or not len(rows):
        return rows

    def local(key: bytes) -> str:
        return datetime.fromisoformat(key.decode()).astimezone(question.zone).isoformat()

    names = list(rows.names)
    place = question.by.index(HOUR)
    names[place] = whole_words(_mapped(names[place], local))
    return Rows(tuple(names), rows.figures)


def _mapped(values: Array, text: Callable[[Any], str]) -> Array:
    """Return the text of each value as bytes; there are few distinct ones."""
    distinct, index = np.unique(values, return_inverse=True)
    return np.array([text(value).encode() for value in distinct.tolist()], "S")[index]


def _asked_by_hour(question: Question, rows: HourRows) -> HourRows:
    """Return the rows that are part of the question."""
    if domains := question.only.get(DOMAIN):
        wanted = np.array([name.encode() for name in domains], "S")
        rows = rows.taken(np.isin(rows.domain, wanted))
    if services := question.only.get(_SERVICE):
        numbers = [Service.from_label(label) for label in services]
        rows = rows.taken(np.isin(rows.service, np.array(numbers, np.uint8)))
    return rows


def _named(question: Question, day: date, names: dict[str, Array], count: int) -> Iterator[Array]:
    """Yield the columns of the dimensions asked for."""
    text = day.isoformat().encode("ascii")
    names |= {DAY: np.full(count, text), MONTH: np.full(count, text[:OF_MONTH])}
    return (names[dimension] for dimension in question.by)


def _asked(question: Question, rows: DayRows) -> DayRows:
    """Return the rows that are part of the question."""
    for dimension, names in question.only.items():
        if not names:
            continue
        if dimension == DOMAIN:
            wanted = np.array([name.encode() for name in names], "S")
            rows = rows.taken(np.isin(rows.domain, wanted))
        else:
            place = KIND.index(dimension)
            kinds = np.array([kind[place] in names for kind in rows.kinds], np.bool_)
            rows = rows.taken(kinds[rows.kind])
    return rows
