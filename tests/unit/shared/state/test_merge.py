"""Merging columns gives what adding the records up one by one gives."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.adding import SumOverflowError
from mailtally_shared.calendar import Calendar
from mailtally_shared.days.charging import NOT_HOSTED, parse_hosted
from mailtally_shared.rows import STEPS
from mailtally_shared.schema import MAX_SIZE, place_of
from mailtally_shared.state.commit.merge import (
    Increments,
    Reported,
    merge,
    rename,
)
from tests.support.records import NOON, Record, any_record, rows

UTC = Calendar(ZoneInfo("UTC"))
BERLIN = Calendar(ZoneInfo("Europe/Berlin"))
Sums = dict[tuple[object, ...], tuple[int, int, int]]


def plainly(records: list[Record], calendar: Calendar, collector: str | None = None) -> Sums:
    sums: dict[tuple[object, ...], Counter[str]] = {}
    for r in records:
        place = place_of(collector or r.host, r.host)
        key = (calendar.day_of(r.time), place, f"{r.domain}|{r.service.label}|{r.status}")
        entry = sums.setdefault(key, Counter())
        entry["messages"] += 1
        entry["bytes"] += r.size
        entry["extra"] += r.size * (max(r.attempts, 1) - 1)
    return {key: (c["messages"], c["bytes"], c["extra"]) for key, c in sums.items()}


def flat(increments: Increments) -> Sums:
    for increment in (each for places in increments.values() for each in places.values()):
        assert len(set(increment.keys)) == len(increment.keys), "the commit needs distinct keys"
    return {
        (day, place, key): (messages, size, extra)
        for day, places in increments.items()
        for place, increment in places.items()
        for key, messages, size, extra in increment.rows()
    }


@pytest.mark.parametrize("calendar", [UTC, BERLIN], ids=["UTC", "Berlin"])
@given(batches=st.lists(st.lists(any_record(), max_size=20), max_size=5))
def test_a_merge_equals_a_plain_sum(calendar: Calendar, batches: list[list[Record]]) -> None:
    together = [record for batch in batches for record in batch]
    merged = merge([Reported(rows(batch)) for batch in batches], calendar)
    assert flat(merged) == plainly(together, calendar)


@pytest.mark.parametrize("calendar", [UTC, BERLIN], ids=["UTC", "Berlin"])
@given(batches=st.lists(st.tuples(st.lists(any_record()), st.sampled_from(STEPS)), max_size=5))
def test_folded_records_come_to_the_same(
    calendar: Calendar, batches: list[tuple[list[Record], int]]
) -> None:
    together = [record for batch, _ in batches for record in batch]
    merged = merge([Reported(rows(batch, step)) for batch, step in batches], calendar)
    assert flat(merged) == plainly(together, calendar)


BATCHES = st.dictionaries(st.sampled_from(["m1", "m2", "m3"]), st.lists(any_record(), max_size=20))


@given(batches=BATCHES)
def test_what_a_collector_reported_is_kept_under_it(batches: dict[str, list[Record]]) -> None:
    merged = merge(
        [Reported(rows(records), {"collector": host}) for host, records in batches.items()], UTC
    )
    expected = [plainly(records, UTC, host) for host, records in batches.items()]
    assert flat(merged) == {key: sums for each in expected for key, sums in each.items()}


@given(st.lists(any_record(largest=MAX_SIZE), min_size=1, max_size=40))
def test_sums_beyond_the_precision_of_doubles_stay_exact(records: list[Record]) -> None:
    assert flat(merge([Reported(rows(records))], UTC)) == plainly(records, UTC)


def test_records_spread_over_all_times_are_merged() -> None:
    records = [Record(time=day * 86_400 * 97, domain=f"d{day}.example") for day in range(3000)]
    assert flat(merge([Reported(rows(records))], UTC)) == plainly(records, UTC)


def test_sums_that_would_wrap_around_are_refused() -> None:
    with pytest.raises(SumOverflowError):
        merge([Reported(rows([Record(size=MAX_SIZE, attempts=1)] * 600))], UTC)


def test_domains_that_are_charged_to_one_name_fall_together() -> None:
    hosted = parse_hosted("example.com\nother.example")
    records = [Record(domain="a.example.com"), Record(domain="example.com"), Record(domain="x.org")]
    merged = flat(merge([Reported(rows(records))], UTC, hosted.charged_name))
    assert {key[2]: sums[0] for key, sums in merged.items()} == {
        "example.com|smtp-in|success": 2,
        f"{NOT_HOSTED}|smtp-in|success": 1,
    }


def test_renaming_adds_up_what_falls_together() -> None:
    records = [Record(domain="a.example"), Record(domain="b.example", attempts=3), Record()]
    (increment,) = merge([Reported(rows(records))], UTC)[UTC.day_of(NOON)].values()
    renamed = rename(increment, lambda key: "all|imap|success" if "example|" in key else key)
    assert sorted(renamed.rows()) == [
        ("all|imap|success", 2, 2048, 2048),
        ("example.com|smtp-in|success", 1, 1024, 0),
    ]


def test_merging_nothing_gives_nothing() -> None:
    assert merge([Reported(rows([]))], UTC) == {}
