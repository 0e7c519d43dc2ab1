"""What one collector can make the state hold is bounded, and costs no other one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from mailtally_shared.errors import BadBatch
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.wire.announcement import MAX_REASONS
from mailtally_shared.wire.payload import encode
from tests.support.records import NOON, FakeCollector, Record, rows
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.batch import Outcome
    from mailtally_shared.state.keys import StateKeys
    from tests.twin.accounting import Accounting


def naming(who: FakeCollector, hosts: Iterable[str]) -> Batch:
    records = [Record(host=host) for host in hosts]
    return Batch(who.batch(records), rows(records))


def put(accounting: Accounting, *batches: Batch, hosts: int = 3) -> Outcome:
    accounting.caps = Caps(hosts=hosts)
    return accounting.apply(batches, [], NOON)


def test_the_lines_of_a_collector_name_so_many_hosts(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    assert put(accounting, naming(mail1, ["mail1", "a", "b"])).applied
    assert put(accounting, naming(mail1, ["a", "c"])).applied
    outcome = put(accounting, naming(mail1, ["a", "d"]))
    assert (len(outcome.applied), len(outcome.naming)) == (0, 1)
    assert put(accounting, naming(mail1, ["mail1", "a", "b", "c"])).applied


def test_no_other_collector_is_held_up_by_it(accounting: Accounting, mail1: FakeCollector) -> None:
    mail2 = accounting.collector("mail2")
    forged = naming(mail1, map(str, range(10)))
    outcome = put(accounting, forged, naming(mail2, ["mail2", "a", "b", "c"]))
    assert [batch.header.host for batch in outcome.applied] == ["mail2"]
    assert outcome.naming == [forged]


def test_batches_of_one_group_share_the_room(accounting: Accounting, mail1: FakeCollector) -> None:
    outcome = put(accounting, *(naming(mail1, hosts) for hosts in ("ab", "bc", "d", "a")))
    assert (len(outcome.applied), len(outcome.naming)) == (3, 1)


def test_a_further_id_of_the_same_host_gets_no_further_room(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    assert put(accounting, naming(mail1, "abc")).applied
    again = accounting.collector()
    assert put(accounting, naming(again, "d")).naming


def test_it_is_counted_from_quarantine_when_there_is_room(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    records = [Record(host=host) for host in "abcd"]
    header = mail1.batch(records)
    why = BadBatch("too-many-hosts", "Many.")
    accounting.quarantine(header, encode(rows(records)), why, NOON)
    (kept,) = accounting.quarantined()
    accounting.caps = Caps(hosts=3)
    assert "max_hosts" in str(accounting.count_quarantined(kept, 2**20, NOON))
    accounting.caps = Caps(hosts=4)
    assert accounting.count_quarantined(kept, 2**20, NOON) is None


# What only a server has


@pytest.fixture
def server(state: State, keys: StateKeys, calendar: Calendar) -> OnRedis:
    return OnRedis(state, keys, calendar)


def test_a_ledger_has_room_for_so_many_reasons(server: OnRedis) -> None:
    mail1 = server.collector()
    for first in range(0, 300, 60):
        malformed = {f"reason-{n}": 1 for n in range(first, first + 60)}
        header = mail1.batch([])
        header = header.model_copy(update={"malformed": malformed, "lines": 60})
        assert put(server, Batch(header, rows([]))).applied
    assert int(server.state.hlen(server.keys.ledger(mail1.id))) < 150
    (ledger,) = server.books().ledgers
    assert sum(ledger.malformed.values()) == ledger.lines == 300


def test_reasons_that_a_collector_makes_up_fill_no_ledger(server: OnRedis) -> None:
    mail1 = server.collector()
    made_up = [f"reason-{a}{b}" for a in "abcdefghijklmnop" for b in "abcdefghijklmnop"]
    for first in range(0, len(made_up), MAX_REASONS):
        header = mail1.batch([])
        some = dict.fromkeys(made_up[first : first + MAX_REASONS], 1)
        header = header.model_copy(update={"lines": len(some), "malformed": some})
        assert put(server, Batch(header, rows([]))).applied
    found = server.state.hgetall(server.keys.ledger(mail1.id))
    ledger = cast("dict[bytes, bytes]", found)
    assert len(ledger) < len(made_up)
    counted = {name: int(n) for name, n in ledger.items() if name.startswith(b"malformed:")}
    assert sum(counted.values()) == len(made_up)
    assert counted[b"malformed:other"] > 1
