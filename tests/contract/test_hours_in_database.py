"""Rows by hour in the database: the same on each, loaded and restated with the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from mailtally_loader.archive import archive
from mailtally_loader.crash_at import CrashAt
from mailtally_loader.judge import Verdict
from mailtally_loader.retention import HoursRetention, first_kept
from mailtally_loader.upsert import load
from mailtally_shared.billing.database_look import problems_of
from mailtally_shared.billing.engine import open_engine, reading, writing
from mailtally_shared.billing.tables import HOURLY, LOAD
from mailtally_shared.billing.upgrade import upgrade
from mailtally_shared.days import DayFacts, DayNames, Sums, read_day, write_day
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.errors import BadFile
from tests.support.day_sets import DAY, NAMES, hours_of, put_bare, put_set
from tests.support.hours_by_row import HourSums, as_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine, Table

pytest_plugins = ["tests.support.postgres"]

NOW = 1_770_000_000.0
SIZES = {"a.example": 5, "b.example": 7}
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    upgrade(opened)
    yield opened
    opened.dispose()


def rows(engine: Engine, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    chosen = [table.c[name] for name in columns] or list(table.c)
    with reading(engine) as connection:
        found = connection.execute(select(*chosen).order_by(*table.primary_key))
        return [tuple(row) for row in found]


def loaded(engine: Engine, directory: Path, names: DayNames = NAMES) -> Verdict:
    return load(engine, read_day(directory, names), now=NOW, step=lambda _: None)


def test_hours_are_loaded_with_their_day(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    assert loaded(engine, tmp_path) is Verdict.LOAD
    assert rows(engine, HOURLY) == [
        (DAY, "a.example", MIDNIGHT, "smtp-in", 1, 5, 5),
        (DAY, "b.example", MIDNIGHT, "smtp-in", 1, 7, 7),
    ]
    assert rows(engine, LOAD, "hours") == [("whole",)]


def test_both_hours_of_autumn_are_rows_of_their_own(engine: Engine, tmp_path: Path) -> None:
    day, zone = date(2026, 10, 25), ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, tzinfo=zone).astimezone(UTC)
    hours = [first, first + timedelta(hours=1)]
    each = [HourSums("a.example", int(hour.timestamp()), "imap", 1, 2, 2) for hour in hours]
    facts = DayFacts(day=day, timezone=zone.key, revision=1, complete=True)
    breakdown = [Sums("a.example", "m1", "m1", "imap", "success", 2, 4, 4)]
    assert write_day(tmp_path, facts, breakdown, Hours(as_columns(each), whole=True), now=NOW)
    loaded(engine, tmp_path, DayNames.of(day))
    assert rows(engine, HOURLY, "day", "hour") == [(day, hour) for hour in hours]


def test_restated_hours_replace_those_before(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    more = SIZES | {"a.example": 6, "c.example": 1}
    put_set(tmp_path, more, revision=2, hours=hours_of(more))
    assert loaded(engine, tmp_path) is Verdict.LOAD
    expected = [("a.example", 6), ("b.example", 7), ("c.example", 1)]
    assert rows(engine, HOURLY, "domain", "bytes") == expected


def test_a_revision_without_hours_removes_those_of_the_one_before(
    engine: Engine, tmp_path: Path
) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    put_set(tmp_path, SIZES, revision=2)
    assert loaded(engine, tmp_path) is Verdict.LOAD
    assert rows(engine, HOURLY) == []
    assert rows(engine, LOAD, "hours") == [("whole",), (None,)]


def test_a_bare_file_removes_them_as_well(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    put_bare(tmp_path / "bare", {"a.example": 1, "b.example": 1})
    assert loaded(engine, tmp_path / "bare") is Verdict.LOAD
    assert rows(engine, HOURLY) == []


def test_the_same_hours_called_partial_are_recorded(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    put_set(tmp_path, SIZES, revision=2, hours=hours_of(SIZES, whole=False))
    assert loaded(engine, tmp_path) is Verdict.RECORD
    assert rows(engine, LOAD, "hours") == [("whole",), ("partial",)]
    assert len(rows(engine, HOURLY)) == 2


def test_other_hours_under_the_same_revision_are_stale(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path / "one", SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path / "one")
    put_set(tmp_path / "two", SIZES, hours=hours_of({"a.example": 5}, whole=False))
    with pytest.raises(BadFile) as caught:
        loaded(engine, tmp_path / "two")
    assert caught.value.reason == "stale"


def test_a_day_and_its_hours_are_one_transaction(engine: Engine, tmp_path: Path) -> None:
    class Crash(Exception):
        pass

    def step(point: CrashAt) -> None:
        if point is CrashAt.ROWS_LOADED:
            raise Crash

    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    with pytest.raises(Crash):
        load(engine, read_day(tmp_path, NAMES), now=NOW, step=step)
    assert rows(engine, HOURLY) == rows(engine, LOAD) == []


def test_hours_are_removed_after_their_retention_and_other_rows_stay(
    engine: Engine, tmp_path: Path
) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    for day in days:
        put_set(tmp_path, SIZES, day=day, hours=hours_of(SIZES, day=day))
        loaded(engine, tmp_path, DayNames.of(day))
    end_of_second = (MIDNIGHT + timedelta(days=2)).timestamp()
    HoursRetention(engine, 0.0).apply(end_of_second * 2, 3)
    assert {row[0] for row in rows(engine, HOURLY, "day")} == set(days)
    retention = HoursRetention(engine, 86_400.0)
    retention.apply(end_of_second + 86_399, 3)
    assert {row[0] for row in rows(engine, HOURLY, "day")} == set(days[1:])
    retention.apply(end_of_second + 86_400, 3)
    assert {row[0] for row in rows(engine, HOURLY, "day")} == set(days[2:])
    assert len(rows(engine, LOAD)) == 3


def test_an_old_day_that_is_loaded_later_loses_its_hours_as_well(
    engine: Engine, tmp_path: Path
) -> None:
    retention = HoursRetention(engine, 86_400.0)
    retention.apply(NOW * 2, 0)
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    retention.apply(NOW * 2, 1)
    assert rows(engine, HOURLY) == []


def test_a_retention_longer_than_all_time_keeps_everything() -> None:
    assert first_kept(NOW, 1e18) == date(1970, 1, 1)


def test_no_rows_by_hour_are_whole_hours_too(engine: Engine, tmp_path: Path) -> None:
    put_set(tmp_path, {}, hours=Hours(HourRows.empty(), whole=True))
    loaded(engine, tmp_path)
    assert rows(engine, LOAD, "hours") == [("whole",)]


def test_rows_by_hour_that_are_not_those_of_the_file_are_found(
    engine: Engine, tmp_path: Path
) -> None:
    put_set(tmp_path, SIZES, hours=hours_of(SIZES))
    loaded(engine, tmp_path)
    day_set = read_day(tmp_path, NAMES)
    archive(day_set, tmp_path, lambda _: None)

    def problems() -> list[str]:
        with reading(engine) as connection:
            return problems_of(connection, tmp_path, {DAY: day_set.manifest})[DAY]

    assert problems() == []
    with writing(engine) as connection:
        connection.execute(update(HOURLY).where(HOURLY.c.domain == "a.example").values(bytes=6))
    assert problems() == [
        (
            "2026-02-01: mail_traffic_hourly has 2 rows, 2 messages, 13 bytes, 12 transferred, "
            "its file 2 rows, 2 messages, 12 bytes, 12 transferred."
        )
    ]
    HoursRetention(engine, 1.0).apply(NOW, 1)
    assert problems() == []
