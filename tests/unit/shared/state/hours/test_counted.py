"""What is counted by hour is what a plain sum over the records says."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.calendar import Calendar
from mailtally_shared.rows import Rows
from mailtally_shared.schema import MAX_SIZE, Service
from mailtally_shared.state.commit.merge import Reported
from mailtally_shared.state.hours.counted import CountedHours, count_hours, joined
from tests.support.records import Record, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mailtally_shared.days.hour_rows import HourRows

BERLIN = Calendar(ZoneInfo("Europe/Berlin"))
#: 25 October 2026, on which the clock is put back at 3 o'clock.
LONG_DAY = 1_792_879_200

records = st.lists(
    st.builds(
        Record,
        time=st.integers(LONG_DAY - 7200, LONG_DAY + 27 * 3600),
        domain=st.sampled_from(["a.example", "b.example", "long.name.of.a.domain.example"]),
        service=st.sampled_from(Service),
        status=st.sampled_from(["success", "failure"]),
        size=st.integers(0, MAX_SIZE),
        attempts=st.integers(0, 3),
    ),
    max_size=20,
)


def flat(found: HourRows) -> dict[tuple[str, int, int], tuple[int, int, int]]:
    keys = zip(found.domain.tolist(), found.hour.tolist(), found.service.tolist(), strict=True)
    sums = zip(
        found.messages.tolist(), found.bytes.tolist(), found.transferred.tolist(), strict=True
    )
    named = ((name.decode(), hour, service) for name, hour, service in keys)
    return dict(zip(named, sums, strict=True))


def plainly(some: Sequence[Record]) -> dict[date, dict[tuple[str, int, int], tuple[int, int, int]]]:
    found: dict[date, dict[tuple[str, int, int], Counter[str]]] = {}
    for record in some:
        local = datetime.fromtimestamp(record.time, BERLIN.zone)
        begin = record.time - local.minute * 60 - local.second
        key = (record.domain, begin, int(record.service))
        found.setdefault(local.date(), {}).setdefault(key, Counter()).update(
            messages=1, bytes=record.size, transferred=record.size * max(record.attempts, 1)
        )
    return {
        day: {
            key: (sums["messages"], sums["bytes"], sums["transferred"])
            for key, sums in of_day.items()
        }
        for day, of_day in found.items()
    }


@given(batches=st.lists(records, max_size=4), step=st.sampled_from([1, 900, 3600]))
def test_hours_are_those_of_the_records(batches: list[list[Record]], step: int) -> None:
    reported = [Reported(rows(batch, step)) for batch in batches]
    counted = count_hours(reported, BERLIN)
    expected = plainly([record for batch in batches for record in batch])
    assert {day: flat(hours.rows()) for day, hours in counted.items()} == expected


def test_names_that_are_charged_alike_are_one() -> None:
    some = [Record(domain="alias.example", size=1), Record(domain="main.example", size=2)]
    (hours,) = count_hours([Reported(rows(some))], BERLIN, lambda _: "main.example").values()
    assert list(flat(hours.rows()).values()) == [(2, 3, 3)]


def test_refused_names_are_counted_together() -> None:
    some = [Record(domain=f"{name}.example", size=1) for name in "abc"]
    (hours,) = count_hours([Reported(rows(some))], BERLIN).values()
    found = flat(hours.renamed({"b.example", "c.example"}, "(overflow)").rows())
    assert {name: sums for (name, *_), sums in found.items()} == {
        "(overflow)": (2, 2, 2),
        "a.example": (1, 1, 1),
    }


@given(batches=st.lists(records, max_size=4))
def test_sums_of_parts_are_those_of_all(batches: list[list[Record]]) -> None:
    parts = [
        part for batch in batches for part in count_hours([Reported(rows(batch))], BERLIN).values()
    ]
    whole = count_hours([Reported(rows([r for batch in batches for r in batch]))], BERLIN)
    expected = {key: sums for part in whole.values() for key, sums in flat(part.rows()).items()}
    found = joined(parts).rows()
    assert flat(found) == flat(CountedHours.of(found).rows()) == expected


def test_sums_up_to_63_bits_are_exact() -> None:
    part = next(iter(count_hours([Reported(rows([Record(size=MAX_SIZE)] * 3))], BERLIN).values()))
    grown = joined([part])
    while int(grown.bytes[0]) < 2**62:
        grown = joined([grown, grown])
    assert int(grown.bytes[0]) % MAX_SIZE == 0


@pytest.mark.parametrize("batches", [[], [Reported(Rows.empty())]])
def test_without_a_record_there_are_no_hours(batches: list[Reported]) -> None:
    assert count_hours(batches, BERLIN) == {}
    assert len(joined([]).rows()) == 0
