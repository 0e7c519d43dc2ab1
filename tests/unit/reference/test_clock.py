"""FORMATS 2: the year and the zone that are not there."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from tests.reference.settings import Settings
from tests.unit.reference.reading import at, hear

UTC = Settings()


def times(*stamps: str, settings: Settings = UTC) -> list[int]:
    heard, reading = hear(*[f"{stamp} mx a: b".encode() for stamp in stamps], settings=settings)
    assert reading.rejects == []
    return [line.time for line in heard]


def modified(text: str, zone: str = "UTC") -> Settings:
    return Settings(modified=at(text), log_zone=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("stamp", "year"),
    [
        ("Mar  4 12:00:00", 2021),
        ("Mar  5 11:59:59", 2021),  # At most a day after the file's time.
        ("Mar  5 12:00:01", 2020),
        ("Dec 31 23:00:00", 2020),
    ],
)
def test_the_first_stamp_is_at_most_a_day_after_the_files_time(stamp: str, year: int) -> None:
    (time,) = times(stamp, settings=modified("2021-03-04 12:00:00"))
    assert at(f"{year}-01-01 00:00:00") <= time < at(f"{year + 1}-01-01 00:00:00")


def test_a_file_changed_at_new_year_has_stamps_of_the_next() -> None:
    settings = modified("2020-12-31 20:00:00")
    assert times("Jan  1 01:00:00", settings=settings) == [at("2021-01-01 01:00:00")]


def test_going_from_december_to_january_adds_one() -> None:
    settings = modified("2021-03-04 12:00:00")
    assert times("Dec 31 23:59:59", "Jan  1 00:00:01", settings=settings) == [
        at("2020-12-31 23:59:59"),
        at("2021-01-01 00:00:01"),
    ]


def test_a_log_that_was_silent_all_december_goes_into_the_next_year_too() -> None:
    settings = modified("2021-03-04 12:00:00")
    assert times("Nov 30 08:00:00", "Jan  2 00:00:01", settings=settings)[1] == at(
        "2021-01-02 00:00:01"
    )


def test_a_december_line_after_a_january_line_belongs_to_the_old_year() -> None:
    settings = modified("2021-03-04 12:00:00")
    assert times("Jan  3 00:00:00", "Dec 31 23:59:59", "Jan  3 00:00:01", settings=settings) == [
        at("2021-01-03 00:00:00"),
        at("2020-12-31 23:59:59"),
        at("2021-01-03 00:00:01"),
    ]


def test_a_december_line_more_than_7_days_back_is_of_the_same_year() -> None:
    settings = modified("2021-12-31 12:00:00")
    assert times("Jan 20 00:00:00", "Dec 30 00:00:00", settings=settings)[1] == at(
        "2021-12-30 00:00:00"
    )


def test_a_late_line_of_the_same_year_stays_there() -> None:
    settings = modified("2021-12-31 12:00:00")
    assert times("May 20 00:00:00", "May  1 00:00:00", settings=settings)[1] == at(
        "2021-05-01 00:00:00"
    )


def test_29_february_only_fits_leap_years() -> None:
    settings = modified("2023-06-01 12:00:00")
    assert times("Feb 29 12:00:00", settings=settings) == [at("2020-02-29 12:00:00")]


def test_first_year_overrides() -> None:
    settings = replace(modified("2023-06-01 12:00:00"), first_year=2011)
    assert times("Dec 31 12:00:00", "Jan  1 12:00:00", settings=settings) == [
        at("2011-12-31 12:00:00"),
        at("2012-01-01 12:00:00"),
    ]


def test_a_stamp_with_its_year_tells_the_year_of_the_next_without() -> None:
    settings = modified("2023-06-01 12:00:00")
    assert times("2019-12-31T23:00:00Z", "Jan  1 00:00:01", settings=settings)[1] == at(
        "2020-01-01 00:00:01"
    )


BERLIN = modified("2026-12-31 12:00:00", "Europe/Berlin")


def test_a_stamp_without_a_zone_is_the_log_zones() -> None:
    assert times("Jan 10 12:00:00", "Jul 10 12:00:00", settings=BERLIN) == [
        at("2026-01-10 11:00:00"),
        at("2026-07-10 10:00:00"),
    ]


def test_the_repeated_hours_second_pass_begins_when_stamps_run_backwards() -> None:
    stamps = ("Oct 25 02:05:00", "Oct 25 02:55:00", "Oct 25 02:40:00", "Oct 25 02:05:00")
    after = ("Oct 25 02:03:00", "Oct 25 02:55:00", "Oct 25 03:00:00")
    assert times(*stamps, *after, settings=BERLIN) == [
        at("2026-10-25 00:05:00"),
        at("2026-10-25 00:55:00"),
        at("2026-10-25 00:40:00"),  # Late by 15 minutes: the first pass still.
        at("2026-10-25 01:05:00"),
        at("2026-10-25 01:03:00"),
        at("2026-10-25 01:55:00"),
        at("2026-10-25 02:00:00"),
    ]


def test_each_years_repeated_hour_has_a_first_pass() -> None:
    stamps = ("2025-10-26 02:50:00", "2025-10-26 02:00:00", "2026-10-25 02:00:00")
    heard, _ = hear(*[f"{stamp} x".encode() for stamp in stamps], settings=BERLIN)
    assert [line.time for line in heard] == [
        at("2025-10-26 00:50:00"),
        at("2025-10-26 01:00:00"),
        at("2026-10-25 00:00:00"),
    ]


def test_a_repeated_half_hour_runs_backwards_by_more_than_a_quarter() -> None:
    settings = modified("2026-12-31 12:00:00", "Australia/Lord_Howe")
    stamps = ("Apr  5 01:55:00", "Apr  5 01:45:00", "Apr  5 01:50:00", "Apr  5 01:31:00")
    assert times(*stamps, settings=settings) == [
        at("2026-04-04 14:55:00"),
        at("2026-04-04 14:45:00"),
        at("2026-04-04 14:50:00"),
        at("2026-04-04 15:01:00"),
    ]


def test_a_stamp_in_the_skipped_hour_is_read_with_the_offset_before() -> None:
    assert times("Mar 29 02:30:00", settings=BERLIN) == [at("2026-03-29 01:30:00")]


def test_a_zones_name_tells_the_passes_apart() -> None:
    stamps = ("Sun 2026-10-25 02:30:00 CET", "Sun 2026-10-25 02:30:00 CEST")
    assert times(*stamps, settings=BERLIN) == [
        at("2026-10-25 01:30:00"),
        at("2026-10-25 00:30:00"),
    ]


def test_stamps_with_an_offset_need_no_zone() -> None:
    assert times("2026-10-25T02:30:00+01:00", settings=BERLIN) == [at("2026-10-25 01:30:00")]
