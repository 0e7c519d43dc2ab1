"""An idle collector says how far it has read: at moments all hosts share, and only what is new."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import pytest

from mailtally_collector.ship.ledger import Applied, Ledger, Registration
from mailtally_collector.ship.shipping import ReadUpTo, ShipLimits, Shipper
from mailtally_collector.ship.window import Patience, Window
from mailtally_collector.spool.spool import Spool
from mailtally_shared.wire.status import digest_of
from tests.support.records import NONCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally_collector.ship.publish import Publisher
    from mailtally_shared.wire.announcement import Heartbeat

NOON = 1_771_243_200.0  # a multiple of the pause between two heartbeats
LIMITS = ShipLimits(idle_look=2.0, heartbeat=30.0)


def never_displaced() -> Registration:
    raise AssertionError


class Cluster:
    """A ledger and a queue of one collector's; a heartbeat is taken at once, or lost."""

    def __init__(self) -> None:
        self.watermark = 0
        self.loses = False
        self.status = digest_of("")
        self.lives = 0
        self.beats: list[int] = []
        self.clock = 0.0  # of Redis
        self.told: list[tuple[int, int]] = []

    def applied(self, _registration: Registration) -> Applied:
        return Applied(0, frozenset(), self.watermark, state_clock=self.clock, status=self.status)

    def show_life(self, _registration: Registration) -> None:
        self.lives += 1

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        self.beats.append(heartbeat.watermark)
        self.told.append((heartbeat.clock, heartbeat.state_clock))
        if not self.loses:
            self.watermark = heartbeat.watermark
            self.status = digest_of(heartbeat.status or "")

    def waiting(self) -> int:
        return 0


class Host:
    """An idle collector with a clock of its own."""

    def __init__(self, spool: Spool, now: float) -> None:
        self.cluster = Cluster()
        self.now = now
        self.read: int | None = None
        self.at_end = False
        self.status = ""
        self.clock_ahead = 0.0  # of the machine, ahead of the time that passes
        self.redis_ahead = 0.0
        self.shipper = Shipper(
            spool=spool,
            ledger=cast("Ledger", self.cluster),
            publisher=cast("Publisher", self.cluster),
            window=Window(Patience(), random.Random(1)),
            registration=Registration("mail1.example.com", spool.collector_id, 1, NONCE),
            renew=never_displaced,
            read_up_to=lambda: ReadUpTo(0, self._read_up_to(), at_end=self.at_end),
            limits=LIMITS,
            stated=lambda steady: steady + self.clock_ahead,
            status=lambda: self.status,
        )

    def live(self, until: float) -> list[float]:
        """Take turns as the shipping loop does; the moments of the heartbeats."""
        moments = []
        while self.now < until:
            before = len(self.cluster.beats)
            self.cluster.clock = self.now + self.redis_ahead
            pause = self.shipper.turn(self.now)
            moments += [self.now] * (len(self.cluster.beats) - before)
            assert pause > 0
            self.now += pause
        return moments

    def _read_up_to(self) -> int:
        return int(self.now) if self.read is None else self.read


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool.open(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("late", [0.0, 1.3, 29.9])
def test_hosts_speak_at_the_same_moments_whenever_they_were_started(
    spool: Spool, late: float
) -> None:
    host = Host(spool, NOON + late)
    first, *later = host.live(NOON + 95)
    assert first == NOON + late
    assert later == [NOON + 30, NOON + 60, NOON + 90]


def test_what_the_ledger_has_is_not_told_again(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.read = int(NOON)
    assert host.live(NOON + 120) == [NOON]
    host.read = int(NOON) + 1
    assert host.live(NOON + 180) == [NOON + 120]


def test_a_heartbeat_that_was_lost_is_made_up_for_by_the_next(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.cluster.loses = True
    host.read = int(NOON)
    assert host.live(NOON + 75) == [NOON, NOON + 30, NOON + 60]


def test_the_last_word_does_not_wait_for_its_moment(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.live(NOON + 3)
    host.read, host.at_end = int(NOON) + 86_400, True
    assert host.live(host.now + 1) == [NOON + 4]
    assert host.live(NOON + 100) == []


def test_the_end_is_known_once_the_last_status_is(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.read = int(NOON)
    host.live(NOON + 3)
    host.status, host.at_end, host.cluster.loses = '{"format": 1}', True, True
    host.live(NOON + 7)
    assert not host.shipper.end_is_known
    host.cluster.loses = False
    host.live(NOON + 11)
    assert host.shipper.end_is_known


def test_a_clock_set_back_holds_no_heartbeat_up(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.live(NOON + 1)
    host.now, host.read = NOON - 3600, int(NOON) + 5
    assert host.live(NOON - 3600 + 10) == [NOON - 3600]


@pytest.mark.parametrize("ahead", [-400 * 86_400.0, -3600.0, 90.0, 3600.0, 400 * 86_400.0])
def test_a_machine_whose_clock_is_off_claims_no_more_than_was_read_and_says_so(
    spool: Spool, ahead: float
) -> None:
    host = Host(spool, NOON)
    host.clock_ahead = ahead
    host.live(NOON + 95)
    assert max(host.cluster.beats) <= NOON + 95
    assert host.cluster.told[-1] == (int(NOON + 90 + ahead), int(NOON + 90))
    assert len(host.cluster.told) == 4


def test_a_redis_whose_clock_is_ahead_is_claimed_no_more_to_than_was_read(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.redis_ahead = 86_400.0
    host.live(NOON + 95)
    assert host.cluster.beats == [NOON, NOON + 30, NOON + 60, NOON + 90]


def test_a_clock_that_was_mended_is_mended_in_the_next_heartbeat(spool: Spool) -> None:
    host = Host(spool, NOON)
    host.clock_ahead = -3600.0
    host.live(NOON + 59)
    host.clock_ahead = 0.0
    host.live(NOON + 65)
    assert host.cluster.watermark == NOON + 60
    assert host.cluster.told[-1] == (NOON + 60, NOON + 60)
