"""Days become files: once complete, again when they change, by one writer at a time."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from mailtally_aggregator.days.clock_watch import ClockWatch
from mailtally_aggregator.days.day_writer import DayWriter
from mailtally_aggregator.policies import WriterPolicy
from mailtally_shared.days import ChargingPolicy, DayNames, newest_revision, read_day
from mailtally_shared.days.manifest import Incomplete
from mailtally_shared.days.names import LOADED
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.clock import VARIABLE, Clock
from mailtally_shared.schema import place_of
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.history import begin_history, redis_time
from mailtally_shared.state.last_seen import Memory, remembered_state
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.settle import settle, unsettled
from mailtally_shared.wire.announcement import Heartbeat
from mailtally_shared.wire.status import StatusDocument, Trouble, render
from tests.support.held_sums import alter
from tests.support.records import NOON, FakeCollector, Record, rows
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


UNREADABLE = Trouble(kind="unreadable", path="/log", sentence="/log cannot be read: no.")


class Site:
    """A cluster of one collector, a committer and a day writer."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        self.state, self.keys, self.calendar, self.directory = state, keys, calendar, directory
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)
        self.lease = Lease(state, keys, 60)

    def count(self, records: Sequence[Record], watermark: int = NEXT_NOON) -> None:
        header = self.mail1.batch(records, watermark=watermark)
        outcome = self.committer.apply([Batch(header, rows(records))], [], NOON)
        assert outcome.applied

    def writer(
        self,
        policy: WriterPolicy = POLICY,
        lease: Lease | None = None,
        clocks: ClockWatch | None = None,
    ) -> DayWriter:
        return DayWriter(
            totals=Totals(self.state, self.keys),
            lease=lease or self.lease,
            keys=self.keys,
            calendar=self.calendar,
            directory=self.directory,
            policy=policy,
            clocks=clocks,
        )

    def charged(self) -> dict[str, int]:
        return {
            row.name: row.bytes
            for rows in read_day(self.directory, NAMES).charged()
            for row in rows
        }

    def revision(self) -> int:
        manifest = read_day(self.directory, NAMES).manifest
        assert manifest is not None
        return manifest.revision

    def archive(self) -> None:
        """What a loader does with a day, as far as a writer sees it."""
        loaded = self.directory / LOADED
        loaded.mkdir(exist_ok=True)
        (self.directory / NAMES.manifest).rename(loaded / NAMES.manifest)
        for name in filter(lambda one: (self.directory / one).exists(), NAMES.all):
            packed = gzip.compress((self.directory / name).read_bytes())
            (loaded / f"{name}.gz").write_bytes(packed)
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


def unreadable(site: Site, collector: FakeCollector, *troubles: Trouble) -> None:
    """Let a collector say what it cannot read."""
    status = render(StatusDocument(troubles=troubles))
    beat = Heartbeat(
        collector_id=collector.id,
        epoch=collector.epoch,
        nonce=collector.nonce,
        host=collector.host,
        after_seq=0,
        watermark=0,
        status=status,
    )
    site.committer.apply([], [beat], NOON)


def test_a_day_of_which_a_log_cannot_be_read_is_not_complete_until_it_can(site: Site) -> None:
    site.count([Record(size=10)])
    unreadable(site, site.mail1, UNREADABLE)
    writer = site.writer()
    for _ in range(2):
        writer.tick(NEXT_NOON)
    first = read_day(site.directory, NAMES).manifest
    assert first is not None
    assert (first.revision, first.complete, first.missing_hosts) == (1, False, ())
    assert first.incomplete == (Incomplete(host="mail1", reason=UNREADABLE.sentence),)
    unreadable(site, site.mail1)
    for _ in range(2):
        writer.tick(NEXT_NOON)
    second = read_day(site.directory, NAMES).manifest
    assert second is not None
    assert (second.revision, second.complete, second.incomplete) == (2, True, ())


