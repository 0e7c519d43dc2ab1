"""A day's hours are written with it, and what is left of them once the state has them no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.days import read_day
from mailtally_shared.days.hour_rows import HourRows, Hours
from mailtally_shared.days.names import LOADED
from mailtally_shared.errors import Refused
from mailtally_shared.state.read.totals import Totals
from tests.contract.test_day_writer import MUCH_LATER, NAMES, NEXT_NOON, Site, retired
from tests.support.hours_by_row import HourSums, as_columns, as_rows
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import Book, StateKeys
    from mailtally_shared.state.read.totals import DayTotals

    Says = Callable[[Hours | None], None]


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path / "statistic")


@pytest.fixture
def the_state_holds(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Set what the state says of the hours of any day; that of the late book is not known."""
    read = Totals.read

    def holds(hours: Hours | None) -> None:
        def with_hours(self: Totals, day: date, book: Book | None = None, **_: bool) -> DayTotals:
            return replace(read(self, day, book), hours=None if book else hours)

        monkeypatch.setattr(Totals, "read", with_hours)

    return holds


def at_noon(size: int, *, messages: int = 1, whole: bool = True) -> Hours:
    row = HourSums("example.com", NOON, "smtp-in", messages, size, size)
    return Hours(as_columns([row]), whole)


def written(site: Site) -> tuple[str, list[HourSums]] | None:
    """Whether the newest files' hours are whole or partial, and their rows."""
    day_set = read_day(site.directory, NAMES)
    assert day_set.manifest
    if day_set.manifest.hours is None:
        return None
    rows = HourRows.joined(list(day_set.by_hour()))
    return day_set.manifest.hours.extent, as_rows(rows)


def test_the_hours_of_the_state_are_written_with_the_day(site: Site, the_state_holds: Says) -> None:
    site.count([Record(size=10)])
    the_state_holds(at_noon(10))
    site.writer().tick(NEXT_NOON)
    assert written(site) == ("whole", as_rows(at_noon(10).rows))


def test_without_hours_in_the_state_none_are_written(site: Site, the_state_holds: Says) -> None:
    site.count([Record(size=10)])
    the_state_holds(None)
    site.writer().tick(NEXT_NOON)
    assert written(site) is None


def test_whole_hours_that_do_not_add_up_are_never_written(
    site: Site, the_state_holds: Says
) -> None:
    site.count([Record(size=10)])
    the_state_holds(at_noon(9))
    with pytest.raises(Refused, match=r"for 16\.02\.2026\.qml\.hours\.csv add up to"):
        site.writer().tick(NEXT_NOON)
    assert not (site.directory / NAMES.qml).exists()


def test_a_late_line_after_the_hours_left_the_state_makes_the_written_ones_partial(
    site: Site, the_state_holds: Says
) -> None:
    site.count([Record(size=10)])
    the_state_holds(at_noon(10))
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.archive()
    the_state_holds(None)
    site.count([Record(size=1)])
    writer.tick(NEXT_NOON + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 11})
    assert written(site) == ("partial", as_rows(at_noon(10).rows))


def test_late_records_make_the_hours_of_a_closed_day_partial(
    site: Site, the_state_holds: Says
) -> None:
    the_state_holds(at_noon(10))
    writer = retired(site)
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 13})
    assert written(site) == ("partial", as_rows(at_noon(10).rows))


@pytest.mark.parametrize("damage", [b"damaged", None])
def test_lost_hours_of_a_day_are_said_and_delay_no_revision(
    site: Site,
    the_state_holds: Says,
    caplog: pytest.LogCaptureFixture,
    damage: bytes | None,
) -> None:
    the_state_holds(at_noon(10))
    writer = retired(site)
    archived = site.directory / LOADED / f"{NAMES.hours}.gz"
    archived.unlink()
    if damage:
        archived.write_bytes(damage)
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 1)
    assert (site.revision(), written(site)) == (2, None)
    assert "The hours of 2026-02-16, revision 1, are missing or damaged" in caplog.text
