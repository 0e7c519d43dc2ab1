"""What one collector can make the state hold is bounded, and costs no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mailtally_aggregator.books_read import read_books
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.kept_aside import count_after_all, kept_aside
from mailtally_aggregator.quarantine import Quarantine, QuarantineLimits
from mailtally_aggregator.request import Batch, Caps
from mailtally_shared.errors import BadBatch
from mailtally_shared.header import MAX_REASONS
from mailtally_shared.payload import encode
from tests.support.records import NOON, FakeCollector, Record, columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_aggregator.outcome import Outcome
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


class Site:
    """A state with one committer, and a collector of mail1."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.state, self.keys, self.calendar = state, keys, calendar
        self.mail1 = FakeCollector(state, keys, "mail1")

    def committer(self, hosts: int) -> Committer:
        return Committer(self.state, self.keys, self.calendar, caps=Caps(hosts=hosts))

    def naming(self, hosts: Iterable[str], who: FakeCollector | None = None) -> Batch:
        records = [Record(host=host) for host in hosts]
        return Batch((who or self.mail1).batch(records), columns(records))

    def apply(self, *batches: Batch, hosts: int = 3) -> Outcome:
        return self.committer(hosts).apply(batches, [], NOON)


@pytest.fixture
def site(state: State, keys: StateKeys, calendar: Calendar) -> Site:
    return Site(state, keys, calendar)


def test_the_lines_of_a_collector_name_so_many_hosts(site: Site) -> None:
    assert site.apply(site.naming(["mail1", "a", "b"])).applied
    assert site.apply(site.naming(["a", "c"])).applied
    outcome = site.apply(site.naming(["a", "d"]))
    assert (len(outcome.applied), len(outcome.naming)) == (0, 1)
    assert site.apply(site.naming(["mail1", "a", "b", "c"])).applied


def test_no_other_collector_is_held_up_by_it(site: Site) -> None:
    mail2 = FakeCollector(site.state, site.keys, "mail2")
    forged = site.naming(map(str, range(10)))
    outcome = site.apply(forged, site.naming(["mail2", "a", "b", "c"], mail2))
    assert [batch.header.host for batch in outcome.applied] == ["mail2"]
    assert outcome.naming == [forged]


def test_batches_of_one_group_share_the_room(site: Site) -> None:
    outcome = site.apply(*(site.naming(hosts) for hosts in ("ab", "bc", "d", "a")))
    assert (len(outcome.applied), len(outcome.naming)) == (3, 1)


def test_a_further_id_of_the_same_host_gets_no_further_room(site: Site) -> None:
    assert site.apply(site.naming("abc")).applied
    again = FakeCollector(site.state, site.keys, "mail1")
    assert site.apply(site.naming("d", again)).naming


def test_it_is_counted_from_quarantine_when_there_is_room(site: Site) -> None:
    records = [Record(host=host) for host in "abcd"]
    header = site.mail1.batch(records)
    limits = QuarantineLimits()
    Quarantine(site.state, site.keys, limits).batch(
        header, encode(columns(records)), BadBatch("too-many-hosts", "Many."), NOON, at_once=True
    )
    (kept,) = kept_aside(site.state, site.keys)
    assert "max_hosts" in str(count_after_all(site.committer(3), kept, 2**20, NOON))
    assert count_after_all(site.committer(4), kept, 2**20, NOON) is None


def test_a_ledger_has_room_for_so_many_reasons(site: Site) -> None:
    for first in range(0, 300, 60):
        malformed = {f"reason-{n}": 1 for n in range(first, first + 60)}
        header = site.mail1.batch([])
        header = header.model_copy(update={"malformed": malformed, "lines": 60})
        assert site.apply(Batch(header, columns([]))).applied
    assert int(site.state.hlen(site.keys.ledger(site.mail1.id))) < 150
    (ledger,) = read_books(site.state, site.keys).ledgers
    assert sum(ledger.malformed.values()) == ledger.lines == 300


def test_reasons_that_a_collector_makes_up_fill_no_ledger(site: Site) -> None:
    made_up = [f"reason-{a}{b}" for a in "abcdefghijklmnop" for b in "abcdefghijklmnop"]
    for first in range(0, len(made_up), MAX_REASONS):
        header = site.mail1.batch([])
        some = dict.fromkeys(made_up[first : first + MAX_REASONS], 1)
        header = header.model_copy(update={"lines": len(some), "malformed": some})
        assert site.apply(Batch(header, columns([]))).applied
    found = site.state.hgetall(site.keys.ledger(site.mail1.id))
    ledger = cast("dict[bytes, bytes]", found)
    assert len(ledger) < len(made_up)
    counted = {name: int(n) for name, n in ledger.items() if name.startswith(b"malformed:")}
    assert sum(counted.values()) == len(made_up)
    assert counted[b"malformed:other"] > 1
