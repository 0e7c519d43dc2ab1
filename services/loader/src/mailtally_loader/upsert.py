"""Loading a day: one transaction, set by set, never a statement per row.

1. Lock the day and judge the set against the day's newest load.
2. Record the load.
3. Where the day has no rows yet, insert the file's rows straight into the table. Otherwise
   stage them in a temporary table, and write the audit from the difference.
4. Then delete the rows that differ or are gone; insert those that are missing. Unchanged rows
   stay untouched, so that a restatement costs what it changes.
5. Likewise the detail and the hours, without audit.

A crash before the commit leaves the database unchanged; the set is still in
``loading/``. After it, step 1 finds the set loaded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, insert, select

from mailtally_loader.crash_at import CrashAt, Step
from mailtally_loader.judge import Newest, Verdict, judge
from mailtally_loader.restate import restate_daily, restate_detail, restate_hours
from mailtally_shared.billing.engine import lock_day, writing
from mailtally_shared.billing.tables import DETAIL, LOAD
from mailtally_shared.days.charged_rows import QmlTotals
from mailtally_shared.days.manifest import CountedSums
from mailtally_shared.schema import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection, Engine

    from mailtally_shared.days import DaySet

Piece = TypeVar("Piece")


def load(engine: Engine, day_set: DaySet, *, now: float, step: Step) -> Verdict:
    """Change the database's rows of a day to those of a set.

    Args:
        engine: the database.
        day_set: the set, from ``read_day``.
        now: Unix seconds, for ``loaded_at``.
        step: called at each crash point.

    Returns:
        The decision that was carried out.

    Raises:
        BadFile: the set must not be loaded.
        Unavailable: the database cannot be used at the moment.
    """
    with writing(engine) as connection:
        lock_day(connection, day_set.day)
        newest = _newest(connection, day_set.day)
        verdict = judge(day_set, newest)
        if verdict is not Verdict.SKIP:
            load_id = _record(connection, day_set, now)
        if verdict is Verdict.LOAD:
            audit = newest is not None
            charged = _watched(day_set.charged(), step)
            restate_daily(connection, day_set.day, charged, load_id=load_id, audit=audit)
            restate_detail(connection, day_set.day, _watched(day_set.counted(), step))
            restate_hours(connection, day_set.day, _watched(day_set.by_hour(), step))
        step(CrashAt.ROWS_LOADED)
    return verdict


def _newest(connection: Connection, day: date) -> Newest | None:
    of_day = LOAD.c.day == day
    row = connection.execute(
        select(LOAD).where(of_day).order_by(LOAD.c.id.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    revision = connection.scalar(select(func.max(LOAD.c.revision)).where(of_day))
    totals = QmlTotals(row.qml_rows, row.bytes, row.hits_all, row.hits_html)
    counted = _counted(connection, day)
    return Newest(
        revision=revision or 0,
        qml_sha256=row.qml_sha256,
        breakdown_sha256=row.breakdown_sha256,
        totals=totals,
        hours_sha256=row.hours_sha256,
        collectors=counted,
    )


def _counted(connection: Connection, day: date) -> dict[str, CountedSums]:
    sums = [func.sum(DETAIL.c[name]) for name in MEASURES]
    collector = DETAIL.c.collector
    query = select(collector, *sums).where(DETAIL.c.day == day).group_by(collector)
    return {
        name: CountedSums(messages=int(messages), bytes=int(size), transferred=int(transferred))
        for name, messages, size, transferred in connection.execute(query)
    }


def _record(connection: Connection, day_set: DaySet, now: float) -> int:
    totals = day_set.totals
    values = {
        "day": day_set.day,
        "qml_sha256": day_set.qml_sha256,
        "qml_rows": totals.rows,
        "bytes": totals.bytes,
        "hits_all": totals.hits_all,
        "hits_html": totals.hits_html,
        "loaded_at": datetime.fromtimestamp(now, UTC),
        **_of_manifest(day_set),
    }
    inserted: Any = connection.execute(insert(LOAD).values(values))
    return int(inserted.inserted_primary_key.id)


def _of_manifest(day_set: DaySet) -> dict[str, Any]:
    if day_set.manifest is None:
        return {}
    columns = {
        "revision",
        "timezone",
        "complete",
        "missing_hosts",
        "policy",
        "breakdown_sha256",
        "breakdown_rows",
        "total_messages",
        "total_bytes",
    }
    hours = day_set.manifest.hours
    return day_set.manifest.model_dump(mode="json", include=columns) | {
        "hours": hours and hours.extent,
        "hours_sha256": hours and hours.sha256,
    }


def _watched(pieces: Iterable[Piece], step: Step) -> Iterator[Piece]:
    for piece in pieces:
        step(CrashAt.ROWS_LOADING)
        yield piece
