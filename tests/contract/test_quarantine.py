"""Unusable batches are sent again first, then kept aside whole, and never block the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgpack
import pytest

from mailtally_shared.errors import BadBatch, Unavailable
from mailtally_shared.state.uncounted.quarantine import FAILURES, Quarantine, QuarantineLimits
from mailtally_shared.state.uncounted.quarantined import drop, kept_aside
from tests.support.records import NOON, FakeCollector, Record

if TYPE_CHECKING:
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

WHY = BadBatch("bad-checksum", "The payload is not the one that was announced.")


@pytest.fixture
def mail1(state: State, keys: StateKeys) -> FakeCollector:
    return FakeCollector(state, keys)


@pytest.fixture
def quarantine(state: State, keys: StateKeys) -> Quarantine:
    return Quarantine(state, keys, QuarantineLimits(batches=3, bytes=10_000))


def test_a_batch_is_kept_aside_whole_at_its_third_failure(
    quarantine: Quarantine, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    header = mail1.batch([Record()])
    became = [quarantine.batch(header, b"junk", WHY, NOON, at_once=False) for _ in range(FAILURES)]
    assert became == ["again", "again", "kept"]
    (packed,) = state.hvals(keys.quarantine)
    kept = msgpack.unpackb(packed)
    assert (kept["payload"], kept["header"]) == (b"junk", header.to_bytes())
    assert kept["reason"] == "bad-checksum"
    ledger = state.hgetall(keys.ledger(mail1.id))
    assert (ledger[b"hwm"], ledger[b"quarantined"], ledger[b"lines"]) == (b"1", b"1", b"1")
    assert b"records" not in ledger
    assert not state.exists(header.payload_key)
    assert not state.exists(keys.poison)


def test_a_batch_that_was_applied_meanwhile_is_not_kept(
    quarantine: Quarantine, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    header = mail1.batch([Record()])
    state.hset(keys.ledger(mail1.id), "hwm", 1)
    assert quarantine.batch(header, b"junk", WHY, NOON, at_once=True) == "refused"
    assert not state.exists(keys.quarantine)


def test_a_message_that_is_no_announcement_is_kept_once(
    quarantine: Quarantine, state: State, keys: StateKeys
) -> None:
    for _ in range(2):
        quarantine.message(b"what?", BadBatch("bad-header", "It is no announcement."), NOON)
    assert state.hget(keys.quarantine_sums, "batches") == b"1"
    assert state.hget(keys.quarantine_sums, "reason:bad-header") == b"1"


def test_too_much_in_quarantine_is_waited_with_until_there_is_room(
    quarantine: Quarantine, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    for _ in range(3):
        quarantine.batch(mail1.batch([Record()]), b"junk", WHY, NOON, at_once=True)
    last = mail1.batch([Record()])
    with pytest.raises(Unavailable, match="quarantine is full"):
        quarantine.batch(last, b"junk", WHY, NOON, at_once=True)
    assert state.hget(keys.ledger(mail1.id), "hwm") == b"3"
    assert drop(state, keys, next(kept_aside(state, keys)))
    assert quarantine.batch(last, b"junk", WHY, NOON, at_once=True) == "kept"


def test_a_batch_larger_than_the_quarantine_waits_until_that_is_raised(
    quarantine: Quarantine, mail1: FakeCollector
) -> None:
    with pytest.raises(Unavailable, match="quarantine is full"):
        quarantine.batch(mail1.batch([Record()]), bytes(20_000), WHY, NOON, at_once=True)


def test_a_flood_of_messages_stops_nothing_and_leaves_room_for_batches(
    quarantine: Quarantine, mail1: FakeCollector, state: State, keys: StateKeys
) -> None:
    why = BadBatch("bad-header", "It is no announcement.")
    became = [quarantine.message(b"%d" % number, why, NOON) for number in range(5)]
    assert became == ["kept", "kept", "dropped", "dropped", "dropped"]
    assert state.hget(keys.quarantine_sums, "dropped") == b"3"
    assert quarantine.batch(mail1.batch([Record()]), b"junk", WHY, NOON, at_once=True) == "kept"
