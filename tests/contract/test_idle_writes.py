"""While nothing is logged, Redis is given next to nothing to write to its disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mailtally_aggregator.intake import receive
from mailtally_aggregator.intake.receive import Receiver
from mailtally_collector.ship.publish import Publisher
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.state.lease import Lease
from mailtally_shared.wire.announcement import Heartbeat
from tests.support.records import NONCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

BEAT = Heartbeat(
    collector_id="a" * 32, epoch=1, nonce=NONCE, host="mail1", after_seq=1, watermark=7
)
#: A multiple of a third of the lease.
MOMENT = 1_771_243_200.0
LEASE = 30.0


@pytest.fixture
def receiver(empty_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(receive, "LOOK", 0.01)
    made = Receiver(empty_redis.broker_url, prefetch=4)
    yield made
    made.reset()


def writes(state: State) -> int:
    return cast("int", state.info("persistence")["rdb_changes_since_last_save"])


def look(receiver: Receiver) -> list[bytes]:
    return receiver.collect(lambda held: held >= 1).bodies()


def test_waiting_at_an_empty_queue_writes_nothing(state: State, receiver: Receiver) -> None:
    assert look(receiver) == []
    before = writes(state)
    assert [look(receiver) for _ in range(40)] == [[]] * 40
    assert writes(state) == before


def test_taking_a_message_writes_nothing_but_its_removal(
    state: State, receiver: Receiver, empty_redis: EmbeddedRedis
) -> None:
    publisher = Publisher(empty_redis.broker_url, state)
    publisher.heartbeat(BEAT)
    before = writes(state)
    received = receiver.collect(lambda held: held >= 1)
    assert received.bodies() == [BEAT.to_bytes()]
    receiver.acknowledge(received.messages)
    assert writes(state) == before + 1
    publisher.reset()


class _SetClock(Clock):
    """A clock that shows what it is set to."""

    now: float = MOMENT

    def steady(self) -> float:
        return self.now


def test_the_lease_is_renewed_at_moments_that_it_shares_with_heartbeats(
    state: State, keys: StateKeys
) -> None:
    clock = _SetClock()
    held = Lease(state, keys, LEASE, clock)
    renewed = []
    for second in range(5, 45):
        clock.now = MOMENT + second
        before = writes(state)
        assert held.hold()
        renewed += [second] if writes(state) > before else []
    assert renewed == [5, 10, 20, 30, 40]
