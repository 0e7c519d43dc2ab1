"""What becomes known to be lacking of a day that was written as complete restates it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.days import newest_manifest, read_day
from mailtally_shared.errors import BadBatch
from mailtally_shared.schema import place_of
from mailtally_shared.state.known_gaps import LOST, KnownGaps
from mailtally_shared.state.read.late_days import pin_of
from mailtally_shared.state.settle import settle, unsettled
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from mailtally_shared.state.uncounted.quarantined import drop, kept_aside
from mailtally_shared.wire.status import LONGEST_SENTENCE
from tests.contract.test_day_writer import (
    DAY,
    MUCH_LATER,
    NAMES,
    NEXT_NOON,
    POLICY,
    UNREADABLE,
    Site,
    retired,
    unreadable,
)
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_aggregator.days.day_writer import DayWriter
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import Manifest
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

WHY = BadBatch("bad-checksum", "The payload is not the one that was announced.")


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path / "statistic")


@pytest.fixture
def writer(site: Site) -> DayWriter:
    """The writer of a site whose day of ten bytes was written as complete, and archived."""
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.archive()
    return writer


def newest(site: Site) -> Manifest:
    found = newest_manifest(site.directory, DAY)
    assert found is not None
    return found


def said(site: Site) -> tuple[int, bool, list[str]]:
    found = newest(site)
    return found.revision, found.complete, [each.reason for each in found.incomplete]


def lose(site: Site) -> None:
    site.state.hset(site.keys.missing(site.mail1.id), str(NOON // 3600), "7-9")


def keep_aside(site: Site) -> None:
    header = site.mail1.batch([Record(size=3)])
    header = header.model_copy(update={"time_min": NOON, "time_max": NOON})
    quarantine = Quarantine(site.state, site.keys, QuarantineLimits())
    assert quarantine.batch(header, b"junk", WHY, NOON, at_once=True) == "kept"


def test_a_log_found_unreadable_restates_a_complete_day_until_it_can_be_read(
    site: Site, writer: DayWriter
) -> None:
    unreadable(site, site.mail1, UNREADABLE)
    for _ in range(2):
        writer.tick(NEXT_NOON + 1)
    assert said(site) == (2, False, [UNREADABLE.sentence])
    assert site.charged() == {"example.com": 10}
    unreadable(site, site.mail1)
    for _ in range(2):
        writer.tick(NEXT_NOON + 2)
    assert said(site) == (3, True, [])


def test_the_longest_sentence_of_a_collector_is_named_whole_and_once(
    site: Site, writer: DayWriter
) -> None:
    longest = "x" * LONGEST_SENTENCE
    unreadable(site, site.mail1, UNREADABLE.model_copy(update={"sentence": longest}))
    for later in (1, 2, 2000):
        writer.tick(NEXT_NOON + later)
    assert said(site) == (2, False, [longest])


def test_a_batch_in_quarantine_restates_the_days_of_its_records_until_it_is_settled(
    site: Site, writer: DayWriter
) -> None:
    keep_aside(site)
    for _ in range(2):
        writer.tick(NEXT_NOON + 1)
    revision, complete, (reason,) = said(site)
    assert (revision, complete) == (2, False)
    assert "Batch 2 is in quarantine (bad-checksum)" in reason
    assert drop(site.state, site.keys, next(kept_aside(site.state, site.keys)))
    writer.tick(NEXT_NOON + 2)
    assert said(site) == (3, True, [])


def test_lost_batches_restate_a_complete_day_with_its_own_figures(
    site: Site, writer: DayWriter
) -> None:
    site.count([Record(size=5)])
    writer.tick(NEXT_NOON + 1)
    lose(site)
    for _ in range(3):
        writer.tick(NEXT_NOON + 2)
    assert said(site) == (3, False, [LOST])
    assert site.charged() == {"example.com": 15}
    assert site.state.hexists(site.keys.stopped, DAY.isoformat())
    site.state.delete(site.keys.missing(site.mail1.id))
    writer.tick(NEXT_NOON + 3)
    assert (said(site)[1:], site.charged()) == ((True, []), {"example.com": 15})
    assert not site.state.exists(site.keys.stopped)


def test_a_day_that_the_state_has_less_of_names_what_is_lacking_and_keeps_its_figures(
    site: Site, writer: DayWriter
) -> None:
    site.state.hset(site.keys.totals.day(DAY), mapping={"bytes": "0", "transferred": "0"})
    site.state.hset(site.keys.totals.day(DAY), mapping={"messages": "0"})
    site.state.delete(*[site.keys.totals.sums(DAY, place_of("mail1", "mail.example.net"))])
    unreadable(site, site.mail1, UNREADABLE)
    for _ in range(2):
        writer.tick(NEXT_NOON + 1)
    assert said(site)[1:] == (False, [UNREADABLE.sentence])
    assert site.charged() == {"example.com": 10}


def test_a_day_that_left_the_state_names_what_is_lost_and_takes_late_records_still(
    site: Site, calendar: Calendar
) -> None:
    writer = retired(site)
    lose(site)
    for _ in range(2):
        writer.tick(MUCH_LATER + 1)
    assert said(site) == (2, False, [LOST])
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 2)
    assert (said(site), site.charged()) == ((3, False, [LOST]), {"example.com": 13})
    before = unsettled(site.state, site.keys, DAY)
    pin = pin_of(site.directory, DAY)
    assert settle(site.state, site.keys, calendar, DAY, pin=pin, before=before)
    assert KnownGaps(site.state, site.keys, calendar).now() == ()


def test_a_gap_that_comes_and_goes_restates_no_day_more_often_than_late_lines_do(
    site: Site,
) -> None:
    site.count([Record(size=10)])
    calm = replace(POLICY, days=replace(POLICY.days, restate_after=60))
    writer = site.writer(calm)
    writer.tick(NEXT_NOON)
    unreadable(site, site.mail1, UNREADABLE)
    writer.tick(NEXT_NOON + 59)
    assert site.revision() == 1
    writer.tick(NEXT_NOON + 60)
    assert site.revision() == 2
    found = read_day(site.directory, NAMES).manifest
    assert found is not None
    assert not found.complete
