"""What the commit script is asked is what was merged, whatever has to be mended."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from mailtally_shared.calendar import Calendar
from mailtally_shared.schema import names_of, place_of
from mailtally_shared.state.commit.merge import Reported, merge
from mailtally_shared.state.commit.request import (
    OVERFLOW,
    Additions,
    Caps,
    Mends,
    day_entries,
    ledger_entry,
)
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.packed_sums import unpack
from mailtally_shared.wire.announcement import BatchHeader
from tests.support.records import NONCE, NOON, Record, rows

UTC = Calendar(ZoneInfo("UTC"))
DAY = date(2026, 2, 16)
KEYS = StateKeys()
KEY = KEYS.totals.day(DAY)
RECORDS = [
    Record(domain="a.example", status="odd", size=10, attempts=2),
    Record(domain="b.example", size=5),
    Record(domain="b.example", size=1, host="other.example.net"),
]
INCREMENTS = merge([Reported(rows(RECORDS), {"collector": "mail.example.net"})], UTC)


def test_a_days_sums_are_those_of_its_places() -> None:
    (entry,) = day_entries(KEYS, Additions(INCREMENTS), Mends(), Caps())
    assert (entry["messages"], entry["bytes"], entry["transferred"]) == ("3", "16", "26")
    assert sorted(place["place"] for place in entry["places"]) == [
        place_of("mail.example.net", "mail.example.net"),
        place_of("mail.example.net", "other.example.net"),
    ]
    assert entry["statuses"] == ["odd"]
    assert "names" not in entry


def kinds(host: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    return {
        name: unpack([value]).kinds
        for name, value in zip(host["names"], host["values"], strict=True)
    }


def test_each_name_of_a_host_has_a_value_with_all_its_sums() -> None:
    (entry,) = day_entries(KEYS, Additions(INCREMENTS), Mends(), Caps())
    places = {names_of(place["place"])[1]: place for place in entry["places"]}
    assert kinds(places["mail.example.net"]) == {
        "a.example": [("smtp-in", "odd")],
        "b.example": [("smtp-in", "success")],
    }
    (value,) = places["other.example.net"]["values"]
    assert unpack([value]).quantities.tolist() == [[1], [1], [0]]
    assert entry["name_count"] == 3


def test_names_are_listed_only_when_they_are_asked_for() -> None:
    mends = Mends(list_names={KEY}, names={KEY: {"a.example"}})
    (entry,) = day_entries(KEYS, Additions(INCREMENTS), mends, Caps())
    assert entry["names"] == ["b.example"]
    assert kinds(entry["places"][0])[OVERFLOW] == [("smtp-in", "odd")]


def test_refused_statuses_are_called_other() -> None:
    mends = Mends(statuses={KEY: {"odd"}})
    (entry,) = day_entries(KEYS, Additions(INCREMENTS), mends, Caps())
    assert entry["statuses"] == []
    assert kinds(entry["places"][0])["a.example"] == [("smtp-in", "other")]


def test_a_closed_day_goes_into_the_late_book() -> None:
    later = merge([Reported(rows([Record(time=NOON + 86_400)]))], UTC)
    mends = Mends(closed_before="2026-02-17")
    late, current = day_entries(KEYS, Additions(INCREMENTS | later), mends, Caps())
    assert late["key"] == KEYS.late.day(DAY)
    assert current["key"] == KEYS.totals.day(date(2026, 2, 17))


def test_a_batch_in_quarantine_counts_no_records() -> None:
    header = BatchHeader(
        collector_id="0" * 32,
        epoch=1,
        nonce=NONCE,
        host="mail1",
        seq=1,
        lines=3,
        records=2,
        rows=2,
        malformed={"bad-date": 1},
        watermark=0,
        progress="{}",
        payload_key=KEYS.payload("0" * 32, 1, "0" * 32),
        payload_bytes=1,
        checksum="0" * 32,
    )
    counted = ledger_entry(KEYS, header, quarantined=False)["counts"]
    kept = ledger_entry(KEYS, header, quarantined=True)["counts"]
    assert counted == {"lines": "3", "records": "2", "malformed:bad-date": "1"}
    assert kept == {"lines": "3", "quarantined": "2", "malformed:bad-date": "1"}
