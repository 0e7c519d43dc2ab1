"""Hours row by row, as plainly as can be: what the product's columns are held against."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_shared.days.grammar import hours
from mailtally_shared.days.grammar.text_columns import bare
from mailtally_shared.days.hour_rows import HourRows
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import MAX_SUM, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

_SERVICES = {service.label for service in Service}
_TEXT = re.compile(r"[0-9-]{10}T[0-9:]{8}[+-][0-9]{2}:[0-9]{2}(:[0-9]{2})?")


class HourSums(NamedTuple):
    """A line of the file, its hour in Unix seconds."""

    domain: str
    hour: int
    service: str
    messages: int
    bytes: int
    transferred: int


def as_columns(rows: Iterable[HourSums]) -> HourRows:
    """The rows as columns, in the order in which they come."""
    columns = list(zip(*rows, strict=True))
    if not columns:
        return HourRows.empty()
    domains, starts, services, *counts = columns
    names = np.array([name.encode() for name in domains], "S")
    return HourRows(
        names.astype(f"S{-(-names.itemsize // 8) * 8}"),
        np.array(starts, np.int64),
        np.array([Service.from_label(label) for label in services], np.uint8),
        *(np.array(column, np.int64) for column in counts),
    )


def as_rows(columns: HourRows) -> list[HourSums]:
    """The columns row by row."""
    names = [name.decode() for name in columns.domain.tolist()]
    labels = [Service(number).label for number in columns.service.tolist()]
    counts = (each.tolist() for each in (columns.messages, columns.bytes, columns.transferred))
    return list(map(HourSums, names, columns.hour.tolist(), labels, *counts))


def hours_bytes(rows: Iterable[HourSums], zone: ZoneInfo) -> bytes:
    """The bytes of a file, as the product writes it."""
    return b"".join(map(bare, hours.render(as_columns(rows), zone)))


def read_hours(file: IO[bytes], day: date) -> list[HourSums]:
    """The rows of a file, as the product reads it."""
    return [row for piece in hours.read(file, "x", day) for row in as_rows(piece)]


def parsed_hours(lines: Iterable[bytes], day: date) -> Iterator[HourSums]:
    """The rows of a file, read by the standard library."""
    reader = csv.reader((line.decode("latin-1") for line in lines), strict=True)
    try:
        if next(reader, None) != ["domain", "hour", "service", "messages", "bytes", "transferred"]:
            raise BadFile("bad-line", "x", "no header", 1)
        before: tuple[object, ...] = ()
        for fields in reader:
            row = _row(fields, day, reader.line_num)
            if row[:3] <= before:
                raise BadFile("unsorted", "x", "unsorted", reader.line_num)
            before = row[:3]
            yield row
    except csv.Error as error:
        raise BadFile("bad-line", "x", "not CSV", reader.line_num) from error


def _row(fields: list[str], day: date, line: int) -> HourSums:
    try:
        domain, text, service, *counts = fields
        local = datetime.fromisoformat(text)
        hour = int(local.timestamp())
        good = (
            len(counts) == 3
            and 0 < len(domain) <= 253
            and domain.isascii()
            and domain.isprintable()
            and _TEXT.fullmatch(text) is not None
            and local.isoformat() == text
            and local.date() == day
            and hour >= 0
            and service in _SERVICES
            and all(re.fullmatch("[0-9]{1,19}", count) for count in counts)
            and all(int(count) <= MAX_SUM for count in counts)
        )
    except (ValueError, OverflowError):
        good = False
    if not good:
        raise BadFile("bad-line", "x", "not a line", line)
    return HourSums(domain, hour, service, *map(int, counts))


def clock_hours(
    records: Iterable[tuple[int, str, str, int, int]], zone: ZoneInfo
) -> dict[date, list[tuple[str, ...]]]:
    """Count records by what a clock on the wall showed, minute by minute: the lines of each day.

    Args:
        records: Unix seconds, domain, service, bytes and attempts of each.
        zone: the zone of the clock.

    Returns:
        The fields of each line as text, sorted by domain, moment and service.
    """
    sums: dict[tuple[date, str, float, str, str], Counter[str]] = {}
    for second, domain, service, size, attempts in records:
        shown = datetime.fromtimestamp(second, UTC).astimezone(zone)
        begin = _began(shown, zone)
        key = (shown.date(), domain, begin.timestamp(), service, begin.isoformat())
        counted = sums.setdefault(key, Counter())
        counted.update(messages=1, bytes=size, transferred=size * max(attempts, 1))
    days: dict[date, list[tuple[str, ...]]] = {}
    for (day, domain, _, service, text), counted in sorted(sums.items(), key=lambda each: each[0]):
        counts = (counted["messages"], counted["bytes"], counted["transferred"])
        days.setdefault(day, []).append((domain, text, service, *map(str, counts)))
    return days


def _began(shown: datetime, zone: ZoneInfo) -> datetime:
    """Walk back by seconds, in real time, while the clock shows the same hour and offset."""
    begin = shown
    while True:
        before = (begin.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)
        same_hour = (before.date(), before.hour) == (shown.date(), shown.hour)
        if not same_hour or before.utcoffset() != shown.utcoffset():
            return begin
        begin = before
