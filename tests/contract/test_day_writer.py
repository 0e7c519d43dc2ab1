"""Days become files: once complete, again when they change, by one writer at a time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.day_writer import DayWriter, WriterPolicy
from mailtally_aggregator.lease import Lease
from mailtally_aggregator.request import Batch
from mailtally_aggregator.totals import Totals
from mailtally_aggregator.watermark import DayPolicy
from mailtally_shared.day_files import DayNames, read_day
from mailtally_shared.day_files.names import LOADED
from mailtally_shared.errors import Refused
from tests.support.held_sums import alter
from tests.support.records import NOON, FakeCollector, Record, columns
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
NAMES = DayNames.of(DAY)
NEXT_NOON = NOON + 86_400
NEXT_MORNING = NOON + 13 * 3600
POLICY = WriterPolicy(days=DayPolicy(grace=0, restate_after=0))


class Site:
    """A cluster of one collector, a committer and a day writer."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        self.state, self.keys, self.calendar, self.directory = state, keys, calendar, directory
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)
        self.lease = Lease(state, keys, 60)

    def count(self, records: Sequence[Record], watermark: int = NEXT_NOON) -> None:
        header = self.mail1.batch(records, watermark=watermark)
        outcome = self.committer.apply([Batch(header, columns(records))], [], NOON)
        assert outcome.applied

    def writer(self, policy: WriterPolicy = POLICY, lease: Lease | None = None) -> DayWriter:
        return DayWriter(
            totals=Totals(self.state, self.keys),
            lease=lease or self.lease,
            keys=self.keys,
            calendar=self.calendar,
            directory=self.directory,
            policy=policy,
        )

    def charged(self) -> dict[str, int]:
        return {row.name: row.bytes for row in read_day(self.directory, NAMES).qml_rows()}

    def revision(self) -> int:
        manifest = read_day(self.directory, NAMES).manifest
        assert manifest is not None
        return manifest.revision

    def archive(self) -> None:
        """What a loader does with a day, as far as a writer sees it."""
        loaded = self.directory / LOADED
        loaded.mkdir(exist_ok=True)
        (self.directory / NAMES.manifest).rename(loaded / NAMES.manifest)
        for name in (NAMES.breakdown, NAMES.qml):
            (self.directory / name).unlink()


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path) -> Site:
    return Site(state, keys, calendar, tmp_path / "statistic")


def test_a_day_that_everybody_passed_is_written_complete(site: Site) -> None:
    site.count([Record(size=10), Record(domain="b.example", size=5)])
    assert site.writer().tick(NEXT_NOON)
    assert site.charged() == {"b.example": 5, "example.com": 10}
    manifest = read_day(site.directory, NAMES).manifest
    assert manifest is not None
    assert (manifest.revision, manifest.complete, manifest.missing_hosts) == (1, True, ())


def test_a_day_is_written_once_while_it_does_not_change(site: Site) -> None:
    site.count([Record()])
    writer = site.writer()
    for _ in range(3):
        writer.tick(NEXT_NOON)
    assert site.revision() == 1


def test_a_day_waits_for_its_collector(site: Site) -> None:
    site.count([Record()], watermark=NOON)
    site.writer().tick(NEXT_MORNING)
    assert not (site.directory / NAMES.qml).exists()


def test_a_missing_host_is_named_at_the_deadline_and_its_lines_restate_the_day(
    site: Site,
) -> None:
    policy = replace(POLICY, expected=("mail2",))
    site.count([Record(size=10)])
    late = NEXT_NOON + 86_400
    site.writer(policy).tick(late)
    manifest = read_day(site.directory, NAMES).manifest
    assert manifest is not None
    assert (manifest.complete, manifest.missing_hosts) == (False, ("mail2",))
    site.mail1 = FakeCollector(site.state, site.keys, "mail2")
    site.count([Record(size=7)])
    site.writer(policy).tick(late + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 17})


def test_late_lines_restate_a_day_also_after_it_was_archived(site: Site) -> None:
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.archive()
    site.count([Record(size=1)])
    writer.tick(NEXT_NOON + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 11})


