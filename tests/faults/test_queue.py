"""What the queue loses, doubles or hands out again is counted once all the same."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.wire.queue import QUEUE
from tests.faults.drive import AGGREGATOR, COLLECTOR
from tests.faults.site import AGGREGATORS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from tests.faults.drive import Drive


def await_queued(client: redis.Redis, drive: Drive) -> None:
    """Everything that was written has been announced."""
    window = 8

    def all_sent() -> bool:
        unapplied, _ = drive.spooled()
        return 0 < unapplied <= window and client.llen(QUEUE) >= unapplied

    wait_until(all_sent, what="announcing")


@pytest.fixture
def queued(drive: Drive) -> Drive:
    """A site with announcements in the queue and nobody to take them."""
    drive.start()
    drive.write(1)
    drive.await_counted()
    drive.site.kill(AGGREGATOR)
    drive.write(200)
    with drive.redis() as client:
        await_queued(client, drive)
    return drive


def test_a_message_lost_between_kombus_pop_and_its_note_of_it_is_sent_again(
    queued: Drive,
) -> None:
    with queued.redis() as client:
        assert client.rpop(QUEUE)  # what kombu does first; it is killed before it does more
    queued.site.start(AGGREGATOR)
    queued.assert_right()


def test_announcements_that_come_twice_count_once(queued: Drive) -> None:
    with queued.redis() as client:
        for message in client.lrange(QUEUE, 0, -1):
            client.lpush(QUEUE, message, message)
    for name in AGGREGATORS:
        queued.site.start(name)
    queued.assert_right()


def test_a_batch_sent_again_while_the_first_to_take_it_still_works_counts_once(
    queued: Drive,
) -> None:
    first, second, _ = AGGREGATORS
    site = queued.site
    with queued.redis() as client:
        announced = client.llen(QUEUE)
        site.start(first)
        wait_until(lambda: client.llen(QUEUE) < announced)
        site.processes[first].signal(signal.SIGSTOP)
        site.start(second)
        queued.await_counted()
        site.processes[first].signal(signal.SIGCONT)
    queued.assert_right()


def test_a_queue_that_vanished_with_its_bindings_is_made_again(queued: Drive) -> None:
    with queued.redis() as client:
        client.delete(QUEUE, *client.keys("_kombu*"), *client.keys(f"{QUEUE}.*"))
    queued.site.start(AGGREGATOR)
    queued.assert_right()


def test_payloads_that_redis_dropped_are_sent_again(queued: Drive) -> None:
    with queued.redis() as client:
        payloads = client.keys(queued.keys.everything_lasting[1])
        assert payloads
        client.delete(*payloads)
    queued.site.start(AGGREGATOR)
    queued.assert_right()


def test_messages_of_somebody_else_are_kept_aside_and_hold_nothing_up(queued: Drive) -> None:
    with queued.redis() as client:
        client.rpush(QUEUE, b"no message of kombu's", b"{}", b"\xff\xfe")
    queued.site.start(AGGREGATOR)
    queued.await_counted()
    assert queued.site.processes[AGGREGATOR].exit_code is None


def test_with_aggregators_stopped_spool_and_redis_stay_within_the_window(drive: Drive) -> None:
    drive.start()
    drive.write(1)
    drive.await_counted()
    drive.site.kill(AGGREGATOR)
    window = 8
    drive.write(10_000)
    wait_until(lambda: drive.spooled()[0] == window, what="filling the window")
    with drive.redis() as client:
        for _ in range(20):
            drive.write(200)
            assert drive.spooled()[0] <= window
            assert len(client.keys(drive.keys.everything_lasting[1])) <= window
    drive.start(AGGREGATOR)
    drive.assert_right()
    assert drive.site.processes[COLLECTOR].exit_code is None


@pytest.mark.parametrize("lines", [0, 10_000], ids=["idle", "busy"])
def test_a_queue_that_nobody_empties_comes_to_its_limit_and_no_further(
    drive: Drive, lines: int
) -> None:
    limit, group = 30, 8
    drive.site.processes[COLLECTOR].settings["MAILTALLY_COLLECTOR__QUEUE"] = str(limit)
    drive.start()
    drive.write(1)
    drive.await_counted()
    drive.site.kill(AGGREGATOR)
    drive.write(lines)
    with drive.redis() as client:
        wait_until(lambda: client.llen(QUEUE) >= limit, 60, "heartbeats and repetitions")
        asked = _asked(client)
        wait_until(lambda: _asked(client) > asked + 20, 60, "further attempts")
        assert client.llen(QUEUE) < limit + group
    drive.start(AGGREGATOR)
    drive.assert_right()


def _asked(client: redis.Redis) -> int:
    """How often somebody asked for the length of a list."""
    return int(client.info("commandstats").get("cmdstat_llen", {}).get("calls", 0))
