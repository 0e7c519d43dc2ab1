"""``mailtally report --by hour``: from database and state; what is unknown is never zero."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from mailtally.commands.report import report
from mailtally_loader.retention import HoursRetention
from mailtally_shared.billing.engine import open_engine
from mailtally_shared.days import DayFacts, DayNames, Sums, write_day
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.read.totals import Totals
from tests.support.day_sets import hours_of, put_bare, put_set
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.hours_by_row import HourSums, as_columns
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import Book
    from mailtally_shared.state.read.totals import DayTotals

MORNING_AFTER = NOON + 86_400
AUTUMN = date(2026, 10, 25)
SIZES = {"a.example": 5, "b.example": 7}


@pytest.fixture
def state(empty_redis: EmbeddedRedis) -> Iterator[State]:
    with connect_state(empty_redis.state_url) as client:
        yield client


@pytest.fixture
def site(
    state: State,
    database_url: str,
    tmp_path: Path,
    empty_redis: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
) -> HandDrivenSite:
    made = HandDrivenSite(state, tmp_path, database_url)
    made.put_into_environment(empty_redis.state_url, monkeypatch)
    return made


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(report, arguments)
    assert result.exit_code == code, result.output
    return result


def document(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run("--format", "json", *arguments).stdout)
    return read


def put_autumn(directory: Path) -> None:
    """A day of 25 hours: a message in each of the two that the clock shows as 02:00."""
    zone = ZoneInfo("Europe/Berlin")
    first = 1_792_886_400  # 2026-10-25 00:00 UTC
    each = [
        HourSums("a.example", first, "imap", 1, 10, 10),
        HourSums("a.example", first + 3600, "imap", 1, 20, 20),
        HourSums("b.example", first, "smtp-in", 1, 3, 3),
    ]
    facts = DayFacts(day=AUTUMN, timezone=zone.key, revision=1, complete=True)
    breakdown = [
        Sums("a.example", "m1", "m1", "imap", "success", 2, 30, 30),
        Sums("b.example", "m1", "m1", "smtp-in", "success", 1, 3, 3),
    ]
    assert write_day(directory, facts, breakdown, Hours(as_columns(each), whole=True), now=NOON)


def test_both_hours_of_autumn_are_shown_with_their_offset_and_in_order(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_autumn(site.statistic_dir)
    site.load(MORNING_AFTER)
    monkeypatch.setenv("MAILTALLY_TIMEZONE", "Europe/Berlin")
    assert run("--by", "hour", "--no-live").stdout.splitlines() == [
        "hour                       messages  bytes  transferred",
        "2026-10-25T02:00:00+02:00         2     13           13",
        "2026-10-25T02:00:00+01:00         1     20           20",
        "total                             3     33           33",
    ]
    found = document("--by", "hour,service", "--domain", "a.example", "--no-live")
    rows = [(row["hour"][11:], row["service"], row["bytes"]) for row in found["rows"]]
    assert rows == [("02:00:00+02:00", "imap", 10), ("02:00:00+01:00", "imap", 20)]
    assert (found["total"]["bytes"], found["days"][0]["hours"]) == (30, "whole")
    shown = run("--by", "day,hour,domain", "--service", "smtp-in", "--format", "csv", "--no-live")
    assert list(csv.reader(io.StringIO(shown.stdout)))[1:] == [
        ["2026-10-25", "2026-10-25T02:00:00+02:00", "b.example", "loaded", "1", "3", "3"]
    ]
    top = document("--by", "hour", "--top", "1", "--no-live")
    assert [row["hour"] for row in top["rows"]] == ["2026-10-25T02:00:00+01:00"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--by", "hour,host"), "Hours are counted by domain and service, not by host"),
        (("--by", "hour", "--collector", "m1"), "not by collector"),
        (("--by", "hour,status", "--host", "m1"), "not by host or status"),
        (("--by", "hour", "--sort", "charged"), "Hours are counted, not charged"),
    ],
)
def test_what_hours_do_not_hold_is_refused_with_the_reason(
    arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in run(*arguments, code=2).stderr


def test_days_whose_hours_are_partial_or_not_held_are_named_and_never_zero(
    site: HandDrivenSite,
) -> None:
    days = [date(2026, 2, number) for number in range(1, 5)]
    put_set(site.statistic_dir, SIZES, day=days[0], hours=hours_of(SIZES, day=days[0]))
    partial = hours_of({"a.example": 5}, day=days[1], whole=False)
    put_set(site.statistic_dir, SIZES, day=days[1], hours=partial)
    put_set(site.statistic_dir, SIZES, day=days[2])
    put_set(site.statistic_dir, {}, day=days[3], hours=Hours(HourRows.empty(), whole=True))
    site.load(MORNING_AFTER)
    found = document("--by", "hour")
    assert [day["hours"] for day in found["days"]] == ["whole", "partial", None, "whole"]
    assert found["total"]["bytes"] == 17
    sentences = [
        (
            "Incomplete: 2026-02-03 without hours: they were not counted, are not known any more, "
            "or were removed after hours_retention."
        ),
        "Incomplete: 2026-02-02 with partial hours: some records are in none of them.",
    ]
    assert found["incomplete"] == sentences
    assert run("--by", "hour").stdout.splitlines()[-2:] == sentences
    assert all(each in run("--by", "hour", "--format", "csv").stderr for each in sentences)
    alone = document("--by", "hour", "--day", "2026-02-03")
    assert (alone["rows"], alone["total"]) == ([], None)
    shown = run("--by", "hour", "--day", "2026-02-03").stdout
    assert shown.startswith("No hours of these days are held.")
    quiet = document("--by", "hour", "--day", "2026-02-04")
    assert (quiet["total"]["messages"], quiet["incomplete"]) == (0, [])
    assert "hours" not in document()["days"][0]


def test_hours_that_were_removed_after_their_retention_are_not_zero(site: HandDrivenSite) -> None:
    put_set(site.statistic_dir, SIZES, hours=hours_of(SIZES))
    put_bare(site.statistic_dir, {"a.example": 1}, names=DayNames.of(date(2026, 2, 2)))
    site.load(MORNING_AFTER)
    assert [day["hours"] for day in document("--by", "hour")["days"]] == ["whole", None]
    engine = open_engine(site.database_url)
    HoursRetention(engine, 1.0).apply(MORNING_AFTER, 1)
    engine.dispose()
    found = document("--by", "hour")
    assert [day["hours"] for day in found["days"]] == [None, None]
    assert found["total"] is None
    assert document()["total"]["messages"] == 2


def test_live_days_are_answered_from_the_state(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Totals.read
    hours: dict[str, Hours | None] = {}

    def with_hours(self: Totals, day: date, book: Book | None = None, **_: bool) -> DayTotals:
        return replace(read(self, day, book), hours=hours.get(day.isoformat()))

    monkeypatch.setattr(Totals, "read", with_hours)
    row = HourSums("example.com", NOON, "smtp-in", 1, 10, 10)
    other = row._replace(domain="other.example", service="imap", hour=NOON + 3600)
    hours["2026-02-16"] = Hours(as_columns([row, other]), whole=False)
    site.count([Record(size=10), Record(size=10, time=NOON + 86_400)], passed=NOON + 86_400)
    found = document("--by", "hour,service")
    assert [(row["hour"], row["service"], row["bytes"]) for row in found["rows"]] == [
        ("2026-02-16T12:00:00+00:00", "smtp-in", 10),
        ("2026-02-16T13:00:00+00:00", "imap", 10),
    ]
    assert [(day["source"], day["hours"]) for day in found["days"]] == [
        ("live", "partial"),
        ("live", None),
    ]
    only = document("--by", "hour", "--service", "imap", "--domain", "other.example")
    assert only["total"]["messages"] == 1


def test_a_loaded_day_whose_hours_left_the_state_is_answered_from_the_database(
    site: HandDrivenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Totals.read
    held: list[Hours | None] = [
        Hours(as_columns([HourSums("example.com", NOON, "smtp-in", 1, 10, 10)]), whole=True)
    ]

    def with_hours(self: Totals, day: date, book: Book | None = None, **_: bool) -> DayTotals:
        return replace(read(self, day, book), hours=held[0])

    monkeypatch.setattr(Totals, "read", with_hours)
    site.count([Record(size=10)], passed=MORNING_AFTER)
    site.write(MORNING_AFTER)
    site.load(MORNING_AFTER)
    live, loaded = (document("--by", "hour", *live) for live in (("--live",), ()))
    assert live["rows"] == loaded["rows"]
    assert (live["days"][0]["source"], loaded["days"][0]["source"]) == ("live", "loaded")
    held[0] = None
    found = document("--by", "hour", "--live")
    assert (found["rows"], found["days"][0]["source"]) == (loaded["rows"], "loaded")
