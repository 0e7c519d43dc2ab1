"""What is in quarantine is counted after all, or dropped: once, and the sums say so."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, cast

import pytest

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.kept_aside import KeptAside, count_after_all, drop, kept_aside
from mailtally_aggregator.quarantine import Quarantine, QuarantineLimits
from mailtally_aggregator.totals import Totals
from mailtally_shared.errors import BadBatch
from tests.support.records import NOON, FakeCollector, Record, domain_sums

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.header import BatchHeader
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
RECORDS = [Record(size=10), Record(domain="b.example", size=5)]
LARGEST = 2**20
WHY = BadBatch("too-large", "The payload has 10 bytes.")


@pytest.fixture
def mail1(state: State, keys: StateKeys) -> FakeCollector:
    return FakeCollector(state, keys)


@pytest.fixture
def committer(state: State, keys: StateKeys, calendar: Calendar) -> Committer:
    return Committer(state, keys, calendar)


@pytest.fixture
def quarantine(state: State, keys: StateKeys) -> Quarantine:
    return Quarantine(state, keys, QuarantineLimits())


@pytest.fixture
def header(mail1: FakeCollector) -> BatchHeader:
    """Of a batch that will be kept aside; its payload is a good one."""
    return mail1.batch(RECORDS)


@pytest.fixture
def kept(state: State, keys: StateKeys, quarantine: Quarantine, header: BatchHeader) -> KeptAside:
    payload = state.get(header.payload_key)
    assert isinstance(payload, bytes)
    assert quarantine.batch(header, payload, WHY, NOON, at_once=True) == "kept"
    (found,) = kept_aside(state, keys)
    return found


def sums(state: State, keys: StateKeys) -> dict[str, int]:
    return {row.domain: row.bytes for row in Totals(state, keys).read(DAY).rows}


def left(state: State, keys: StateKeys) -> dict[bytes, bytes]:
    """What the sums of the quarantine still count."""
    found = cast("dict[bytes, bytes]", state.hgetall(keys.quarantine_sums))
    return {name: count for name, count in found.items() if count != b"0"}


def test_it_says_what_it_is(kept: KeptAside, header: BatchHeader) -> None:
    assert kept.entry == f"{header.collector_id}:1"
    assert (kept.reason, kept.message, kept.time) == (WHY.reason, str(WHY), NOON)
    assert kept.header == header
    assert kept.records == len(RECORDS)


def test_it_is_counted_after_all_and_leaves(
    state: State, keys: StateKeys, committer: Committer, kept: KeptAside, header: BatchHeader
) -> None:
    before = state.hgetall(keys.ledger(header.collector_id))
    assert before[b"quarantined"] == b"2"
    assert count_after_all(committer, kept, LARGEST, NOON) is None
    assert sums(state, keys) == domain_sums(RECORDS)
    assert not state.exists(keys.quarantine)
    assert left(state, keys) == {}
    after = state.hgetall(keys.ledger(header.collector_id))
    assert after == before | {b"quarantined": b"0", b"records": b"2"}


def test_it_is_counted_once_however_often_one_asks(
    state: State, keys: StateKeys, committer: Committer, kept: KeptAside
) -> None:
    count_after_all(committer, kept, LARGEST, NOON)
    said = count_after_all(committer, kept, LARGEST, NOON)
    assert said == "It is not in quarantine any more."
    assert sums(state, keys) == domain_sums(RECORDS)
    assert left(state, keys) == {}


def test_its_host_may_have_been_taken_over_since(
    state: State, keys: StateKeys, committer: Committer, kept: KeptAside
) -> None:
    FakeCollector(state, keys, epoch=2)
    assert count_after_all(committer, kept, LARGEST, NOON) is None
    assert sums(state, keys) == domain_sums(RECORDS)


def test_what_is_still_unusable_stays(
    state: State,
    keys: StateKeys,
    committer: Committer,
    quarantine: Quarantine,
    mail1: FakeCollector,
) -> None:
    quarantine.batch(mail1.batch(RECORDS), b"junk", WHY, NOON, at_once=True)
    quarantine.message(b"what?", BadBatch("bad-header", "It is no announcement."), NOON)
    for each in list(kept_aside(state, keys)):
        assert count_after_all(committer, each, LARGEST, NOON)
    assert state.hlen(keys.quarantine) == 2
    assert sums(state, keys) == {}


def test_dropped_it_is_gone_and_its_lines_stay_told(
    state: State, keys: StateKeys, kept: KeptAside, header: BatchHeader
) -> None:
    assert drop(state, keys, kept)
    assert not drop(state, keys, kept)
    assert not state.exists(keys.quarantine)
    assert left(state, keys) == {}
    assert state.hget(keys.ledger(header.collector_id), "quarantined") == b"2"


def test_a_batch_without_records_leaves_as_well(
    state: State,
    keys: StateKeys,
    committer: Committer,
    quarantine: Quarantine,
    mail1: FakeCollector,
) -> None:
    for dropped in (True, False):
        header = mail1.batch([])
        payload = state.get(header.payload_key)
        assert isinstance(payload, bytes)
        quarantine.batch(header, payload, WHY, NOON, at_once=True)
        (found,) = kept_aside(state, keys)
        if dropped:
            assert drop(state, keys, found)
        else:
            assert count_after_all(committer, found, LARGEST, NOON) is None
        assert left(state, keys) == {}
