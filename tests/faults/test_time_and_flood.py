"""Clocks that step, a writer that slept through its lease, and more names than anybody has."""

from __future__ import annotations

import random
import signal
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailtally_collector.ship.ledger import Applied
from mailtally_collector.ship.window import Patience, Window
from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.tail.positions import Span
from mailtally_shared.calendar import Calendar
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.commit.request import OVERFLOW, Caps
from mailtally_shared.state.keys import FORMAT, StateKeys
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.snapshot import KEPT, snapshots, take_snapshot
from tests.faults.site import AGGREGATORS, COLLECTORS, LOADER
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from tests.faults.drive import Drive

DAY = date(2026, 2, 16)


def test_a_clock_set_back_holds_no_batch_up() -> None:
    batcher = Batcher(BatchLimits(keys=100, linger=1.0))
    batcher.append(Span("log", 0, 10), NOON)
    assert batcher.is_ready(NOON - 3600)


def test_a_clock_set_back_or_forward_delays_a_sending_by_no_more_than_its_patience() -> None:
    window = Window(Patience(overtaken=1, first=5, longest=60), random.Random(1))
    window.sent(1, NOON)
    nothing = Applied(0, frozenset())
    assert window.to_send([1], nothing, NOON + 86_400) == [1]
    window.sent(1, NOON + 86_400)
    assert window.to_send([1], nothing, NOON) == [1]


def test_a_snapshot_made_after_the_clock_was_set_back_is_the_newest(
    empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    keys = StateKeys()
    with connect_state(empty_redis.state_url) as state:
        state.set(keys.format, FORMAT)
        for _ in range(KEPT):
            take_snapshot(state, keys, tmp_path, NOON)
        latest = take_snapshot(state, keys, tmp_path, NOON - 3600)
    assert snapshots(tmp_path)[0] == latest


def test_a_day_writer_that_slept_through_its_lease_overwrites_nothing(drive: Drive) -> None:
    first, second, _ = AGGREGATORS
    site = drive.site
    drive.start(first, COLLECTORS[0], LOADER)
    drive.write(100)
    drive.await_billed()
    site.processes[first].signal(signal.SIGSTOP)
    site.start(second)
    drive.write(100)
    drive.await_billed()
    site.processes[first].signal(signal.SIGCONT)
    drive.write(100)
    drive.assert_right()


def test_a_flood_of_names_stays_within_the_cap_and_every_byte_is_counted(
    empty_redis: EmbeddedRedis,
) -> None:
    cap, names = 20_000, 50_000
    keys = StateKeys()
    with connect_state(empty_redis.state_url) as state:
        state.set(keys.format, FORMAT)
        sender = FakeCollector(state, keys)
        committer = Committer(state, keys, Calendar(ZoneInfo("UTC")), caps=Caps(names=cap))
        for part in range(5):
            numbers = range(part * names // 5, (part + 1) * names // 5)
            records = [Record(domain=f"forged{n}.example", size=n) for n in numbers]
            batch = Batch(sender.batch(records), rows(records))
            assert committer.apply([batch], [], NOON).applied
        assert state.scard(keys.totals.names(DAY)) <= cap + 1
        found = Totals(state, keys).read(DAY).rows
    assert len(found) <= cap + 1
    assert sum(row.bytes for row in found) == sum(range(names))
    assert sum(row.messages for row in found if row.domain == OVERFLOW) >= names - cap - 1
