"""The day of a timestamp is its calendar day in the zone, through every change of clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.calendar import Calendar
from mailtally_shared.rows import STEPS
from mailtally_shared.schema import END_OF_TIME

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",  # changed its clocks at 00:01
    "America/Sao_Paulo",  # changed them at midnight, so that some days begin at 01:00
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out 30 December 2011
    "Asia/Kathmandu",
    "Africa/Monrovia",  # had an offset of 44 min 30 s
]


@pytest.mark.parametrize("zone", ZONES)
@given(times=st.lists(st.integers(0, 2**32) | st.integers(0, END_OF_TIME - 1), max_size=30))
def test_days_agree_with_the_time_zone_database(zone: str, times: list[int]) -> None:
    calendar = Calendar(ZoneInfo(zone))
    days, index = calendar.days_of(np.array(times, np.int64))
    expected = [datetime.fromtimestamp(time, ZoneInfo(zone)).date() for time in times]
    assert [days[i] for i in index] == expected
    assert len(set(days)) == len(days)


@pytest.mark.parametrize("zone", ZONES)
@given(times=st.lists(st.integers(0, 2**32), min_size=1, max_size=30))
def test_an_hour_has_one_local_hour_and_one_offset(zone: str, times: list[int]) -> None:
    def shown(time: int) -> tuple[date, int, object]:
        local = datetime.fromtimestamp(time, ZoneInfo(zone))
        return local.date(), local.hour, local.utcoffset()

    hours = Calendar(ZoneInfo(zone)).hours_of(np.array(times, np.int64)).tolist()
    for time, hour in zip(times, hours, strict=True):
        assert hour <= time < hour + 3600
        assert shown(hour) == shown(time) != shown(hour - 1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),  # of 24.5 hours, one begins late
        ("Australia/Lord_Howe", date(2026, 10, 4), 24),  # of 23.5 hours, one begins late
        ("Asia/Kathmandu", date(2026, 2, 16), 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_zone_shows(zone: str, day: date, hours: int) -> None:
    calendar = Calendar(ZoneInfo(zone))
    end = calendar.end_of(day)
    seconds = np.arange(end - 26 * 3600, end, 900)
    of_day = [second for second in seconds.tolist() if calendar.day_of(second) == day]
    assert len(np.unique(calendar.hours_of(np.array(of_day, np.int64)))) == hours


@pytest.mark.parametrize("zone", ZONES)
@given(day=st.dates(date(1980, 1, 1), date(2040, 12, 31)))
def test_the_end_of_a_day_is_its_last_second_plus_one(zone: str, day: date) -> None:
    calendar = Calendar(ZoneInfo(zone))
    end = calendar.end_of(day)
    assert calendar.day_of(end) > day
    assert calendar.day_of(end - 1) <= day
    assert all(calendar.day_of(end + later) > day for later in range(0, 86_400, 1800))


def test_days_of_a_change_of_clocks_are_short_and_long() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    spring = calendar.end_of(date(2026, 3, 29)) - calendar.end_of(date(2026, 3, 28))
    autumn = calendar.end_of(date(2026, 10, 25)) - calendar.end_of(date(2026, 10, 24))
    assert (spring, autumn) == (23 * 3600, 25 * 3600)


def test_a_day_in_utc_ends_at_midnight() -> None:
    end = Calendar(ZoneInfo("UTC")).end_of(date(2026, 2, 16))
    assert datetime.fromtimestamp(end, UTC) == datetime(2026, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_the_longest_step_never_has_seconds_of_two_days(zone: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    step = calendar.longest_step()
    longer = STEPS[: STEPS.index(step)]
    assert step == 1 or not calendar.splits(np.arange(0, 2**31, max(step, 900)), step)
    assert all(calendar.splits(np.arange(0, 2**31, each), each) for each in longer)


@pytest.mark.parametrize(
    ("zone", "step"),
    [
        *(("UTC", 3600), ("Europe/Berlin", 3600), ("Pacific/Apia", 3600), ("Asia/Kolkata", 900)),
        *(("Asia/Kathmandu", 900), ("America/St_Johns", 60), ("Africa/Monrovia", 1)),
    ],
)
def test_steps_are_hours_where_offsets_are(zone: str, step: int) -> None:
    assert Calendar(ZoneInfo(zone)).longest_step() == step


@pytest.mark.parametrize("zone", ZONES)
@given(start=st.integers(0, 2**31 // 3600), step=st.sampled_from(STEPS))
def test_a_step_is_split_where_its_seconds_have_two_days(zone: str, start: int, step: int) -> None:
    calendar = Calendar(ZoneInfo(zone))
    begin = start * 3600
    _, day = calendar.days_of(np.arange(begin, begin + step))
    assert calendar.splits(np.array([begin]), step) == (len(set(day.tolist())) > 1)


def test_a_minute_of_another_day_within_an_hour_splits_it() -> None:
    """The day began at 02:30 UTC; at 00:01 clocks were set back into the day before."""
    hour = int(datetime(2006, 10, 29, 2, tzinfo=UTC).timestamp())
    calendar = Calendar(ZoneInfo("America/St_Johns"))
    assert calendar.day_of(hour) == calendar.day_of(hour + 3599)
    assert calendar.splits(np.array([hour]), 3600)
    assert not calendar.splits(np.array([hour]), 60)


def test_no_times_have_no_days() -> None:
    days, index = Calendar(ZoneInfo("UTC")).days_of(np.empty(0, np.int64))
    assert (days, len(index)) == ((), 0)
