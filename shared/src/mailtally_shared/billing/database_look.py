"""Comparing the billing database with the archive: sums by day, and on demand every row."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, func, select, text

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.audit.gathered import BilledDay
from mailtally_shared.billing.queries import exact_sums, newest_loads, read_sums
from mailtally_shared.billing.tables import DAILY, DETAIL, HOURLY, SCHEMA
from mailtally_shared.days import (
    ChargedRows,
    ChargingPolicy,
    DayNames,
    DayRows,
    QmlRow,
    Sums,
    charge,
)
from mailtally_shared.days.charged_rows import CHARGES, QmlTotals, first_difference
from mailtally_shared.days.day_rows import SumsTotals
from mailtally_shared.days.grammar import breakdown, qml
from mailtally_shared.days.reading import MAX_FILE_BYTES, checksums
from mailtally_shared.errors import BadFile
from mailtally_shared.regular import open_packed
from mailtally_shared.schema import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from mailtally_shared.days import Manifest


def check_schema(connection: Connection) -> Finding:
    """Check that the schema is that of this version."""
    found = connection.scalar(text("SELECT version_num FROM mail_traffic_version"))
    if found == SCHEMA:
        return Finding("database", Level.OK, f"It answers; its schema is version {found}.")
    sentence = (
        f"Its schema is version {found}, and this release needs {SCHEMA}: start the loader "
        "of this release, or use the release that created the tables."
    )
    return Finding("database", Level.FAILED, sentence)


def read_billed(connection: Connection) -> dict[date, BilledDay]:
    """Return every day in the database."""
    loads = {row.day: row for row in connection.execute(newest_loads())}
    daily = _daily(connection)
    detail = _detail(connection)
    days = sorted(loads.keys() | daily.keys() | detail.keys())
    return {
        day: _billed(day, loads.get(day), daily.get(day, QmlTotals()), detail[day]) for day in days
    }


def _daily(connection: Connection) -> dict[date, QmlTotals]:
    sums = exact_sums(DAILY.c[name] for name in CHARGES)
    query = select(DAILY.c.day, func.count(), *sums).group_by(DAILY.c.day)
    return {
        day: QmlTotals(rows, *read_sums(halves)) for day, rows, *halves in connection.execute(query)
    }


def _detail(connection: Connection) -> dict[date, list[tuple[int, Sums]]]:
    """Return row counts and sums by day, service and status: all that charging needs."""
    by = (DETAIL.c.day, DETAIL.c.service, DETAIL.c.status)
    sums = exact_sums(DETAIL.c[name] for name in MEASURES)
    query = select(*by, func.count(), *sums).group_by(*by)
    found: dict[date, list[tuple[int, Sums]]] = defaultdict(list)
    for day, service, status, rows, *halves in connection.execute(query):
        found[day].append((rows, Sums("", "", "", service, status, *read_sums(halves))))
    return found


def _billed(
    day: date,
    load: Any,  # noqa: ANN401 - a row has its query's columns
    daily: QmlTotals,
    detail: list[tuple[int, Sums]],
) -> BilledDay:
    policy = load and load.policy and ChargingPolicy.model_validate(load.policy)
    counted = SumsTotals(
        sum(rows for rows, _ in detail),
        sum(sums.messages for _, sums in detail),
        sum(sums.bytes for _, sums in detail),
    )
    return BilledDay(
        day=day,
        revision=load and load.revision,
        policy=policy or None,
        stated=_stated(load),
        stated_breakdown=_stated_breakdown(load),
        daily=daily,
        detail=counted,
        detail_charged=_charged([sums for _, sums in detail], policy) if policy else QmlTotals(),
    )


def _stated(load: Any) -> QmlTotals:  # noqa: ANN401 - same
    if load is None:
        return QmlTotals()
    return QmlTotals(load.qml_rows, load.bytes, load.hits_all, load.hits_html)


def _stated_breakdown(load: Any) -> SumsTotals | None:  # noqa: ANN401 - same
    if load is None or load.breakdown_sha256 is None:
        return None
    return SumsTotals(load.breakdown_rows, load.total_messages, load.total_bytes)


def _charged(rows: list[Sums], policy: ChargingPolicy) -> QmlTotals:
    charged = [row for piece in charge([DayRows.of(rows)], policy) for row in piece]
    return QmlTotals(0, *charged[0][1:]) if charged else QmlTotals()


_CHUNK = 10_000  # rows fetched at once


def problems_of(
    connection: Connection, loaded: Path, archived: Mapping[date, Manifest | None]
) -> dict[date, list[str]]:
    """Return the problems of each day: its rows one by one, and its files' checksums.

    Args:
        connection: see ``open_billing``.
        loaded: the directory of the archive.
        archived: the days to check, with their manifests.
    """
    return {
        day: list(_readable(day, _problems(connection, loaded, day, manifest)))
        for day, manifest in sorted(archived.items())
    }


def check_archived_rows(problems: Mapping[date, Sequence[str]]) -> Finding:
    """Return the finding on the days that were checked."""
    fine = f"{len(problems):,} archived days: breakdown, qml file and database agree in every row."
    advice = "Rows or files were changed from outside: restore them from a backup."
    named = [problem for of_day in problems.values() for problem in of_day]
    return verdict("archived rows", named, fine, advice)


def _readable(day: date, problems: Iterator[str]) -> Iterator[str]:
    """Yield the problems; files that cannot be read are one as well."""
    try:
        yield from problems
    except OSError as error:
        yield f"{day}: its archive cannot be read ({error})."
    except BadFile as error:
        yield f"{day}: {error}."


def _problems(
    connection: Connection, loaded: Path, day: date, manifest: Manifest | None
) -> Iterator[str]:
    names = DayNames.of(day)
    if manifest:  # before rows are streamed: some servers answer one query at a time
        yield from _wrong_hours(connection, day, manifest)
    billed = _billed_rows(connection, day)
    with open_packed(loaded / f"{names.qml}.gz", MAX_FILE_BYTES) as txt:
        rows = qml.read(txt, names.qml)
        if manifest is None:
            # A file of other origin may be in any order.
            yield from _difference(day, billed, qml=_sorted(rows))
            return
        yield from _wrong_checksums(loaded, names, manifest)
        with open_packed(loaded / f"{names.breakdown}.gz", MAX_FILE_BYTES) as csv:
            charged = charge(breakdown.read(csv, names.breakdown), manifest.policy)
            yield from _difference(day, billed, qml=rows, breakdown=charged)


def _sorted(pieces: Iterator[ChargedRows]) -> Iterator[ChargedRows]:
    """Yield the rows of all pieces at once, by name."""
    rows = ChargedRows.joined(pieces)
    yield rows.taken(np.argsort(rows.name))


def _wrong_checksums(loaded: Path, names: DayNames, manifest: Manifest) -> Iterator[str]:
    for name, stated in checksums(names, manifest).items():
        with open_packed(loaded / f"{name}.gz", MAX_FILE_BYTES) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != stated:
                yield f"{name}.gz is not the file that its manifest describes."


def _wrong_hours(connection: Connection, day: date, manifest: Manifest) -> Iterator[str]:
    """Compare the day's rows by hour with the sums of their file; there may be none any more."""
    sums = exact_sums(HOURLY.c[name] for name in MEASURES)
    query = select(func.count(), *sums).where(HOURLY.c.day == day)
    rows, *halves = connection.execute(query).one()
    found = rows, *read_sums(halves)
    stated = manifest.hours.counted if manifest.hours else (0, 0, 0, 0)
    if rows and found != stated:
        names = ("rows", *MEASURES)
        there, wanted = (
            ", ".join(f"{number:,} {name}" for number, name in zip(each, names, strict=True))
            for each in (found, stated)
        )
        yield f"{day}: mail_traffic_hourly has {there}, its file {wanted}."


def _difference(
    day: date, billed: Iterator[ChargedRows], **files: Iterator[ChargedRows]
) -> Iterator[str]:
    if found := first_difference(billed, *files.values()):
        row, *others = found
        name, other = next(each for each in zip(files, others, strict=True) if each[1] != row)
        yield f"{day}: the database has {_in_words(row)}, the {name} {_in_words(other)}."


def _in_words(row: QmlRow | None) -> str:
    if row is None:
        return "no more rows"
    return f"{row.name} with {row.bytes} bytes and {row.hits_all} + {row.hits_html} hits"


def _billed_rows(connection: Connection, day: date) -> Iterator[ChargedRows]:
    columns = (DAILY.c[name] for name in CHARGES)
    query = select(DAILY.c.domain, *columns).where(DAILY.c.day == day).order_by(DAILY.c.domain)
    found = connection.execution_options(yield_per=_CHUNK).execute(query)
    return (ChargedRows.of(map(QmlRow._make, rows)) for rows in found.partitions())
