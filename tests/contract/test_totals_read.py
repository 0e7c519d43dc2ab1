"""A day is read piece by piece, and still as of one moment."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator import host_sums
from mailtally_aggregator.commit import Committer
from mailtally_aggregator.request import Batch
from mailtally_aggregator.totals import Totals
from tests.support.records import NOON, FakeCollector, Record, columns, domain_sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailtally_aggregator.host_sums import Piece
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
MANY = [Record(domain=f"d{n}.example", size=n, attempts=1 + n % 2) for n in range(1500)]
MORE = [Record(domain="d7.example", size=1), Record(domain="new.example", size=2)]


class Site:
    """A cluster that counts for one host."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.mail1 = FakeCollector(state, keys)
        self.committer = Committer(state, keys, calendar)
        self.totals = Totals(state, keys)

    def count(self, records: Sequence[Record]) -> None:
        batch = Batch(self.mail1.batch(records), columns(records))
        assert self.committer.apply([batch], [], NOON).applied

    def assert_holds(self, records: Sequence[Record]) -> None:
        found = self.totals.read(DAY)
        assert {row.domain: row.bytes for row in found.rows} == domain_sums(records)
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

    monkeypatch.setattr("mailtally_aggregator.totals.pieces", disturbed)
    site.assert_holds(counted)
    assert seen


def test_a_field_that_a_scan_gives_twice_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.count(MANY)
    plainly = host_sums.pieces

    def repeating(state: State, key: str) -> Iterator[Piece]:
        first, *others = plainly(state, key)
        return iter([first, first, *others])

    monkeypatch.setattr("mailtally_aggregator.totals.pieces", repeating)
    site.assert_holds(MANY)


def test_a_day_that_is_not_there_is_empty(site: Site) -> None:
    site.assert_holds([])
