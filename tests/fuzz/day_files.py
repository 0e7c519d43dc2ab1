"""What lies in the statistic directory, put there by whomever: the files of days."""

from __future__ import annotations

from datetime import date
from functools import partial
from io import BytesIO
from typing import IO, TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from mailtally_shared.days import ChargingPolicy, manifest
from mailtally_shared.days.grammar.hours import are_of
from mailtally_shared.errors import BadFile, Refused
from tests.fuzz.target import Target, one_by_one, refusal
from tests.support import day_files_by_row as by_row
from tests.support import hours_by_row as hours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = TypeVar("Row")

#: A day of 25 hours.
_AUTUMN, _ZONE = date(2026, 10, 25), ZoneInfo("Europe/Berlin")

_NUMBERS = (
    *(b"0", b"-1", b"+1", b"1e9", b"0.5", b"0.0009765625", b"9223372036854775807"),
    *(b"9223372036854775808", b"9007199254740992", b"1" * 19, b"1" * 20, b"." + b"5" * 45),
)


def _reason(read: Callable[[bytes], None]) -> Callable[[bytes], str]:
    def check(data: bytes) -> str:
        try:
            read(data)
        except BadFile as error:
            return refusal(error)
        return "taken"

    return check


def read_qml(data: bytes) -> None:
    """What is taken is what is taken row by row; written, it is read once more."""
    rows = _as_by_row(by_row.read_qml, by_row.parsed_qml, data)
    assert list(by_row.read_qml(BytesIO(by_row.qml_file(rows)), "again")) == rows


def read_breakdown(data: bytes) -> None:
    """The same of a breakdown, which is also charged."""
    rows = _as_by_row(by_row.read_breakdown, by_row.parsed_breakdown, data)
    assert list(by_row.read_breakdown(BytesIO(by_row.breakdown_file(rows)), "again")) == rows
    try:
        charged = list(by_row.charge_rows(rows, ChargingPolicy()))
    except Refused:
        return
    assert charged == list(by_row.charged(rows, ChargingPolicy()))


def read_hours(data: bytes) -> None:
    """The same of hours."""
    rows = _as_by_row(
        partial(hours.read_hours, day=_AUTUMN), partial(hours.parsed_hours, day=_AUTUMN), data
    )
    if are_of(hours.as_columns(rows), _AUTUMN, _ZONE):
        again = BytesIO(hours.hours_bytes(rows, _ZONE))
        assert hours.read_hours(again, _AUTUMN) == rows


def _as_by_row(
    read: Callable[[IO[bytes]], Iterable[Row]],
    read_by_row: Callable[[IO[bytes]], Iterable[Row]],
    data: bytes,
) -> list[Row]:
    def outcome(read: Callable[[IO[bytes]], Iterable[Row]]) -> list[Row] | BadFile:
        try:
            return list(read(BytesIO(data)))
        except BadFile as error:
            return error

    found, by_row = outcome(read), outcome(read_by_row)
    if not isinstance(found, BadFile):
        assert found == by_row
        return found
    assert isinstance(by_row, BadFile)
    # Quotes may span lines: any of them may be named. A line with two faults is refused for one.
    assert b'"' in data or found.line == by_row.line
    assert by_row.reason in {found.reason, "bad-line"}
    raise found


def read_manifest(data: bytes) -> None:
    """The same of a manifest."""
    found = manifest.parse(data, "day.qml.json")
    assert manifest.parse(manifest.render(found), "again") == found


TARGETS = (
    Target(
        "qml",
        one_by_one(_reason(read_qml)),
        tokens=(
            *_NUMBERS,
            *(b"|", b"\n", b"\r\n", b"\r", b"\0", b" ", b"\xff", b"(overflow)", b"d" * 254),
        ),
    ),
    Target(
        "breakdown",
        one_by_one(_reason(read_breakdown)),
        tokens=(
            *_NUMBERS,
            *(b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"smtp-in", b"s" * 300),
            *(b'"a\nb"', b"x" * 140_000),
        ),
    ),
    Target(
        "hours",
        one_by_one(_reason(read_hours)),
        tokens=(
            *_NUMBERS,
            *(b",", b'"', b'""', b"\n", b"\r\n", b"\0", b"\xff", b"imap", b"d" * 254, b"+00:00"),
            *(b"-00:00", b"+14:00", b"-23:59:59", b"Z", b"T24", b"2026-10-25T02:30:00+01:00"),
            *(b"1969-12-31", b"9999-12-31", b".000001", b"x" * 140_000),
        ),
    ),
    Target(
        "manifest",
        one_by_one(_reason(read_manifest)),
        tokens=(
            *_NUMBERS,
            *(b"null", b"true", b"[]", b"{}", b'"x"', b"NaN", b"1e400", b'"2026-02-30"'),
            *(b"\\u0000", b"\\ud800", b"\xff", b'"', b"[" * 3000, b'"0001-01-01T00:00:00Z"'),
        ),
    ),
)
