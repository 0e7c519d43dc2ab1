"""What the commit script is asked is what was merged, whatever has to be mended."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from mailtally_aggregator.merge import HostIncrement, merge
from mailtally_aggregator.request import OVERFLOW, Caps, Mends, day_entries, ledger_entry
from mailtally_shared.calendar import Calendar
from mailtally_shared.header import BatchHeader
from mailtally_shared.state.keys import StateKeys
from tests.support.records import NOON, Record, columns

UTC = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 16)
KEYS = StateKeys()
RECORDS = [
    Record(domain="a.example", status="odd", size=10, attempts=2),
    Record(domain="b.example", size=5),
    Record(domain="b.example", size=1, host="other.example.net"),
]
INCREMENTS = merge([columns(RECORDS)], UTC)


def test_a_days_sums_are_those_of_its_hosts() -> None:
    (entry,) = day_entries(KEYS, INCREMENTS, Mends(), Caps())
    assert (entry["messages"], entry["bytes"], entry["transferred"]) == ("3", "16", "26")
    assert sorted(host["host"] for host in entry["hosts"]) == [
        "mail.example.net",
        "other.example.net",
    ]
    assert entry["statuses"] == ["odd"]
    assert "names" not in entry


def test_only_keys_with_repeated_attempts_are_named_for_extra() -> None:
    (entry,) = day_entries(KEYS, INCREMENTS, Mends(), Caps())
    extra = {h["host"]: dict(zip(h["extra_keys"], h["extra"], strict=True)) for h in entry["hosts"]}
    assert extra == {
        "mail.example.net": {"a.example|smtp-in|odd": 10},
        "other.example.net": {},
    }


def test_names_are_listed_only_when_they_are_asked_for() -> None:
    mends = Mends(list_names={DAY}, names={DAY: {"a.example"}})
    (entry,) = day_entries(KEYS, INCREMENTS, mends, Caps())
    assert entry["names"] == ["b.example"]
    assert f"{OVERFLOW}|smtp-in|odd" in entry["hosts"][0]["keys"]


def test_refused_statuses_are_called_other() -> None:
    mends = Mends(statuses={DAY: {"odd"}})
    (entry,) = day_entries(KEYS, INCREMENTS, mends, Caps())
    assert entry["statuses"] == []
    assert "a.example|smtp-in|other" in entry["hosts"][0]["keys"]


def test_a_closed_day_goes_into_the_late_book() -> None:
    later = merge([columns([Record(time=NOON + 86_400)])], UTC)
    mends = Mends(closed_before="2026-02-17")
    late, current = day_entries(KEYS, INCREMENTS | later, mends, Caps())
    assert late["key"] == KEYS.late.day(DAY)
    assert current["key"] == KEYS.totals.day(date(2026, 2, 17))


def test_a_batch_in_quarantine_counts_no_records() -> None:
    header = BatchHeader(
        collector_id="0" * 32,
        epoch=1,
        host="mail1",
        seq=1,
        lines=3,
        records=2,
        malformed={"bad-date": 1},
        watermark=0,
        progress="{}",
        payload_key=KEYS.payload("0" * 32, 1),
        payload_bytes=1,
        checksum="0" * 32,
    )
    counted = ledger_entry(KEYS, header, quarantined=False)["counts"]
    kept = ledger_entry(KEYS, header, quarantined=True)["counts"]
    assert counted == {"lines": "3", "records": "2", "malformed:bad-date": "1"}
    assert kept == {"lines": "3", "quarantined": "2", "malformed:bad-date": "1"}


@pytest.mark.parametrize(("largest", "kind"), [(10**15 - 1, int), (10**15, str)])
def test_quantities_travel_as_numbers_where_lua_adds_them_exactly(largest: int, kind: type) -> None:
    increment = HostIncrement(["a.example|smtp-in|ok"], [1], [largest], [0])
    (entry,) = day_entries(KEYS, {DAY: {"mail.example.net": increment}}, Mends(), Caps())
    assert [type(n) for n in entry["hosts"][0]["bytes"]] == [kind]
