"""What the billing database says, grouped by the database itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from mailtally.billing import exact_sums, read_sums
from mailtally.report.figures import Figures, Key
from mailtally.report.question import Dimension, Question
from mailtally.report.summary import ReportedDay, Source
from mailtally_shared.database.tables import DAILY, DETAIL, LOAD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_COUNTED = ("messages", "bytes", "transferred")
_CHARGED = ("bytes", "hits_all", "hits_html")
_CHUNK = 10_000  # rows fetched at once


def loaded_days(connection: Connection, question: Question) -> list[ReportedDay]:
    """The loaded days that are asked for, as their newest load has them, oldest first."""
    newest = select(func.max(LOAD.c.id)).group_by(LOAD.c.day)
    found = connection.execute(
        select(LOAD).where(LOAD.c.id.in_(newest), *_within(LOAD, question)).order_by(LOAD.c.day)
    )
    return [
        ReportedDay(
            day=row.day,
            source=Source.LOADED,
            revision=row.revision,
            complete=row.complete,
            missing_hosts=tuple(row.missing_hosts or ()),
            has_breakdown=row.breakdown_sha256 is not None,
        )
        for row in found
    ]


def loaded_parts(
    connection: Connection, question: Question, without: Collection[date]
) -> Iterator[tuple[Key, Figures]]:
    """The loaded days' share of the answer; a key comes at most twice.

    Args:
        connection: see ``open_billing``.
        question: what is asked.
        without: days that are taken from elsewhere.
    """
    names = len(question.by)
    counted = _query(DETAIL, _COUNTED, question, without)
    for row in _stream(connection, counted):
        yield _key(row[:names]), Figures(*read_sums(row[names:]))
    if question.shows_charged:
        charged = _query(DAILY, _CHARGED, question, without)
        for row in _stream(connection, charged):
            yield _key(row[:names]), Figures(0, 0, 0, *read_sums(row[names:]))


def _query(
    table: Table, figures: Sequence[str], question: Question, without: Collection[date]
) -> Select[Any]:
    by = [table.c[dimension] for dimension in question.by]
    sums = exact_sums(table.c[name] for name in figures)
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
    asked = {
        Dimension.DOMAIN: question.domains,
        Dimension.HOST: question.hosts,
        Dimension.SERVICE: question.services,
        Dimension.STATUS: question.statuses,
    }
    for dimension, names in asked.items():
        if names:
            yield table.c[dimension].in_(sorted(names))


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    yield from connection.execution_options(yield_per=_CHUNK).execute(query)


def _key(names: Iterable[str | date]) -> Key:
    return tuple(name.isoformat() if isinstance(name, date) else name for name in names)
