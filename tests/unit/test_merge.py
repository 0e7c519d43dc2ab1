"""Merging columns gives what adding the records up one by one gives."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_aggregator.hosted import NOT_HOSTED, parse_hosted
from mailtally_aggregator.merge import Increments, SumOverflowError, merge, rename
from mailtally_shared.calendar import Calendar
from mailtally_shared.columns import MAX_SIZE
from tests.support.records import NOON, Record, any_record, columns

UTC = Calendar(ZoneInfo("UTC"))
BERLIN = Calendar(ZoneInfo("Europe/Berlin"))
Sums = dict[tuple[object, ...], tuple[int, int, int]]


def plainly(records: list[Record], calendar: Calendar) -> Sums:
    sums: dict[tuple[object, ...], Counter[str]] = {}
    for r in records:
        key = (calendar.day_of(r.time), r.host, f"{r.domain}|{r.service.label}|{r.status}")
        entry = sums.setdefault(key, Counter())
        entry["messages"] += 1
        entry["bytes"] += r.size
        entry["extra"] += r.size * (max(r.attempts, 1) - 1)
    return {key: (c["messages"], c["bytes"], c["extra"]) for key, c in sums.items()}


def flat(increments: Increments) -> Sums:
    for increment in (increment for hosts in increments.values() for increment in hosts.values()):
        assert len(set(increment.keys)) == len(increment.keys), "the commit needs distinct keys"
    return {
        (day, host, key): (messages, size, extra)
        for day, hosts in increments.items()
        for host, increment in hosts.items()
        for key, messages, size, extra in increment.rows()
    }


@pytest.mark.parametrize("calendar", [UTC, BERLIN], ids=["UTC", "Berlin"])
@given(batches=st.lists(st.lists(any_record(), max_size=20), max_size=5))
def test_a_merge_equals_a_plain_sum(calendar: Calendar, batches: list[list[Record]]) -> None:
    together = [record for batch in batches for record in batch]
    merged = merge([columns(batch) for batch in batches], calendar)
    assert flat(merged) == plainly(together, calendar)


@given(st.lists(any_record(largest=MAX_SIZE), min_size=1, max_size=40))
def test_sums_beyond_the_precision_of_doubles_stay_exact(records: list[Record]) -> None:
    assert flat(merge([columns(records)], UTC)) == plainly(records, UTC)


def test_records_spread_over_all_times_are_merged() -> None:
    records = [Record(time=day * 86_400 * 97, domain=f"d{day}.example") for day in range(3000)]
    assert flat(merge([columns(records)], UTC)) == plainly(records, UTC)


def test_sums_that_would_wrap_around_are_refused() -> None:
    with pytest.raises(SumOverflowError):
        merge([columns([Record(size=MAX_SIZE, attempts=1)] * 600)], UTC)


def test_domains_that_are_charged_to_one_name_fall_together() -> None:
    hosted = parse_hosted("example.com\nother.example")
    records = [Record(domain="a.example.com"), Record(domain="example.com"), Record(domain="x.org")]
    merged = flat(merge([columns(records)], UTC, hosted.charged_name))
    assert {key[2]: sums[0] for key, sums in merged.items()} == {
        "example.com|smtp-in|success": 2,
        f"{NOT_HOSTED}|smtp-in|success": 1,
    }


def test_renaming_adds_up_what_falls_together() -> None:
    records = [Record(domain="a.example"), Record(domain="b.example", attempts=3), Record()]
    (increment,) = merge([columns(records)], UTC)[UTC.day_of(NOON)].values()
    renamed = rename(increment, lambda key: "all|imap|success" if "example|" in key else key)
    assert sorted(renamed.rows()) == [
        ("all|imap|success", 2, 2048, 2048),
        ("example.com|smtp-in|success", 1, 1024, 0),
    ]


def test_merging_nothing_gives_nothing() -> None:
    assert merge([columns([])], UTC) == {}
