"""The figures of a report, grouped. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mailtally.report.question import Dimension
from mailtally_shared.day_files import charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from mailtally.report.question import Question
    from mailtally_shared.day_files import ChargingPolicy, Sums

#: What a row is about: one name a dimension asked for; a day as ISO date.
Key: TypeAlias = tuple[str, ...]

_PLACE = {
    Dimension.DAY: 0,
    Dimension.DOMAIN: 1,
    Dimension.HOST: 2,
    Dimension.SERVICE: 3,
    Dimension.STATUS: 4,
}


class Figures(NamedTuple):
    """What was counted, and what of it is charged. Integers of any size; bytes are bytes."""

    messages: int = 0
    bytes: int = 0  # as logged
    transferred: int = 0  # bytes times attempts
    charged_bytes: int = 0
    hits_all: int = 0
    hits_html: int = 0


Groups: TypeAlias = dict[Key, Figures]
_NONE = Figures()


def grouped(parts: Iterable[tuple[Key, Figures]], into: Groups | None = None) -> Groups:
    """The figures added up by key, on top of those in ``into``, which is changed."""
    groups = {} if into is None else into
    for key, figures in parts:
        groups[key] = plus(groups.get(key, _NONE), figures)
    return groups


def plus(one: Figures, other: Figures) -> Figures:
    """Both, added up."""
    return Figures(*map(int.__add__, one, other))


def total(figures: Iterable[Figures]) -> Figures:
    """All, added up."""
    columns = list(zip(*figures, strict=True))
    return Figures(*map(sum, columns)) if columns else _NONE


def live_parts(
    question: Question, day: date, rows: Iterable[Sums], policy: ChargingPolicy
) -> Iterator[tuple[Key, Figures]]:
    """A live day's share of the answer; keys may repeat.

    Args:
        question: what is asked.
        day: the day of ``rows``.
        rows: its breakdown, in any order.
        policy: what is charged.

    Raises:
        Refused: what a domain is charged does not fit 63 bits.
    """
    asked = [row for row in rows if question.matches(row)]
    key_of = _key_maker(question.by, day)
    for row in asked:
        yield key_of(row), Figures(row.messages, row.bytes, row.transferred)
    if question.shows_charged:
        for name, size, hits_all, hits_html in charge(sorted(asked), policy):
            yield key_of((name,)), Figures(0, 0, 0, size, hits_all, hits_html)


def _key_maker(by: tuple[Dimension, ...], day: date) -> Callable[[tuple[object, ...]], Key]:
    text = day.isoformat()
    places = [_PLACE[dimension] for dimension in by]

    def make(row: tuple[object, ...]) -> Key:
        names = (text, *row[:4])
        return tuple(str(names[place]) for place in places)

    return make