@pytest.mark.parametrize(
    "elsewhere",
    [{"since": NEXT_MORNING}, {"until": NOON - 86_400}],
    ids=["later", "earlier"],
)
def test_a_day_that_an_unreadable_log_cannot_hold_lines_of_is_complete(
    site: Site, elsewhere: dict[str, int]
) -> None:
    site.count([Record(size=10)])
    unreadable(site, site.mail1, UNREADABLE.model_copy(update=elsewhere))
    site.writer().tick(NEXT_NOON)
    found = read_day(site.directory, NAMES).manifest
    assert found is not None
    assert found.complete


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
    assert lease.begin(site.keys.totals, DAY, 0) is None


def test_no_two_hold_the_lease_after_redis_went_back(site: Site) -> None:
    first = Lease(site.state, site.keys, 60)
    older = {key: site.state.dump(key) or b"" for key in site.state.scan_iter()}
    assert first.hold()
    site.state.flushdb()
    for key, dump in older.items():
        site.state.restore(key, 0, dump)
    assert Lease(site.state, site.keys, 60).hold()
    assert not first.hold()
    assert first.begin(site.keys.totals, DAY, 0) is None


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
    alter(
        site.state,
        site.keys.totals.sums(DAY, place_of("mail1", "mail.example.net")),
        "example.com",
        size=1,
    )
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


