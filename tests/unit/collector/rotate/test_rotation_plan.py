"""A log is due once a day or at its size, and only what was read is packed or deleted."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.rotate.plan import (
    Chore,
    LogFile,
    Schedule,
    chores,
    last_moment,
    moment_of_name,
    rotated_name,
)
from mailtally_collector.tail.discover import parse_name

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86_400.0
#: Midnight, UTC.
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC).timestamp()


def berlin(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp()


def test_a_daily_log_is_due_when_its_time_has_come_and_not_again_that_day() -> None:
    daily = Schedule(at=time(0, 30))
    since = MIDNIGHT
    assert not daily.is_due(1, since, MIDNIGHT + 0.5 * HOUR - 1, UTC)
    assert daily.is_due(1, since, MIDNIGHT + 0.5 * HOUR, UTC)
    assert not daily.is_due(1, MIDNIGHT + 0.5 * HOUR, MIDNIGHT + 24 * HOUR, UTC)
    assert daily.is_due(1, MIDNIGHT + 0.5 * HOUR, MIDNIGHT + 24.5 * HOUR, UTC)


def test_a_time_that_passed_while_nobody_was_there_is_made_up_for_once() -> None:
    daily = Schedule(at=time(4, 0))
    now = MIDNIGHT + 100 * HOUR
    assert daily.is_due(1, MIDNIGHT, now, UTC)
    assert not daily.is_due(1, now, now, UTC)


def test_a_log_is_due_at_its_size_whenever_it_was_rotated_last() -> None:
    by_size = Schedule(size=100)
    assert not by_size.is_due(99, 0.0, MIDNIGHT, UTC)
    assert by_size.is_due(100, MIDNIGHT, MIDNIGHT, UTC)


def test_an_empty_log_and_one_without_a_schedule_are_never_due() -> None:
    assert not Schedule(at=time(0, 0)).is_due(0, 0.0, MIDNIGHT, UTC)
    assert Schedule(at=time(0, 0)).has_come(0.0, MIDNIGHT, UTC)
    assert not Schedule().is_due(10**12, 0.0, MIDNIGHT, UTC)


def test_a_time_that_a_day_lacks_or_has_twice_comes_once() -> None:
    at = time(2, 30)
    assert last_moment(at, berlin("2026-03-29T12:00"), BERLIN) == berlin("2026-03-29T03:30")
    first, second = berlin("2026-10-25T02:30"), berlin("2026-10-25T02:30", fold=1)
    assert last_moment(at, first, BERLIN) == first
    assert last_moment(at, second + 1, BERLIN) == first


@given(
    at=st.times(),
    now=st.integers(0, 2**32),
    zone=st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Apia"), ZoneInfo("America/Sao_Paulo")]),
)
def test_the_last_moment_is_past_and_no_more_than_a_day_and_some_hours(
    at: time, now: int, zone: ZoneInfo
) -> None:
    assert 0 <= now - last_moment(at, now, zone) < DAY + 25 * HOUR


@given(moments=st.lists(st.integers(0, 2**33), min_size=2, max_size=20))
def test_names_sort_as_they_came_whatever_the_clock_does(moments: list[int]) -> None:
    names, last = [], 0
    for now in moments:
        last = moment_of_name(now, last)
        names.append(rotated_name("stats", last))
    assert sorted(set(names)) == names
    ages = [parse_name(name).age for name in names]
    assert sorted(ages) == ages
    assert {parse_name(name).stem for name in names} == {"stats"}


def log_files(*names: str, size: int = 1, read: bool = True) -> list[LogFile]:
    return [LogFile(f"/logs/{n}", size, n.endswith(".gz"), read) for n in names]


A, B, C = "stats-20261120000000", "stats-20261121000000", "stats-20261122000000"


def done(files: list[LogFile], keep: int = 9, *, compress: bool = True) -> list[tuple[str, str]]:
    found = chores(files, keep=keep, compress=compress)
    return [(chore.name, file.path.removeprefix("/logs/")) for chore, file in found]


def test_what_was_read_is_packed_and_what_is_beyond_the_limit_deleted() -> None:
    files = log_files(f"{A}.gz", B, C, "stats")
    assert done(files) == [("PACK", B), ("PACK", C)]
    assert done(files, keep=2) == [("REMOVE", f"{A}.gz"), ("PACK", B), ("PACK", C)]
    assert done(files, keep=1, compress=False) == [("REMOVE", f"{A}.gz"), ("REMOVE", B)]


def test_what_was_not_read_to_its_end_is_left_alone() -> None:
    assert done(log_files(A, B, read=False) + log_files("stats"), keep=1) == []


@pytest.mark.parametrize("newer", [[], log_files("stats", size=0)])
def test_the_newest_is_left_alone_while_nobody_writes_to_another(newer: list[LogFile]) -> None:
    assert done(log_files(A, B) + newer) == [("PACK", A)]


def test_files_that_others_have_rotated_are_left_alone_and_do_not_count() -> None:
    others = log_files("stats-20261119", "stats.3.gz", "stats-1795348800")
    assert done(others + log_files(A, "stats"), keep=1) == [("PACK", A)]


@given(
    read=st.lists(st.booleans(), max_size=12),
    packed=st.lists(st.booleans(), min_size=12, max_size=12),
    keep=st.integers(1, 12),
)
def test_so_many_stay_and_only_what_is_read_goes(
    read: list[bool], packed: list[bool], keep: int
) -> None:
    files = [
        LogFile(f"s-{20261100000000 + n}", 1, packed[n], is_read) for n, is_read in enumerate(read)
    ]
    removed = [
        file
        for chore, file in chores([*files, LogFile("s", 1, False, False)], keep=keep, compress=True)  # noqa: FBT003 - a file's two properties
        if chore is Chore.REMOVE
    ]
    assert all(file.is_read for file in removed)
    assert removed == [file for file in files[: max(0, len(files) - keep)] if file.is_read]
