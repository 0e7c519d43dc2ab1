"""What a report may be asked, and how days and sizes are written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally.commands.report_cells import aligned, human_size
from mailtally_shared.reports.question import Question, parse_day
from mailtally_shared.reports.summary import ranges

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", TODAY),
        ("yesterday", date(2026, 2, 28)),
        ("2026-02-16", date(2026, 2, 16)),
        ("16.02.2026", date(2026, 2, 16)),
    ],
)
def test_a_day_may_be_written_in_several_ways(text: str, day: date) -> None:
    assert parse_day(text, TODAY) == day


@pytest.mark.parametrize("text", ["", "tomorrow", "30.02.2026", "2026-2-1", "1.2", "16.02.2026.1"])
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-02-16"):
        parse_day(text, TODAY)


def test_a_span_is_open_where_nothing_is_said() -> None:
    assert Question().covers(date.min)
    span = Question(first=date(2026, 2, 2), last=date(2026, 2, 3))
    covered = [day for day in range(1, 6) if span.covers(date(2026, 2, day))]
    assert covered == [2, 3]


def test_the_charge_is_told_by_domain_and_day_only() -> None:
    assert Question().shows_charged
    assert Question(by=("day", "domain"), only={"domain": frozenset("a")}).shows_charged
    assert not Question(by=("domain", "host")).shows_charged
    assert not Question(only={"status": frozenset({"success"})}).shows_charged


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**63, "8.0 EiB"),
        (2**75, "32,768.0 EiB"),
    ],
)
def test_sizes_are_short_for_people(size: int, text: str) -> None:
    assert human_size(size) == text


@given(st.integers(0, 2**69))
def test_no_size_shows_as_1024_of_a_unit(size: int) -> None:
    assert not human_size(size).startswith("1,024.0")


def test_columns_stand_below_each_other() -> None:
    lines = list(aligned([["name", "n"], ["a", "10"], ["long.example", "7"]], 1))
    assert lines == ["name           n", "a             10", "long.example   7"]


def test_days_in_a_row_are_said_in_short() -> None:
    days = [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 3)]
    assert ranges(days) == "2026-02-27 to 2026-03-01, 2026-03-03"
    assert ranges([]) == ""
