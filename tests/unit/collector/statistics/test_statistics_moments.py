"""What people type for a moment, and what is meant by it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from mailtally_collector.statistics.selection import beginning, ending

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
#: 2026-02-16 12:00 UTC.
NOW = 1_771_243_200.0
MIDNIGHT = 1_771_200_000
DAY = 86_400


@pytest.mark.parametrize("text", ["2026-02-16", "16.02.2026", "today"])
def test_a_day_is_meant_from_its_first_second_to_its_last(text: str) -> None:
    assert beginning(text, UTC, NOW) == MIDNIGHT
    assert ending(text, UTC, NOW) == MIDNIGHT + DAY


def test_yesterday_is_the_day_before_in_the_zone() -> None:
    assert beginning("yesterday", UTC, NOW) == MIDNIGHT - DAY
    assert beginning("today", BERLIN, NOW) == MIDNIGHT - 3600


def test_a_day_of_another_length_ends_when_it_ends() -> None:
    spring = beginning("2026-03-29", BERLIN, NOW)
    assert ending("2026-03-29", BERLIN, NOW) - spring == 23 * 3600


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-02-16T08:30", MIDNIGHT + 8 * 3600 + 1800),
        ("2026-02-16 08:30:01", MIDNIGHT + 8 * 3600 + 1801),
        ("2026-02-16T08:30+01:00", MIDNIGHT + 7 * 3600 + 1800),
        ("1771200005", MIDNIGHT + 5),
    ],
)
def test_a_time_is_meant_to_the_second(text: str, time: int) -> None:
    assert beginning(text, UTC, NOW) == time
    assert ending(text, UTC, NOW) == time


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "2026-13-01T00:00", "-5"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is for the command to say
        beginning(text, UTC, NOW)
