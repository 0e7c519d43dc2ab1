"""A day is read piece by piece, and still as of one moment."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import redis

from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.read import totals as host_sums
from mailtally_shared.state.read.audited import read_rows
from mailtally_shared.state.read.totals import Totals
from tests.support.records import NOON, FakeCollector, Record, domain_sums, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.read.totals import Piece
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
MANY = [Record(domain=f"d{n}.example", size=n, attempts=1 + n % 2) for n in range(1500)]
MORE = [Record(domain="d7.example", size=1), Record(domain="new.example", size=2)]


class Site:
    """A cluster that counts for one host."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.state, self.keys = state, keys
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)
        self.totals = Totals(state, keys)

    def count(self, records: Sequence[Record]) -> None:
        batch = Batch(self.mail1.batch(records), rows(records))
        assert self.committer.apply([batch], [], NOON).applied

    def count_elsewhere(self, host: str) -> None:
        """Count MORE for a collector that was not there before."""
        other = FakeCollector(self.state, self.keys, host)
        assert self.committer.apply([Batch(other.batch(MORE), rows(MORE))], [], NOON).applied

    def assert_holds(self, records: Sequence[Record]) -> None:
        found = self.totals.read(DAY)
        by_domain = Counter[str]()
        for row in found.rows:
            by_domain[row.domain] += row.bytes
        assert by_domain == domain_sums(records)
        assert found.rows.sums() == (found.messages, found.bytes, found.transferred)
        assert found.messages == len(records)


@pytest.fixture
def site(
    state: State, keys: StateKeys, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.setattr(host_sums, "_PIECE", 100)
    return Site(state, keys, calendar)


def test_all_pieces_add_up_to_the_day(site: Site) -> None:
    site.count(MANY)
    site.assert_holds(MANY)


@pytest.mark.parametrize("changes", [1, 1000])
def test_what_is_counted_between_two_pieces_is_read_as_a_whole(
    site: Site, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    counted = list(MANY)
    site.count(MANY)
    plainly = host_sums.pieces
    seen: list[Piece] = []

    def disturbed(state: State, key: str) -> Iterator[Piece]:
        for piece in plainly(state, key):
            yield piece
            if len(seen) < changes:
                seen.append(piece)
                site.count(MORE)
                counted.extend(MORE)

    monkeypatch.setattr("mailtally_shared.state.read.totals.pieces", disturbed)
    site.assert_holds(counted)
    assert seen


@pytest.mark.parametrize("newcomers", [1, 20])
def test_collectors_that_come_while_a_day_is_read_are_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, newcomers: int
) -> None:
    counted = list(MORE)
    site.count(MORE)
    plainly = redis.Redis.smembers
    hosts = [f"new{n}" for n in range(newcomers)]

    def disturbed(state: State, key: str) -> Any:  # noqa: ANN401 - as redis-py's
        places = plainly(state, key)
        if key == site.keys.totals.places(DAY) and hosts:
            site.count_elsewhere(hosts.pop())
            counted.extend(MORE)
        return places

    monkeypatch.setattr(redis.Redis, "smembers", disturbed)
    hosts_then = list(hosts)
    site.assert_holds(counted)
    hosts.extend(f"again-{host}" for host in hosts_then)
    (day,) = read_rows(site.state, site.keys)
    assert day.own == day.rows
    assert not hosts


def test_a_field_that_a_scan_gives_twice_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.count(MANY)
    plainly = host_sums.pieces

    def repeating(state: State, key: str) -> Iterator[Piece]:
        first, *others = plainly(state, key)
        return iter([first, first, *others])

    monkeypatch.setattr("mailtally_shared.state.read.totals.pieces", repeating)
    site.assert_holds(MANY)


def test_a_day_that_is_not_there_is_empty(site: Site) -> None:
    site.assert_holds([])


def test_a_day_is_read_as_it_was_counted_wherever(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    assert not len(accounting.read(DAY).rows)
    mail2 = accounting.collector("mail2")
    accounting.send((mail1.batch(MANY), MANY), (mail2.batch(MORE), MORE))
    accounting.send((mail1.batch(MORE), MORE))
    found = accounting.read(DAY)
    rows = {(row.collector, row.domain): (row.messages, row.bytes) for row in found.rows}
    assert len(rows) == len(found.rows) == len(MANY) + 1 + len(MORE)
    assert rows["mail1", "d7.example"] == (2, 8)
    assert rows["mail2", "d7.example"] == (1, 1)
    assert accounting.sums(DAY) == domain_sums([*MANY, *MORE, *MORE])
    assert found.rows.sums() == (found.messages, found.bytes, found.transferred)
