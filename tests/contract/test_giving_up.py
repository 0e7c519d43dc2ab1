"""Batches that the state and the spool both lack: known to the state, and in nobody's way."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.ship.ledger import Ledger, Registration
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.history import begin_history
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.wire.announcement import Heartbeat
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
RECORDS = [Record(size=10)]


class Site:
    """A collector of which the state has the first batch and the fifth."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.state, self.keys = state, keys
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)
        self.ledger = Ledger(state, keys)
        self.count(1)
        self.count(5)

    def count(self, seq: int, watermark: int = 0) -> None:
        header = self.mail1.batch(RECORDS, seq=seq, watermark=watermark)
        assert self.committer.apply([Batch(header, rows(RECORDS))], [], NOON).applied

    @property
    def registration(self) -> Registration:
        mine = self.mail1
        return Registration(mine.host, mine.id, mine.epoch, mine.nonce)

    def passed(self) -> int:
        return self.ledger.applied(self.registration).hwm

    def beat(self) -> None:
        mine = self.mail1
        heartbeat = Heartbeat(
            collector_id=mine.id,
            epoch=mine.epoch,
            nonce=mine.nonce,
            host=mine.host,
            after_seq=0,
            watermark=0,
        )
        self.committer.apply([], [heartbeat], NOON)

    def fields(self) -> dict[Any, Any]:
        return self.state.hgetall(self.keys.ledger(self.mail1.id))


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar) -> Site:
    return Site(state, keys, calendar)


def test_the_ledger_passes_what_is_lost_and_counts_what_follows(site: Site) -> None:
    site.ledger.give_up(site.registration, [(2, 4)], {490_000: "2-4"})
    assert site.passed() == 5
    assert site.state.hgetall(site.keys.missing(site.mail1.id)) == {b"490000": b"2-4"}
    site.count(6)
    assert site.fields()[b"hwm"] == b"6"
    assert Totals(site.state, site.keys).read(DAY).messages == 3


def test_the_ledger_has_the_positions_of_what_was_ahead_of_the_lost(site: Site) -> None:
    site.ledger.give_up(site.registration, [(2, 4)], {})
    assert site.fields()[b"hwm"] == b"1"
    site.beat()
    fields = site.fields()
    assert (fields[b"hwm"], fields[b"progress"]) == (b"5", b'{"note":5}')
    assert not site.state.exists(site.keys.ahead(site.mail1.id))


def test_a_directory_lost_before_that_word_was_heard_has_its_positions_too(site: Site) -> None:
    site.count(8)
    site.ledger.give_up(site.registration, [(2, 4)], {})
    heir = "f" * 32
    site.state.hset(site.keys.said(heir), "predecessor", site.mail1.id)
    assert site.ledger.inherited(heir) == Inherited('{"note":5}', ('{"note":8}',))


@pytest.mark.parametrize("spoilt", ["much", "-1", "nan", "1e308", "9" * 400, b"\xff"])
def test_a_collector_that_gives_up_no_number_gives_up_nothing(
    site: Site, spoilt: str | bytes
) -> None:
    site.state.hset(site.keys.said(site.mail1.id), "passed", spoilt)
    site.count(2)
    site.beat()
    assert site.fields()[b"hwm"] == b"2"


def test_what_is_lost_beyond_a_batch_to_be_sent_again_is_passed_after_it(site: Site) -> None:
    site.ledger.give_up(site.registration, [(3, 4)], {})
    assert site.passed() == 1
    site.count(2)
    assert site.passed() == 2
    site.ledger.give_up(site.registration, [(3, 4)], {})
    assert site.passed() == 5
    site.count(6)
    assert not site.state.exists(site.keys.ahead(site.mail1.id))


def test_a_batch_that_was_given_up_is_not_counted_when_it_comes_after_all(site: Site) -> None:
    header = site.mail1.batch(RECORDS, seq=3)
    site.ledger.give_up(site.registration, [(2, 4)], {})
    outcome = site.committer.apply([Batch(header, rows(RECORDS))], [], NOON)
    assert outcome.known
    assert Totals(site.state, site.keys).read(DAY).messages == 2


def test_giving_up_twice_changes_nothing(site: Site) -> None:
    for _ in range(2):
        site.ledger.give_up(site.registration, [(2, 4)], {490_000: "2-4"})
    assert site.passed() == 5


def test_a_collector_sees_the_history_and_acknowledges_it(site: Site) -> None:
    now = begin_history(site.state, site.keys)
    applied = site.ledger.applied(site.registration)
    assert (applied.state, applied.acknowledged) == (now, "")
    site.ledger.acknowledge(site.registration, now.history)
    assert site.ledger.applied(site.registration).acknowledged == now.history
