"""The hours of a day, ``dd.mm.YYYY.qml.hours.csv``.

An hour is written as the local time at which it begins, with the zone's offset at that moment
(RFC 3339): where the clock is put back, ``02:00:00+02:00`` and ``02:00:00+01:00`` are two hours.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.days.grammar import sums_lines
from mailtally_shared.days.grammar.text_columns import BadLine
from mailtally_shared.days.hour_rows import HourRows
from mailtally_shared.schema import MEASURES, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from mailtally_shared.columns import Array
    from mailtally_shared.days.grammar.sums_lines import Cells

HEADER = ("domain", "hour", "service", *MEASURES)

#: Zones had offsets with seconds until 1972; RFC 3339 has no form for them.
_HOUR = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}(?::\d{2})?", re.ASCII)


def render(rows: HourRows, zone: ZoneInfo) -> Iterator[Array]:
    """Yield the file's text in padded pieces, which ``bare`` turns into bytes."""
    yield sums_lines.header_line(HEADER)
    for piece in rows.pieces():
        hours, hour = np.unique(piece.hour, return_inverse=True)
        texts = [hour_text(each, zone) for each in hours.tolist()]
        kinds = [(text, service.label) for text in texts for service in Service]
        kind = hour * len(Service) + piece.service
        yield sums_lines.lines(piece, sums_lines.shared_names(kinds)[kind])


def are_of(rows: HourRows, day: date, zone: ZoneInfo) -> bool:
    """Return whether all hours are of a day."""
    hours = np.unique(rows.hour).tolist()
    return all(hour_text(hour, zone).startswith(f"{day.isoformat()}T") for hour in hours)


def hour_text(hour: int, zone: ZoneInfo) -> str:
    """Return an hour (Unix seconds) as local time with its offset from UTC."""
    return datetime.fromtimestamp(hour, UTC).astimezone(zone).isoformat()


def read(file: IO[bytes], path: str, day: date) -> Iterator[HourRows]:
    """Yield the rows of a file in pieces, strictly ascending by domain, hour and service.

    Args:
        file: the file, not read yet.
        path: its name, for errors.
        day: the traffic day, on which all hours begin.

    Raises:
        BadFile: the file is not what ``render`` writes; reasons ``bad-line``, ``unsorted``.
    """
    return sums_lines.read(file, path, HEADER, partial(_rows, day))


def _rows(day: date, cells: Cells) -> HourRows:
    parsed = [(_hour(text, day), _service(label)) for text, label in cells.kinds]
    hours = np.array([hour for hour, _ in parsed], np.int64)
    services = np.array([service for _, service in parsed], np.uint8)
    return HourRows(cells.domain, hours[cells.kind], services[cells.kind], *cells.counts)


def _hour(text: str, day: date) -> int:
    if not _HOUR.fullmatch(text) or not text.startswith(f"{day.isoformat()}T"):
        raise BadLine(f"{text[:60]!r} is not an hour of {day}")
    try:
        found = datetime.fromisoformat(text)
        hour = int(found.timestamp())
    except (ValueError, OverflowError):
        raise BadLine(f"{text[:60]!r} is not a time") from None
    if hour < 0 or found.isoformat() != text:
        raise BadLine(f"{text[:60]!r} is not a time as the day writer spells it")
    return hour


def _service(label: str) -> Service:
    try:
        return Service.from_label(label)
    except ValueError as error:
        raise BadLine(str(error)) from None
