"""A state that went back is known as such, also once its counter has caught up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.history import Pair, begin_history, covers, read_standing
from mailtally_shared.state.snapshot import restore_snapshot, take_snapshot
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

RECORDS = [Record(size=10)]


class Site:
    """A state with an aggregator, and copies of it."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        self.state, self.keys, self.directory = state, keys, directory
        open_state(state, keys, directory)
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)

    def count(self, committer: Committer | None = None) -> None:
        batch = Batch(self.mail1.batch(RECORDS), rows(RECORDS))
        assert (committer or self.committer).apply([batch], [], NOON).applied

    def go_back(self, copy: Path) -> None:
        self.state.flushall()
        restore_snapshot(self.state, self.keys, copy)
        self.mail1.seq = 0 if self.mail1.seq is None else self.mail1.seq

    def seen(self) -> Pair:
        now = read_standing(self.state, self.keys, None).now
        assert now is not None
        return now

    def covers(self, pair: Pair) -> bool:
        return read_standing(self.state, self.keys, pair).covers_memory


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path)


def test_each_commit_is_counted_and_each_opening_is_another_history(site: Site) -> None:
    first = site.seen()
    site.count()
    assert site.seen() == Pair(first.history, first.commits + 1)
    last = site.seen()
    open_state(site.state, site.keys, site.directory)
    assert site.seen().history != first.history
    assert site.covers(last)
    assert not site.covers(Pair(last.history, last.commits + 1))


def test_a_state_refilled_from_a_snapshot_does_not_hold_what_came_after_it(site: Site) -> None:
    site.count()
    before = site.seen()
    take_snapshot(site.state, site.keys, site.directory / SNAPSHOTS, NOON)
    site.count()
    after = site.seen()
    site.state.flushall()
    open_state(site.state, site.keys, site.directory)
    assert site.covers(before)
    assert not site.covers(after)


def test_a_counter_that_catches_up_after_a_rollback_hides_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.count()
    copy = take_snapshot(site.state, site.keys, site.directory / "copies", NOON)
    before = site.seen()
    site.count()
    lost = site.seen()
    site.go_back(copy)
    for _ in range(3):
        site.count()
    assert site.seen().commits > lost.commits
    assert site.covers(before)
    assert not site.covers(lost)
    assert sum("Redis went back to" in record.message for record in caplog.records) == 1


def test_a_second_aggregator_follows_the_history_that_the_first_began(
    site: Site, calendar: Calendar
) -> None:
    second = Committer(site.state, site.keys, calendar)
    copy = take_snapshot(site.state, site.keys, site.directory / "copies", NOON)
    site.count()
    site.count(second)
    lost = site.seen()
    site.go_back(copy)
    site.count()
    begun = site.seen().history
    site.count(second)
    assert site.seen().history == begun
    assert not site.covers(lost)


def test_a_state_that_went_back_before_its_last_opening_is_behind_as_well(site: Site) -> None:
    copy = take_snapshot(site.state, site.keys, site.directory / "copies", NOON)
    begin_history(site.state, site.keys)
    site.count()
    lost = site.seen()
    site.go_back(copy)
    site.count()
    site.count()
    assert not site.covers(lost)


@pytest.mark.parametrize(
    ("now", "ended_at", "whole"),
    [
        (Pair("a", 5), None, True),
        (Pair("a", 4), None, False),
        (Pair("b", 9), 5, True),
        (Pair("b", 9), 4, False),
        (Pair("b", 9), None, False),
        (None, None, False),
    ],
)
def test_what_a_state_holds_of_a_memory(
    now: Pair | None, ended_at: int | None, *, whole: bool
) -> None:
    assert covers(now, Pair("a", 5), ended_at) is whole


def test_without_a_memory_nothing_is_missed() -> None:
    assert covers(None, None, None)
