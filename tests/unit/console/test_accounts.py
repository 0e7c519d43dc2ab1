"""Totals in memory add up like those in the state, caps included."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally.commands.analyze_accounts import Accounts
from mailtally_shared.calendar import Calendar
from mailtally_shared.errors import Refused
from mailtally_shared.state.commit.merge import Reported, merge
from mailtally_shared.state.commit.request import OVERFLOW, Additions, Caps
from mailtally_shared.state.hours.counted import count_hours
from tests.support.hours_by_row import as_rows
from tests.support.records import Record, any_record, rows

UTC = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 16)


def added(batch: list[Record]) -> Additions:
    reported = [Reported(rows(batch))]
    return Additions(merge(reported, UTC), count_hours(reported, UTC))


def accounts(batches: list[list[Record]], caps: Caps | None = None) -> Accounts:
    made = Accounts(caps or Caps())
    for batch in batches:
        made.add(added(batch))
    return made


@given(st.lists(st.lists(any_record(), max_size=10), max_size=5))
def test_adding_in_pieces_equals_adding_at_once(batches: list[list[Record]]) -> None:
    whole = accounts([[record for batch in batches for record in batch]])
    pieces = accounts(batches)
    assert pieces.days() == whole.days()
    for day in whole.days():
        assert list(pieces.rows(day)) == list(whole.rows(day))
        hours, at_once = pieces.hours(day), whole.hours(day)
        assert hours
        assert at_once
        assert as_rows(hours.rows) == as_rows(at_once.rows)
        assert hours.rows.sums() == whole.rows(day).sums()


def test_names_beyond_the_cap_are_charged_to_overflow() -> None:
    batches = [[Record(domain="a.example")], [Record(domain=f"{c}.example") for c in "abc"]]
    sums = list(accounts(batches, Caps(names=2)).rows(DAY))
    assert {row.domain: row.messages for row in sums} == {
        "a.example": 2,
        "b.example": 1,
        OVERFLOW: 1,
    }
    hours = accounts(batches, Caps(names=2)).hours(DAY)
    assert hours
    assert {row.domain: row.messages for row in as_rows(hours.rows)} == {
        "a.example": 2,
        "b.example": 1,
        OVERFLOW: 1,
    }


def test_unknown_statuses_beyond_the_cap_are_called_other() -> None:
    batches = [[Record(status=s) for s in ("odd1", "odd2", "success")], [Record(status="odd2")]]
    sums = list(accounts(batches, Caps(statuses=1)).rows(DAY))
    assert {row.status: row.messages for row in sums} == {"odd1": 1, "other": 2, "success": 1}


def test_a_day_beyond_63_bits_is_refused_and_another_is_not_added_to_it() -> None:
    half = Record(size=2**61)
    made = accounts([[half]] * 3)
    made.add(added([replace(half, time=half.time + 86_400)]))
    assert [row.bytes for row in made.rows(DAY)] == [3 * 2**61]
    with pytest.raises(Refused, match="more than 2"):
        made.add(added([half]))
