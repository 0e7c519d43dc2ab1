"""Aggregators say by which list of hosted domains they charge, and doctor compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Level
from mailtally_shared.audit.settings import check_hosted
from mailtally_shared.days.charging import HostedDomains
from mailtally_shared.state.hosted_lists import HostedNote, hosted_known
from tests.support.records import NOON

if TYPE_CHECKING:
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

NAMES = ("b.example", "a.example")


def level(state: State, keys: StateKeys, now: float = NOON) -> Level:
    return check_hosted(hosted_known(state, keys), now).level


def test_lists_that_differ_are_named_with_their_machines(state: State, keys: StateKeys) -> None:
    first, second = (HostedNote(state, keys, name) for name in ("agg1", "agg2"))
    first.note(HostedDomains(NAMES), NOON)
    second.note(HostedDomains(reversed(NAMES)), NOON)
    assert level(state, keys) is Level.OK
    second.note(HostedDomains(("a.example",)), NOON)
    found = check_hosted(hosted_known(state, keys), NOON)
    assert found.level is Level.WARNING
    assert "agg1: 2 names (" in found.sentence
    assert "agg2: 1 names (" in found.sentence
    second.note(None, NOON)
    assert "agg2: no list" in check_hosted(hosted_known(state, keys), NOON).sentence


def test_an_aggregator_that_is_gone_no_longer_counts(state: State, keys: StateKeys) -> None:
    HostedNote(state, keys, "agg1").note(None, NOON)
    HostedNote(state, keys, "agg2").note(HostedDomains(NAMES), NOON + 1000)
    assert level(state, keys, NOON + 1000) is Level.OK
    assert set(hosted_known(state, keys)) == {"agg2"}


def test_the_same_list_is_not_written_all_the_time(state: State, keys: StateKeys) -> None:
    note = HostedNote(state, keys, "agg1")
    note.note(None, NOON)
    state.delete(keys.hosted)
    note.note(None, NOON + 10)
    assert not state.exists(keys.hosted)
    note.note(None, NOON + 300)
    assert state.exists(keys.hosted)


def test_what_cannot_be_read_is_left_out(state: State, keys: StateKeys) -> None:
    state.hset(keys.hosted, "agg1", "{")
    assert hosted_known(state, keys) == {}
