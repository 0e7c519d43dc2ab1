"""The file of hours: written and read back, on days of every length."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.calendar import Calendar
from mailtally_shared.days.grammar.hours import are_of
from mailtally_shared.days.hour_rows import HourRows, Hours, added
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import MAX_SUM, Service
from tests.support.hours_by_row import (
    HourSums,
    as_columns,
    as_rows,
    clock_hours,
    hours_bytes,
    parsed_hours,
    read_hours,
)

if TYPE_CHECKING:
    from random import Random

HEADER = b"domain,hour,service,messages,bytes,transferred\r\n"
LINE = b"a.example,2026-02-16T13:00:00+01:00,smtp-in,2,138,138\r\n"
DAY = date(2026, 2, 16)
#: Days of 23, 25, 23.5, 24.5 and 24 hours, whole hours from UTC and not.
DAYS = [
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("Australia/Lord_Howe", date(2026, 10, 4), 24),  # 23.5 hours: one of them lasts half of one
    ("Australia/Lord_Howe", date(2026, 4, 5), 25),  # 24.5 hours: likewise
    ("Asia/Kolkata", date(2026, 2, 16), 24),
    ("Asia/Kathmandu", date(2026, 2, 16), 24),
    ("UTC", date(2026, 2, 16), 24),
]
COUNTS = st.integers(0, MAX_SUM)
NAMES = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=40)


def seconds_of(day: date, zone: ZoneInfo) -> range:
    calendar = Calendar(zone)
    return range(calendar.end_of(day - timedelta(days=1)), calendar.end_of(day))


def hours_of(day: date, zone: ZoneInfo) -> list[int]:
    times = np.array(seconds_of(day, zone)[::900], np.int64)
    return [int(hour) for hour in np.unique(Calendar(zone).hours_of(times))]


@st.composite
def days_of_rows(draw: st.DrawFn) -> tuple[ZoneInfo, date, list[HourSums]]:
    name, day, _ = draw(st.sampled_from(DAYS))
    zone = ZoneInfo(name)
    row = st.builds(
        HourSums,
        NAMES,
        st.sampled_from(hours_of(day, zone)),
        st.sampled_from([service.label for service in Service]),
        COUNTS,
        COUNTS,
        COUNTS,
    )
    return zone, day, sorted(draw(st.lists(row, unique_by=lambda each: each[:3])))


@given(days_of_rows())
def test_what_is_written_is_read_back_and_any_csv_reader_agrees(
    written: tuple[ZoneInfo, date, list[HourSums]],
) -> None:
    zone, day, rows = written
    data = hours_bytes(rows, zone)
    assert read_hours(io.BytesIO(data), day) == rows
    assert list(parsed_hours(io.BytesIO(data), day)) == rows
    for plain, row in zip(csv.DictReader(data.decode().splitlines()), rows, strict=True):
        assert datetime.fromisoformat(plain["hour"]).timestamp() == row.hour
        assert plain["bytes"] == str(row.bytes)
    assert are_of(as_columns(rows), day, zone)


@given(days_of_rows(), st.randoms())
def test_rows_in_any_order_are_added_up_in_the_order_of_the_file(
    written: tuple[ZoneInfo, date, list[HourSums]], random: Random
) -> None:
    _, _, rows = written
    small = [row._replace(messages=1, bytes=2, transferred=3) for row in rows]
    shuffled = small + small
    random.shuffle(shuffled)
    found = HourRows.added_up([as_columns(shuffled[::2]), as_columns(shuffled[1::2])])
    assert as_rows(found) == [row._replace(messages=2, bytes=4, transferred=6) for row in small]
    assert found.ascends()
    assert not rows or not HourRows.joined([found, found]).ascends()


@pytest.mark.parametrize(("name", "day", "count"), DAYS)
def test_a_day_has_as_many_hours_as_a_clock_on_the_wall_shows(
    name: str, day: date, count: int
) -> None:
    zone = ZoneInfo(name)
    times = seconds_of(day, zone)[::600]
    records = [(second, "a.example", "imap", 1, 1) for second in times]
    expected = clock_hours(records, zone)
    starts = Calendar(zone).hours_of(np.array(times, np.int64)).tolist()
    counted = [HourSums("a.example", hour, "imap", 1, 1, 1) for hour in starts]
    columns = HourRows.added_up([as_columns(counted)])
    lines = hours_bytes(as_rows(columns), zone).decode().splitlines()
    assert expected.keys() == {day}
    assert [tuple(line.split(",")) for line in lines[1:]] == expected[day]
    assert len(columns) == count
    assert columns.sums()[0] == len(times)


def test_both_hours_of_autumn_are_distinct_and_the_earlier_one_comes_first() -> None:
    zone, day = ZoneInfo("Europe/Berlin"), date(2026, 10, 25)
    first = int(datetime(2026, 10, 25, tzinfo=UTC).timestamp())
    rows = [HourSums("a.example", hour, "imap", 1, 1, 1) for hour in (first, first + 3600)]
    lines = hours_bytes(rows, zone).decode().splitlines()[1:]
    assert [line.split(",")[1] for line in lines] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]
    assert read_hours(io.BytesIO(hours_bytes(rows, zone)), day) == rows
    assert not are_of(as_columns(rows), day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad-line"),
        (b"domain,hour\r\n", "bad-line"),
        (HEADER + LINE.replace(b"+01:00", b""), "bad-line"),
        (HEADER + LINE.replace(b"+01:00", b"Z"), "bad-line"),
        (HEADER + LINE.replace(b"T", b" "), "bad-line"),
        (HEADER + LINE.replace(b"-16T", b"-17T"), "bad-line"),
        (HEADER + LINE.replace(b"T13:", b"T25:"), "bad-line"),
        (HEADER + LINE.replace(b"+01:00", b"+01:99"), "bad-line"),
        (HEADER + LINE.replace(b"+01:00", b"-00:00"), "bad-line"),
        (HEADER + LINE.replace(b"smtp-in", b"uucp"), "bad-line"),
        (HEADER + LINE.replace(b",138,", b",-1,"), "bad-line"),
        (HEADER + LINE.replace(b",138,", b",9223372036854775808,"), "bad-line"),
        (HEADER + LINE + LINE, "unsorted"),
        (HEADER + LINE.replace(b"smtp-in", b"smtp-out") + LINE, "unsorted"),
        (HEADER + LINE.replace(b"T13", b"T14") + LINE, "unsorted"),
        # The same moment under another offset is the same hour.
        (HEADER + LINE + LINE.replace(b"T13:00:00+01", b"T14:00:00+02"), "unsorted"),
    ],
)
def test_what_is_not_written_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_hours(io.BytesIO(data), DAY)
    assert caught.value.reason == reason


@given(st.binary(max_size=200))
def test_random_bytes_raise_bad_file_and_nothing_else(data: bytes) -> None:
    for start in (b"", HEADER, HEADER + LINE):
        with suppress(BadFile):
            read_hours(io.BytesIO(start + data), DAY)


def test_a_sum_is_whole_only_if_both_parts_are() -> None:
    one = as_columns([HourSums("a.example", 3600, "imap", 1, 2, 3)])
    both = added(Hours(one, whole=True), Hours(one, whole=False))
    assert as_rows(both.rows) == [HourSums("a.example", 3600, "imap", 2, 4, 6)]
    assert not both.whole
    assert added(Hours(one, whole=True), Hours(one, whole=True)).whole
