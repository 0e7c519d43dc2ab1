"""Who counts for a host name: resuming, taking over, being fenced."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.request import Batch
from mailtally_collector.ledger import Applied, Ledger
from mailtally_shared.errors import Fenced, Unavailable
from tests.support.records import NOON, FakeCollector, Record, columns

if TYPE_CHECKING:
    from redis.client import Pipeline

    from mailtally_collector.claim import Owner
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

RECORDS = [Record()]


@pytest.fixture
def ledger(state: State, keys: StateKeys) -> Ledger:
    return Ledger(state, keys)


def new_id() -> str:
    return uuid4().hex


def apply(
    state: State, keys: StateKeys, calendar: Calendar, sender: FakeCollector, seq: int
) -> None:
    header = sender.batch(RECORDS, seq=seq)
    Committer(state, keys, calendar).apply([Batch(header, columns(RECORDS))], [], NOON)


def test_the_first_collector_of_a_host_gets_epoch_one(ledger: Ledger) -> None:
    mine = new_id()
    assert ledger.register("mail1", mine, 0).epoch == 1
    assert ledger.inherited(mine) is None


def test_a_restart_resumes_under_the_same_epoch(ledger: Ledger) -> None:
    mine = new_id()
    epoch = ledger.register("mail1", mine, 0).epoch
    assert ledger.register("mail1", mine, epoch).epoch == epoch


def test_a_crash_between_registering_and_noting_it_does_no_harm(ledger: Ledger) -> None:
    mine = new_id()
    epoch = ledger.register("mail1", mine, 0).epoch
    assert ledger.register("mail1", mine, 0).epoch == epoch


def test_a_fresh_state_directory_takes_over_and_fences_the_old_one(ledger: Ledger) -> None:
    old, new = new_id(), new_id()
    before = ledger.register("mail1", old, 0)
    after = ledger.register("mail1", new, 0)
    assert after.epoch == before.epoch + 1
    with pytest.raises(Fenced, match="mail1"):
        ledger.applied(before)
    with pytest.raises(Fenced):
        ledger.register("mail1", old, before.epoch)
    assert ledger.applied(after) == Applied(0, frozenset())


def test_a_successor_inherits_positions_and_what_was_applied_beyond_a_gap(
    ledger: Ledger, state: State, keys: StateKeys, calendar: Calendar
) -> None:
    sender = FakeCollector(state, keys)
    for seq in (1, 2, 5):
        apply(state, keys, calendar, sender, seq)
    new = new_id()
    ledger.register("mail1", new, 0)
    inherited = ledger.inherited(new)
    assert inherited is not None
    assert inherited.at_hwm == '{"note":2}'
    assert inherited.ahead == ('{"note":5}',)


def test_an_inheritance_passes_through_successors_that_applied_nothing(
    ledger: Ledger, state: State, keys: StateKeys, calendar: Calendar
) -> None:
    sender = FakeCollector(state, keys)
    apply(state, keys, calendar, sender, 1)
    ledger.register("mail1", new_id(), 0)
    last = new_id()
    ledger.register("mail1", last, 0)
    inherited = ledger.inherited(last)
    assert inherited is not None
    assert inherited.at_hwm == '{"note":1}'


def test_what_is_applied_is_seen(
    ledger: Ledger, state: State, keys: StateKeys, calendar: Calendar
) -> None:
    sender = FakeCollector(state, keys)
    registration = ledger.register("mail1", sender.id, 1)
    for seq in (1, 2, 4):
        apply(state, keys, calendar, sender, seq)
    assert ledger.applied(registration) == Applied(2, frozenset({4}))


def test_a_state_that_no_aggregator_opened_is_waited_for(ledger: Ledger, state: State) -> None:
    state.flushall()
    with pytest.raises(Unavailable, match="aggregator"):
        ledger.register("mail1", new_id(), 0)
    assert state.dbsize() == 0


def test_a_state_that_forgot_the_collector_learns_it_again_under_its_epoch(
    ledger: Ledger, state: State, keys: StateKeys
) -> None:
    first = ledger.register("mail1", new_id(), 0)
    second = ledger.register("mail1", new_id(), 0)
    state.hset(keys.registration("mail1"), mapping={"id": first.collector_id, "epoch": first.epoch})
    assert ledger.applied(second) == Applied(0, frozenset())
    assert state.hget(keys.registration("mail1"), "id") == second.collector_id.encode()


def test_a_start_withdraws_the_word_that_the_input_has_ended(
    ledger: Ledger, state: State, keys: StateKeys
) -> None:
    registration = ledger.register("mail1", new_id(), 0)
    state.hset(keys.ledger(registration.collector_id), "watermark", 253402214400)
    ledger.register("mail1", registration.collector_id, registration.epoch)
    assert ledger.applied(registration).watermark == 0


def test_of_two_that_register_at_the_same_moment_one_is_the_others_successor(
    state: State, keys: StateKeys
) -> None:
    first, second = Ledger(state, keys), Ledger(state, keys)
    mine, theirs = new_id(), new_id()
    owner = Ledger._owner  # noqa: SLF001 - between this look and the writing comes the other one

    def look_and_be_overtaken(self: Ledger, pipeline: Pipeline, host: str) -> Owner | None:
        found = owner(self, pipeline, host)
        if self is first and found is None:
            second.register("mail1", theirs, 0)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "_owner", look_and_be_overtaken)
        registration = first.register("mail1", mine, 0)
    assert registration.epoch == 2
    assert state.hget(keys.ledger(mine), "predecessor") == theirs.encode()