@pytest.mark.parametrize("archived", [False, True])
def test_a_state_that_went_back_does_not_lower_a_day_and_the_others_go_on(
    site: Site, caplog: pytest.LogCaptureFixture, *, archived: bool
) -> None:
    site.count([Record(size=10, domain="a.example"), Record(size=5)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    if archived:
        site.archive()
    site.state.delete(*site.state.keys("*2026-02-16*"))
    site.count([Record(size=1000)])
    site.count([Record(size=3, time=NOON - 86_400)])
    for _ in range(2):
        writer.tick(NEXT_NOON + 1)
    assert newest_revision(site.directory, DAY) == 1
    assert newest_revision(site.directory, DAY - timedelta(days=1)) == 1
    stopped = [r for r in caplog.records if "is not written" in r.message]
    assert len(stopped) == 1
    assert "mail1" in stopped[0].message


def test_a_stopped_day_goes_on_once_the_state_holds_as_much_again(site: Site) -> None:
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.state.delete(*site.state.keys("*2026-02-16*"))
    site.count([Record(size=3)])
    writer.tick(NEXT_NOON + 1)
    assert (site.revision(), is_stopped(site)) == (1, True)
    site.count([Record(size=10)])
    assert not is_stopped(site)  # not judged yet as it is now
    writer.tick(NEXT_NOON + 2)
    assert (site.charged(), is_stopped(site)) == ({"example.com": 13}, False)


def test_a_stopped_day_is_named_again_where_the_state_forgot_that(site: Site) -> None:
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.state.delete(*site.state.keys("*2026-02-16*"))
    site.count([Record(size=3)])
    for _ in range(2):
        writer.tick(NEXT_NOON + 1)
        assert is_stopped(site)
        assert site.state.hdel(site.keys.stopped, DAY.isoformat())
        site.state.hdel(site.keys.totals.day(DAY), "stopped_changes")


def is_stopped(site: Site) -> bool:
    (day,) = Totals(site.state, site.keys).days()
    return day.is_stopped


def test_a_changed_policy_may_lower_what_is_charged(site: Site) -> None:
    site.count([Record(size=10), Record(size=5, status="timeout")])
    site.writer().tick(NEXT_NOON)
    site.count([Record(size=1)])
    charging = ChargingPolicy(charged_statuses=("success",))
    site.writer(replace(POLICY, charging=charging)).tick(NEXT_NOON + 1)
    assert site.charged() == {"example.com": 11}


@pytest.mark.parametrize("days", [-400, 1, 60, 400])
def test_a_day_writer_whose_clock_is_off_closes_no_day(
    site: Site, days: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shift = tmp_path / "shift"
    monkeypatch.setenv(VARIABLE, str(shift))
    clock = Clock()
    site.count([Record(time=int(clock.wall()))], watermark=int(clock.wall()))
    told = int(redis_time(site.state))
    site.state.hset(site.keys.ledger(site.mail1.id), mapping={"clock": told, "state_clock": told})
    watch = ClockWatch(site.state, site.keys, clock, settle=0.0)
    shift.write_text(str(days * 86_400))
    assert not watch.agree()
    assert b"the day writer is" in (site.state.get(site.keys.writer_clocks) or b"")
    writer = site.writer(clocks=watch)
    assert writer.tick(clock.wall())
    assert not list(site.directory.glob("*.qml.txt"))
    assert site.state.get(site.keys.closed_before) is None
    shift.write_text("0")
    assert watch.agree()
    assert site.state.get(site.keys.writer_clocks) is None


def test_without_any_collector_days_are_closed_only_after_a_while(site: Site) -> None:
    assert ClockWatch(site.state, site.keys, Clock(), settle=0.0).agree()
    assert not ClockWatch(site.state, site.keys, Clock(), settle=900.0).agree()


def test_what_another_day_writer_said_of_the_clocks_ends_once_they_agree(site: Site) -> None:
    first, second = (ClockWatch(site.state, site.keys, Clock(), settle=s) for s in (0.0, 900.0))
    assert first.agree()
    assert not second.agree()
    assert site.state.exists(site.keys.writer_clocks)
    assert first.agree()  # it has the lease again
    assert not site.state.exists(site.keys.writer_clocks)


def test_what_is_said_of_the_clocks_outlives_a_state_that_goes_back(site: Site) -> None:
    watch = ClockWatch(site.state, site.keys, Clock(), settle=900.0)
    for _ in range(2):
        assert not watch.agree()
        assert site.state.delete(site.keys.writer_clocks)


RETIRING = replace(POLICY, retention=86_400.0)
MUCH_LATER = NEXT_NOON + 2 * 86_400


def retired(site: Site) -> DayWriter:
    """The writer of a site whose day of ten bytes was written, archived, and left the state."""
    site.count([Record(size=10)])
    writer = site.writer(RETIRING)
    writer.tick(NEXT_NOON)
    site.archive()
    writer.tick(MUCH_LATER)
    assert Totals(site.state, site.keys).days() == []
    return writer


def test_late_records_of_a_day_that_left_the_state_restate_it_with_the_whole_late_book(
    site: Site,
) -> None:
    writer = retired(site)
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 1)
    assert (site.revision(), site.charged()) == (2, {"example.com": 13})
    site.count([Record(size=4, domain="b.example")])
    writer.tick(MUCH_LATER + 2)
    assert (site.revision(), site.charged()) == (3, {"b.example": 4, "example.com": 13})
    manifest = read_day(site.directory, NAMES).manifest
    assert manifest is not None
    assert manifest.late_book is not None
    assert (manifest.late_book.pinned.revision, manifest.late_book.late.bytes) == (1, 7)


def test_writing_the_late_book_twice_changes_nothing(site: Site) -> None:
    writer = retired(site)
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 1)
    site.state.hdel(site.keys.late.day(DAY), "written_changes", "written_at")  # a crash before
    writer.tick(MUCH_LATER + 2)
    assert (site.revision(), site.charged()) == (2 + 1, {"example.com": 13})
    writer.tick(MUCH_LATER + 3)
    assert site.revision() == 3


def test_a_late_book_that_went_back_lowers_no_day(site: Site) -> None:
    writer = retired(site)
    site.count([Record(size=3)])
    late = {key: cast("bytes", site.state.dump(key)) for key in late_keys(site)}
    site.count([Record(size=4, domain="b.example")])
    writer.tick(MUCH_LATER + 1)
    assert (site.revision(), site.charged()) == (2, {"b.example": 4, "example.com": 13})
    site.state.delete(*late_keys(site))
    for key, packed in late.items():
        site.state.restore(key, 0, packed)
    writer.tick(MUCH_LATER + 2)
    assert (site.revision(), site.charged()) == (2, {"b.example": 4, "example.com": 13})
    assert "holds less of" in str(site.state.hget(site.keys.stopped, DAY.isoformat()))


def late_keys(site: Site) -> list[bytes]:
    book = site.keys.late
    named = [book.days, book.day(DAY), book.places(DAY), book.names(DAY), book.statuses(DAY)]
    sums = [book.sums(DAY, place) for place in Totals(site.state, site.keys).places(DAY, book)]
    return [key.encode() for key in (*named, *sums) if site.state.exists(key)]


def test_a_late_book_without_its_archive_is_shown_and_not_written(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    writer = retired(site)
    for path in (site.directory / LOADED).iterdir():
        path.unlink()
    site.count([Record(size=3)])
    writer.tick(MUCH_LATER + 1)
    assert not (site.directory / NAMES.qml).exists()
    assert "The files of its revision 1 are gone" in caplog.text
    assert site.state.hexists(site.keys.stopped, DAY.isoformat())


def test_a_day_that_lost_batches_touched_is_not_written_until_it_is_settled(
    site: Site, calendar: Calendar
) -> None:
    site.count([Record(size=10)])
    site.state.hset(site.keys.missing(site.mail1.id), str(NOON // 3600), "7-9")
    writer = site.writer()
    writer.tick(NEXT_NOON)
    assert not (site.directory / NAMES.qml).exists()
    assert "lost batches" in str(site.state.hget(site.keys.stopped, DAY.isoformat()))
    before = unsettled(site.state, site.keys, DAY)
    assert settle(site.state, site.keys, calendar, DAY, pin=f"1 {'0' * 64}", before=before)
    assert not site.state.exists(site.keys.stopped, site.keys.missing(site.mail1.id))
    assert Totals(site.state, site.keys).days() == []
    site.count([Record(size=3)])
    assert Totals(site.state, site.keys).read(DAY, site.keys.late).bytes == 3


def test_what_is_counted_while_a_day_is_rebuilt_is_not_settled_away(
    site: Site, calendar: Calendar
) -> None:
    site.count([Record(size=10)])
    before = unsettled(site.state, site.keys, DAY)
    site.count([Record(size=3)])
    assert not settle(site.state, site.keys, calendar, DAY, pin=f"1 {'0' * 64}", before=before)
    assert Totals(site.state, site.keys).read(DAY).bytes == 13


def test_a_state_older_than_the_newest_files_waits_until_all_hosts_have_sent_again(
    site: Site,
) -> None:
    begin_history(site.state, site.keys)
    site.count([Record(size=10)])
    writer = site.writer()
    writer.tick(NEXT_NOON)
    site.state.delete(site.keys.histories)
    site.state.hset(site.keys.history, mapping={"id": "b" * 32, "commits": 0})
    site.committer = Committer(site.state, site.keys, site.calendar)
    site.count([Record(size=3)])
    writer.tick(NEXT_NOON + 1)
    assert site.revision() == 1
    site.state.hset(site.keys.said(site.mail1.id), "history", "b" * 32)
    writer.tick(NEXT_NOON + 2)
    assert (site.revision(), site.charged()) == (2, {"example.com": 13})


def test_the_day_writer_remembers_the_state_outside_of_it_until_all_is_there_again(
    site: Site, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    begin_history(site.state, site.keys)
    memory = Memory(site.state, site.keys, calendar, site.directory)
    site.count([Record()])
    site.count([Record()])
    assert memory.look(NOON)
    seen = remembered_state(site.directory)
    assert seen is not None
    assert seen.commits == 2
    site.state.hset(site.keys.history, "commits", 1)
    for _ in range(2):
        assert not memory.look(NOON + 1)
    assert sum("older state than the day writer" in r.message for r in caplog.records) == 1
    now = cast("bytes", site.state.hget(site.keys.history, "id"))
    assert now != seen.history.encode()
    for _ in range(5):
        site.count([Record()])
    assert not memory.look(NOON + 2)
    site.state.hset(site.keys.said(site.mail1.id), "history", now)
    assert memory.look(NOON + 3)
    assert remembered_state(site.directory) != seen
