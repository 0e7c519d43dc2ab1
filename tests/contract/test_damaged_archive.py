"""A damaged file in the archive stops its own day, and no other."""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.days import DayNames, read_day
from mailtally_shared.days.names import LOADED
from mailtally_shared.state.read.totals import Totals
from tests.contract.test_day_writer import (
    DAY,
    MUCH_LATER,
    NAMES,
    NEXT_NOON,
    RETIRING,
    Site,
    retired,
)
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

BEFORE = NOON - 86_400
EARLIER = DayNames.of(date(2026, 2, 15))


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path / "statistic")


def stopped(site: Site) -> str:
    sentence = site.state.hget(site.keys.stopped, DAY.isoformat())
    return sentence.decode() if isinstance(sentence, bytes) else ""


@pytest.mark.parametrize("name", [NAMES.manifest, f"{NAMES.breakdown}.gz"])
def test_a_damaged_file_stops_its_day_names_itself_and_goes_on_once_restored(
    site: Site, name: str
) -> None:
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.archive()
    file = site.directory / LOADED / name
    sound = file.read_bytes()
    file.write_bytes(sound[: len(sound) // 2])
    site.count([Record(size=1), Record(size=7, time=BEFORE)])
    for _ in range(2):
        assert writer.tick(NEXT_NOON + 1)
    assert str(file) in stopped(site)
    assert "restore it from a backup" in stopped(site)
    assert not (site.directory / NAMES.qml).exists()
    (other,) = chain.from_iterable(read_day(site.directory, EARLIER).charged())
    assert (other.name, other.bytes) == ("example.com", 7)
    file.write_bytes(sound)
    writer.tick(NEXT_NOON + 2)
    assert (stopped(site), site.charged()) == ("", {"example.com": 11})


def test_a_day_whose_manifest_is_damaged_does_not_leave_the_state(site: Site) -> None:
    site.count([Record(size=10)])
    writer = site.writer(RETIRING)
    writer.tick(NEXT_NOON)
    site.archive()
    manifest = site.directory / LOADED / NAMES.manifest
    sound = manifest.read_bytes()
    manifest.write_bytes(b"{")
    assert writer.tick(MUCH_LATER)
    assert [each.day for each in Totals(site.state, site.keys).days()] == [DAY]
    assert str(manifest) in stopped(site)
    manifest.write_bytes(sound)
    writer.tick(MUCH_LATER + 1)
    assert (Totals(site.state, site.keys).days(), stopped(site)) == ([], "")


def test_a_damaged_archive_of_a_day_that_left_the_state_is_named(site: Site) -> None:
    writer = retired(site)
    file = site.directory / LOADED / f"{NAMES.breakdown}.gz"
    file.write_bytes(b"not gzip")
    site.count([Record(size=3), Record(size=7, time=NEXT_NOON)], watermark=MUCH_LATER)
    assert writer.tick(MUCH_LATER + 1)
    assert str(file) in stopped(site)
    assert read_day(site.directory, DayNames.of(date(2026, 2, 17))).manifest is not None
