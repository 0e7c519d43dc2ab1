"""The day writer keeps the hours in the state short, and for as long as they are needed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.days.day_writer import DayWriter
from mailtally_aggregator.days.hours_turn import KEPT
from mailtally_aggregator.policies import WriterPolicy
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.state.hours.compaction import MANY
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.totals import Totals
from tests.support.records import NOON, Record
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.read.live_day import LiveDay

DAY = date(2026, 2, 16)
END = NOON + 12 * 3600
#: Written as soon as they are over, whoever is missing.
AT_ONCE = WriterPolicy(days=DayPolicy(grace=0, deadline=0, restate_after=0))


class Disagreeing:
    """Clocks that do not agree, so that no day is closed."""

    def agree(self) -> bool:
        return False


class Site:
    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        self.state, self.keys = state, keys
        self.accounting = OnRedis(state, keys, calendar)
        self.mail1 = self.accounting.collector()
        self.writer = DayWriter(
            totals=Totals(state, keys),
            lease=Lease(state, keys, 3600),
            keys=keys,
            calendar=calendar,
            directory=directory,
            policy=AT_ONCE,
        )

    def count(self, *records: Record) -> None:
        assert self.accounting.send((self.mail1.batch(records), records)).applied

    def parts(self) -> int:
        return int(self.state.llen(self.keys.totals.hours(DAY)))

    def day(self) -> LiveDay:
        (day,) = self.accounting.days()
        return day


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path / "statistic")


def test_a_long_list_is_compacted_while_its_day_is_open(site: Site) -> None:
    for number in range(MANY):
        site.count(Record(size=number))
    assert site.writer.tick(NOON)
    assert site.parts() < MANY
    assert site.day().written_at is None
    hours = site.accounting.read(DAY).hours
    assert hours is not None
    assert hours.whole


def test_a_long_list_is_compacted_though_no_day_may_be_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.writer, "_clocks", Disagreeing())
    for number in range(MANY):
        site.count(Record(size=number))
    assert site.writer.tick(END + 1)
    assert site.parts() < MANY
    assert site.day().written_at is None


def test_a_written_day_has_one_part(site: Site) -> None:
    for number in range(3):
        site.count(Record(size=number))
    for now in (END + 1, END + 2):
        assert site.writer.tick(now)
    assert site.parts() == 1


def test_hours_stay_for_two_days_after_their_day_was_written(site: Site) -> None:
    site.count(Record())
    assert site.writer.tick(END + 1)
    for later in (2, KEPT):
        assert site.writer.tick(END + later)
        assert site.parts() == 1
    assert site.writer.tick(END + 1 + KEPT)
    assert site.parts() == 0
    assert (site.day().hours_whole, site.day().hours_left) == (True, True)


def test_hours_of_a_day_that_was_restated_stay_as_long_again(site: Site) -> None:
    site.count(Record())
    assert site.writer.tick(END + 1)
    site.count(Record())
    assert site.writer.tick(END + KEPT)
    assert site.writer.tick(END + KEPT + 1)
    assert site.parts() > 0
    assert not site.day().is_dirty
    assert site.writer.tick(END + 2 * KEPT)
    assert site.parts() == 0


def test_hours_of_held_records_are_compacted(site: Site) -> None:
    ahead = NOON + 10 * 365 * 86_400
    for number in range(MANY):
        site.count(Record(time=ahead, size=number))
    (held,) = site.accounting.held()
    assert site.writer.tick(NOON)
    assert site.state.llen(site.keys.held(site.mail1.id).hours(held.day)) < MANY
    found = site.accounting.read_held(site.mail1.id, held.day)
    assert found is not None
    assert found.hours is not None
    assert int(found.hours.messages.sum()) == MANY