def test_only_the_holder_of_the_lease_writes(site: Site) -> None:
    site.count([Record()])
    first, second = site.writer(), site.writer(lease=Lease(site.state, site.keys, 60))
    assert first.tick(NOON)
    assert not second.tick(NEXT_NOON)
    assert first.tick(NEXT_NOON)


def test_a_writer_that_lost_its_lease_cannot_take_a_revision(site: Site) -> None:
    lease = Lease(site.state, site.keys, 60)
    assert lease.hold()
    site.state.delete(site.keys.writer_lease)
    assert Lease(site.state, site.keys, 60).hold()
    assert lease.step("begin", day=site.keys.totals.day(DAY), above="0") is None


def test_an_expired_lease_passes_on(site: Site) -> None:
    assert Lease(site.state, site.keys, 0.001).hold()
    other = Lease(site.state, site.keys, 60)
    wait_until(other.hold)


def test_a_lease_is_renewed_in_time_and_not_all_the_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON)  # its moments come by the clock
    lease = Lease(site.state, site.keys, 60)
    assert lease.hold()
    written = site.state.info("persistence")["rdb_changes_since_last_save"]
    assert lease.hold()
    assert site.state.info("persistence")["rdb_changes_since_last_save"] == written
    site.state.pexpire(site.keys.writer_lease, 39_000)
    assert lease.hold()
    assert site.state.pttl(site.keys.writer_lease) > 59_000


def test_a_released_lease_passes_on(site: Site) -> None:
    first, second = Lease(site.state, site.keys, 60), Lease(site.state, site.keys, 60)
    assert first.hold()
    assert not second.hold()
    first.release()
    wait_until(second.hold)


def test_the_writer_notices_an_emptied_state_though_nothing_is_sent(site: Site) -> None:
    writer = site.writer()
    assert writer.tick(NOON)
    site.state.flushall()
    with pytest.raises(Refused, match="emptied"):
        writer.tick(NOON)


def test_totals_that_do_not_add_up_are_never_written(site: Site) -> None:
    site.count([Record()])
    alter(site.state, site.keys.totals.sums(DAY, "mail.example.net"), "example.com", size=1)
    with pytest.raises(Refused, match="do not add up"):
        site.writer().tick(NEXT_NOON)
    assert not (site.directory / NAMES.qml).exists()


def test_an_old_day_leaves_the_state_and_its_late_lines_are_kept_aside(site: Site) -> None:
    site.count([Record(size=10)])
    writer = site.writer(replace(POLICY, retention=86_400.0))
    writer.tick(NEXT_NOON)
    assert len(Totals(site.state, site.keys).days()) == 1
    writer.tick(NEXT_NOON + 2 * 86_400)
    assert Totals(site.state, site.keys).days() == []
    assert site.state.hget(site.keys.retired, "messages") == b"1"
    assert not site.state.keys("*totals:2026-02-16*")
    site.count([Record(size=3)])
    assert Totals(site.state, site.keys).days() == []
    assert Totals(site.state, site.keys).read(DAY, site.keys.late).bytes == 3


def test_a_day_that_changed_since_it_was_written_is_not_retired(site: Site) -> None:
    site.count([Record(size=10)])
    policy = replace(POLICY, retention=86_400.0, days=DayPolicy(grace=0, restate_after=9e9))
    site.writer(policy).tick(NEXT_NOON)
    site.count([Record(size=1)])
    quiet = replace(policy, days=replace(policy.days, restate_at_most=9e12, deadline=9e12))
    assert site.writer(quiet).tick(NEXT_NOON + 2 * 86_400)
    assert len(Totals(site.state, site.keys).days()) == 1


def test_a_state_restored_from_an_older_copy_writes_above_what_lies_in_the_directory(
    site: Site,
) -> None:
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.state.hdel(site.keys.totals.day(DAY), "revision", "written_changes", "written_at")
    site.count([Record(size=1)])
    writer.tick(NEXT_NOON + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 11})
