"""Redis killed, torn, emptied, older than it was, or refusing to work."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.errors import Unavailable
from tests.faults import oracle
from tests.faults.drive import AGGREGATOR, COLLECTOR, PATIENCE
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from tests.faults.drive import Drive

WINDOW = 8


def tend_until_right(drive: Drive) -> None:
    """What gave up is started again, as systemd does."""
    expected = drive.traffic.truth.sums()

    def right() -> bool:
        drive.site.tend()
        with suppress(Unavailable):  # it loads its data
            return oracle.live(drive.site) == expected
        return False

    wait_until(right, PATIENCE, "counting every line")
    drive.assert_right()


@pytest.fixture
def counting(drive: Drive) -> Drive:
    """A site that has counted something and saved it."""
    drive.start()
    drive.write(300)
    drive.await_billed()
    snapshots = drive.site.statistic_dir / "snapshots"
    wait_until(lambda: any(snapshots.glob("*.snapshot")), what="a snapshot")
    return drive


def test_redis_killed_and_started_again_costs_nothing(counting: Drive) -> None:
    for _ in range(3):
        counting.write(100)
        counting.site.redis.kill()
        counting.write(100)
        counting.site.redis.start()
        tend_until_right(counting)


def test_a_torn_append_only_file_loses_a_second_and_the_spools_send_it_again(
    counting: Drive,
) -> None:
    rng = random.Random(1)
    for _ in range(3):
        counting.site.redis.watch_file()
        counting.write(200)
        counting.await_counted()
        counting.site.redis.lose_power(rng)
        counting.site.redis.start()
        tend_until_right(counting)


def test_a_failover_to_an_older_copy_is_made_good_from_the_spools(counting: Drive) -> None:
    size = counting.site.redis.file_size()
    counting.write(1000)
    counting.await_billed()
    counting.site.redis.kill()
    counting.site.redis.cut_file(size)
    counting.site.redis.start()
    tend_until_right(counting)
    counting.await_said(COLLECTOR, "The ledger went back")


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_ledger_older_than_any_spool_counts_new_lines_and_knows_which_days_lack_some(
    counting: Drive, *, is_killed: bool
) -> None:
    site = counting.site
    site.stop(COLLECTOR)
    site.processes[COLLECTOR].wait()
    size = site.redis.file_size()
    site.processes[COLLECTOR].settings["MAILTALLY_COLLECTOR__SPOOL__KEEP_APPLIED"] = "0"
    site.start(COLLECTOR)
    counting.write(500)
    counting.await_counted()
    wait_until(lambda: counting.spooled()[1] == 0, PATIENCE, "forgetting what is applied")
    site.stop(COLLECTOR)
    site.processes[COLLECTOR].wait()
    site.redis.kill()
    site.redis.cut_file(size)
    site.redis.start()
    if is_killed:
        site.start_doomed(COLLECTOR, "collector-lost-noted")
        site.processes[COLLECTOR].wait(PATIENCE)  # the state knows it, the log does not
    site.start(COLLECTOR)
    if not is_killed:
        counting.await_said(COLLECTOR, "are no longer in the spool")
    counting.write(50)
    with counting.redis() as client:
        wait_until(lambda: client.keys("*:missing:*"), PATIENCE, "naming the hours")
        wait_until(lambda: client.hlen(counting.keys.stopped), PATIENCE, "stopping their days")
    wait_until(lambda: counting.spooled()[0] == 0, PATIENCE, "counting new lines")


def test_an_emptied_redis_is_refilled_from_its_snapshot(counting: Drive) -> None:
    with counting.redis() as client:
        client.flushall()
    counting.write(100)
    tend_until_right(counting)
    counting.await_said(AGGREGATOR, "refilled it")


def test_an_emptied_redis_without_snapshots_is_refused_not_counted_into(counting: Drive) -> None:
    site = counting.site
    site.kill(AGGREGATOR)
    for path in (site.statistic_dir / "snapshots").iterdir():
        path.unlink()
    with counting.redis() as client:
        client.flushall()
        counting.write(100)
        site.processes[AGGREGATOR].start()
        assert site.processes[AGGREGATOR].wait() == 1
        assert not client.exists(counting.keys.totals.days)
    counting.await_said(AGGREGATOR, "with --accept-empty-state")


def test_lost_totals_are_refused_not_billed(counting: Drive) -> None:
    with counting.redis() as client:
        (lost, *_) = client.keys("*totals:2025-03-28*")
        client.delete(lost)
    counting.site.wanted.clear()
    counting.write(100)
    assert counting.site.processes[AGGREGATOR].wait(PATIENCE) == 1
    counting.await_said(AGGREGATOR, "do not add up")


def test_a_redis_that_loads_its_data_is_waited_for(counting: Drive) -> None:
    with counting.redis() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(8 * 1024):  # it looks at its clients after each 1024 commands
            pipeline.set("ballast", number)
        pipeline.execute()
    counting.site.redis.kill()
    counting.write(100)
    counting.site.redis.start(wait=False, key_load_delay="500")  # microseconds a command
    counting.await_said(COLLECTOR, "is loading")
    tend_until_right(counting)


@pytest.mark.parametrize("refusal", ["OOM", "READONLY", "MISCONF"])
def test_a_redis_that_refuses_writes_stops_reading_at_the_window(
    counting: Drive, refusal: str
) -> None:
    with counting.redis() as client:
        refuse(counting, client, refusal, yes=True)
        counting.write(10_000)
        wait_until(lambda: counting.spooled()[0] == WINDOW, PATIENCE, "filling the window")
        before = counting.spooled()
        counting.write(100)
        counting.await_said(COLLECTOR, "cannot work now")
        assert counting.spooled() == before
        refuse(counting, client, refusal, yes=False)
    tend_until_right(counting)


def refuse(drive: Drive, client: redis.Redis, refusal: str, *, yes: bool) -> None:
    """Make Redis refuse writes in one of three ways, or end that."""
    if refusal == "OOM":
        client.config_set("maxmemory", "1" if yes else "0")
    elif refusal == "READONLY":
        client.replicaof(*(("127.0.0.1", "1") if yes else ("NO", "ONE")))
    else:
        drive.site.redis.limit_files(drive.site.redis.file_size() if yes else None)
