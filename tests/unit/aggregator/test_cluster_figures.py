"""The cluster's figures, made of ledgers and days."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally_aggregator.cluster_figures import (
    MOST_HOSTS,
    conservation_samples,
    day_samples,
    day_state,
    host_samples,
    line_samples,
    uncounted_samples,
)
from mailtally_shared.calendar import Calendar
from mailtally_shared.state.read.books import Books, Ledger, Quarantine
from mailtally_shared.state.read.live_day import LiveDay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.runtime.metrics.metric import Durations, Sample

UTC = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 1)
END = 1_769_990_400  # of DAY


def table(samples: Iterable[Sample]) -> dict[tuple[str, ...], float | Durations]:
    """Values by name without its prefix, and labels."""
    return {
        (sample.metric.name.removeprefix("mailtally_cluster_"), *sample.labels): sample.value
        for sample in samples
    }


def ledger(
    host: str, *, watermark: int = 0, lines: int = 0, records: int = 0, quarantined: int = 0
) -> Ledger:
    """Of a collector whose id is its host's name."""
    return Ledger(
        host, host, watermark=watermark, lines=lines, records=records, quarantined=quarantined
    )


def test_each_host_has_its_lag_behind_real_time() -> None:
    books = Books(
        ledgers=(ledger("m1", watermark=900), ledger("m2", watermark=2**40)),
        owners={"m1": "m1", "m2": "m2"},
    )
    found = table(host_samples(books, [], now=1000.0))
    assert found["hosts",] == 2
    assert found["host_lag_seconds", "m1"] == 100
    assert found["host_lag_seconds", "m2"] == 0  # read to the end of its input


def test_a_host_that_was_never_heard_has_no_lag_and_a_watermark_of_zero() -> None:
    found = table(host_samples(Books(owners={"m1": "id"}), ["m9"], now=1000.0))
    assert found["hosts",] == 2
    assert found["host_watermark_timestamp_seconds", "m1"] == 0
    assert found["host_watermark_timestamp_seconds", "m9"] == 0
    assert ("host_lag_seconds", "m9") not in found


def test_of_too_many_hosts_those_most_behind_are_shown() -> None:
    names = [f"m{n}" for n in range(MOST_HOSTS + 5)]
    books = Books(
        ledgers=tuple(ledger(name, watermark=n + 1) for n, name in enumerate(names)),
        owners={name: name for name in names},
    )
    found = table(host_samples(books, [], now=10_000.0))
    assert found["hosts",] == len(names)
    assert sum(key[0] == "host_lag_seconds" for key in found) == MOST_HOSTS
    assert ("host_lag_seconds", "m0") in found
    assert ("host_lag_seconds", names[-1]) not in found


def test_a_hosts_lines_are_those_of_all_collectors_it_ever_had() -> None:
    former = Ledger("a", "m1", lines=5, records=4, malformed={"nul": 1})
    present = Ledger("b", "m1", lines=7, records=5, malformed={"nul": 1, "empty": 1})
    found = table(line_samples([former, present]))
    assert found["lines_total", "m1"] == 12
    assert found["records_total", "m1"] == 9
    assert found["malformed_lines_total", "m1", "nul"] == 2
    assert found["malformed_lines_total", "m1", "empty"] == 1


def test_the_lines_of_too_many_hosts_are_one_series_and_none_is_lost() -> None:
    ledgers = [ledger(f"m{n}", lines=1000 - n, records=1000 - n) for n in range(MOST_HOSTS + 3)]
    found = table(line_samples(ledgers))
    lines = {key: value for key, value in found.items() if key[0] == "lines_total"}
    assert len(lines) == MOST_HOSTS + 1
    assert sum(map(float, lines.values())) == sum(each.lines for each in ledgers)  # type: ignore[arg-type]  # no histogram
    assert found["records_total", "other"] == found["lines_total", "other"]


def test_sums_that_hold_differ_by_nothing() -> None:
    books = Books(
        ledgers=(ledger("m1", lines=10, records=7, quarantined=3),),
        days=(LiveDay(DAY, messages=4),),
        late=(LiveDay(DAY, messages=1),),
        retired_messages=2,
    )
    found = table(conservation_samples(books))
    assert found == {
        ("conservation_difference", "lines"): 0,
        ("conservation_difference", "records"): 0,
    }


def test_what_is_missing_at_one_host_and_too_much_at_another_does_not_cancel_out() -> None:
    books = Books(ledgers=(ledger("m1", lines=10, records=8), ledger("m2", lines=6, records=8)))
    found = table(conservation_samples(books))
    assert found["conservation_difference", "lines"] == 4
    assert found["conservation_difference", "records"] == 16


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (LiveDay(DAY, changes=3), "awaited"),
        (LiveDay(DAY, changes=3, written_changes=3, complete=True), "final"),
        (LiveDay(DAY, changes=3, written_changes=2, complete=True), "changed"),
        (LiveDay(DAY, changes=3, written_changes=3), "incomplete"),
    ],
)
def test_a_day_that_is_over_has_a_state(day: LiveDay, state: str) -> None:
    assert day_state(day, END, now=END + 1) == state


def test_days_are_counted_by_state_and_every_state_is_there() -> None:
    days = [LiveDay(DAY, changes=1, bytes=5), LiveDay(date(2026, 2, 2), changes=1, bytes=6)]
    found = table(day_samples(days, UTC, now=END + 100))
    assert found["days", "awaited"] == 1
    assert found["days", "open"] == 1
    assert found["days", "final"] == 0
    assert found["mail_bytes",] == 11
    assert found["day_overdue_seconds",] == 100


def test_an_old_day_that_was_just_read_in_is_overdue_from_its_first_line_on() -> None:
    days = [LiveDay(DAY, changes=1, since=END + 10_000)]
    assert table(day_samples(days, UTC, now=END + 10_060))["day_overdue_seconds",] == 60


def test_without_days_nothing_is_overdue() -> None:
    assert table(day_samples([], UTC, now=END))["day_overdue_seconds",] == 0


def test_what_is_kept_aside_is_told() -> None:
    written = LiveDay(DAY, messages=5, changes=2, written_changes=2)  # in a revision
    books = Books(late=(LiveDay(DAY, messages=3), written), quarantine=Quarantine(2, 9))
    assert table(uncounted_samples(books)) == {
        ("late_records",): 3,
        ("held_records",): 0,
        ("stopped_days",): 0,
        ("quarantine_batches",): 2,
        ("quarantine_records",): 9,
        ("foreign_names",): 0,
    }
