"""Day files row by row, as plainly as can be: what the product's columns are held against."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from itertools import chain, groupby
from typing import IO, TYPE_CHECKING

from mailtally_shared.days import (
    ChargedRows,
    ChargingPolicy,
    DayRows,
    QmlRow,
    Sums,
    charge,
)
from mailtally_shared.days.charging import OUTGOING
from mailtally_shared.days.grammar import breakdown, qml
from mailtally_shared.days.grammar.text_columns import bare
from mailtally_shared.errors import BadFile, Refused
from mailtally_shared.schema import DIMENSIONS, KEY, MAX_SUM, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SERVICES = {service.label for service in Service}
_NAME = r"[!-{}~](?:[ -{}~]{0,251}[!-{}~])?"
_NUMBER = r"[0-9]{1,19}(?:\.[0-9]{1,40})?"
_LINE = re.compile(rf"\|({_NAME})\|({_NUMBER})\|([0-9]{{1,19}})\|([0-9]{{1,19}})\|".encode())


def parsed_qml(lines: Iterable[bytes], path: str = "x") -> Iterator[QmlRow]:
    seen: set[str] = set()
    first = True
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        if not line or line.isspace():
            continue
        if not (first and line == qml.HEADER.encode()):
            row = _qml_row(line, path, number)
            if row.name in seen:
                raise BadFile("duplicate-name", path, "twice", number)
            seen.add(row.name)
            yield row
        first = False


def _qml_row(line: bytes, path: str, number: int) -> QmlRow:
    match = _LINE.fullmatch(line)
    if not match:
        raise BadFile("bad-line", path, "not a line", number)
    name, size, hits_all, hits_html = (group.decode() for group in match.groups())
    row = QmlRow(name.lower(), round(Fraction(size) * 1024), int(hits_all), int(hits_html))
    if max(row[1:]) > MAX_SUM:
        raise BadFile("too-large", path, "too large", number)
    return row


def parsed_breakdown(lines: Iterable[bytes], path: str = "x") -> Iterator[Sums]:
    reader = csv.reader((line.decode("latin-1") for line in lines), strict=True)
    try:
        if next(reader, None) != list(breakdown.HEADER):
            raise BadFile("bad-line", path, "no header", 1)
        previous: tuple[str, ...] = ()
        for fields in reader:
            row = _sums(fields, path, reader.line_num)
            if row[: len(KEY)] <= previous:
                raise BadFile("unsorted", path, "unsorted", reader.line_num)
            previous = tuple(fields[: len(KEY)])
            yield row
    except csv.Error as error:
        raise BadFile("bad-line", path, "not CSV", reader.line_num) from error


def _sums(fields: list[str], path: str, line: int) -> Sums:
    names, numbers = fields[: len(KEY)], fields[len(KEY) :]
    if (
        len(fields) != len(breakdown.HEADER)
        or not all(
            0 < len(name) <= dimension.longest and name.isascii() and name.isprintable()
            for name, dimension in zip(names, DIMENSIONS.values(), strict=True)
        )
        or names[KEY.index("service")] not in _SERVICES
        or not all(re.fullmatch("[0-9]{1,19}", number) for number in numbers)
        or any(int(number) > MAX_SUM for number in numbers)
    ):
        raise BadFile("bad-line", path, "not a line", line)
    return Sums._make([*names, *map(int, numbers)])


def charged(rows: Iterable[Sums], policy: ChargingPolicy) -> Iterator[QmlRow]:
    """What is charged of rows in the order of the file."""
    statuses = policy.charged_statuses
    wanted = (row for row in rows if statuses == "all" or row.status in statuses)
    for domain, group in groupby(wanted, key=lambda row: row.domain):
        size = hits_all = hits_html = 0
        for row in group:
            size += getattr(row, policy.quantity)
            if policy.hits == "in-out" and row.service in OUTGOING:
                hits_html += row.messages
            else:
                hits_all += row.messages
        if max(size, hits_all, hits_html) > MAX_SUM:
            raise Refused(f"the day's sum of {domain} exceeds 2^63-1")
        yield QmlRow(domain, size, hits_all, hits_html)


def qml_file(rows: Iterable[QmlRow]) -> bytes:
    """The bytes of a qml file, as the product writes it."""
    return b"".join(map(bare, qml.render([ChargedRows.of(rows)])))


def breakdown_file(rows: Iterable[Sums]) -> bytes:
    """The bytes of a breakdown, as the product writes it."""
    return b"".join(map(bare, breakdown.render(DayRows.of(rows))))


def read_qml(file: IO[bytes], path: str = "x") -> Iterator[QmlRow]:
    """The rows of a qml file, as the product reads it."""
    return chain.from_iterable(qml.read(file, path))


def read_breakdown(file: IO[bytes], path: str = "x") -> Iterator[Sums]:
    """The rows of a breakdown, as the product reads it."""
    return chain.from_iterable(breakdown.read(file, path))


def charge_rows(rows: Iterable[Sums], policy: ChargingPolicy) -> Iterator[QmlRow]:
    """The charge of rows in any order, as the product charges them."""
    return chain.from_iterable(charge(DayRows.of(rows).pieces(), policy))


def kilobytes(count: int) -> str:
    """A number of bytes as the product writes it in a qml file."""
    return qml_file([QmlRow("a", count, 0, 0)]).split(b"|")[2].decode()
