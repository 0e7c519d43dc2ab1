"""The thorough look: every row of every archived file against the database."""

from __future__ import annotations

import hashlib
import zlib
from itertools import zip_longest
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from mailtally.doctor.finding import Finding, verdict
from mailtally_shared.database.tables import DAILY
from mailtally_shared.day_files import DayNames, QmlRow, breakdown, charge, qml
from mailtally_shared.day_files.reading import MAX_FILE_BYTES
from mailtally_shared.errors import BadFile
from mailtally_shared.regular import open_packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from mailtally_shared.day_files import Manifest

_CHUNK = 10_000  # rows fetched at once


def problems_of(
    connection: Connection, loaded: Path, archived: Mapping[date, Manifest | None]
) -> dict[date, list[str]]:
    """What is wrong with each day, row by row, and with its files' checksums; empty if nothing.

    Args:
        connection: see ``open_billing``.
        loaded: where the archive is.
        archived: the days to look at, with their manifests.
    """
    return {
        day: list(_readable(day, _problems(connection, loaded, day, manifest)))
        for day, manifest in sorted(archived.items())
    }


def check_archived_rows(problems: Mapping[date, Sequence[str]]) -> Finding:
    """The finding for the days looked at."""
    fine = f"{len(problems):,} archived days: breakdown, qml file and database agree in every row."
    advice = "Rows or files were changed from outside: restore them from a backup."
    named = [problem for of_day in problems.values() for problem in of_day]
    return verdict("archived rows", named, fine, advice)


def _readable(day: date, problems: Iterator[str]) -> Iterator[str]:
    """The problems; that the files cannot be read is one as well."""
    try:
        yield from problems
    except (OSError, EOFError, zlib.error) as error:
        yield f"{day}: its archive cannot be read ({error})."
    except BadFile as error:
        yield f"{day}: {error}."


def _problems(
    connection: Connection, loaded: Path, day: date, manifest: Manifest | None
) -> Iterator[str]:
    names = DayNames.of(day)
    billed = _billed_rows(connection, day)
    with open_packed(loaded / f"{names.qml}.gz", MAX_FILE_BYTES) as txt:
        rows = qml.parse(txt, names.qml)
        if manifest is None:
            # A file of other origin is in any order.
            yield from _first_difference(day, billed, qml=iter(sorted(rows)))
            return
        yield from _wrong_checksums(loaded, names, manifest)
        with open_packed(loaded / f"{names.breakdown}.gz", MAX_FILE_BYTES) as csv:
            charged = charge(breakdown.parse(csv, names.breakdown), manifest.policy)
            yield from _first_difference(day, billed, qml=rows, breakdown=charged)


def _wrong_checksums(loaded: Path, names: DayNames, manifest: Manifest) -> Iterator[str]:
    for name, stated in (
        (names.qml, manifest.qml_sha256),
        (names.breakdown, manifest.breakdown_sha256),
    ):
        with open_packed(loaded / f"{name}.gz", MAX_FILE_BYTES) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != stated:
                yield f"{name}.gz is not the file that its manifest describes."


def _first_difference(
    day: date, billed: Iterator[QmlRow], **files: Iterator[QmlRow]
) -> Iterator[str]:
    for row, *others in zip_longest(billed, *files.values()):
        for name, other in zip(files, others, strict=True):
            if other != row:
                yield f"{day}: the database has {_told(row)}, the {name} {_told(other)}."
                return


def _told(row: QmlRow | None) -> str:
    if row is None:
        return "no more rows"
    return f"{row.name} with {row.bytes} bytes and {row.hits_all} + {row.hits_html} hits"


def _billed_rows(connection: Connection, day: date) -> Iterator[QmlRow]:
    columns = (DAILY.c.domain, DAILY.c.bytes, DAILY.c.hits_all, DAILY.c.hits_html)
    query = select(*columns).where(DAILY.c.day == day).order_by(DAILY.c.domain)
    for row in connection.execution_options(yield_per=_CHUNK).execute(query):
        yield QmlRow(*row)
