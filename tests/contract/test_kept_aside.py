"""What is in quarantine is counted after all, or dropped: once, and the sums say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.errors import BadBatch
from mailtally_shared.state.read.books import Quarantine as InQuarantine
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from mailtally_shared.wire.payload import encode
from tests.support.records import NOON, FakeCollector, Record, domain_sums, rows
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.quarantined import KeptAside
    from mailtally_shared.wire.announcement import BatchHeader
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
RECORDS = [Record(size=10), Record(domain="b.example", size=5)]
LARGEST = 2**20
WHY = BadBatch("too-large", "The payload has 10 bytes.")
NOTHING = InQuarantine()


@pytest.fixture
def header(mail1: FakeCollector) -> BatchHeader:
    """Of a batch that will be kept aside; its payload is a good one."""
    return mail1.batch(RECORDS)


@pytest.fixture
def kept(accounting: Accounting, header: BatchHeader) -> KeptAside:
    assert accounting.quarantine(header, encode(rows(RECORDS)), WHY, NOON) == "kept"
    (found,) = accounting.quarantined()
    return found


def test_it_says_what_it_is(kept: KeptAside, header: BatchHeader) -> None:
    assert kept.entry == f"{header.collector_id}:1"
    assert (kept.reason, kept.message, kept.time) == (WHY.reason, str(WHY), NOON)
    assert kept.header == header
    assert kept.records == len(RECORDS)


def test_it_is_counted_after_all_and_leaves(
    accounting: Accounting, kept: KeptAside, header: BatchHeader
) -> None:
    before = accounting.ledger(header.collector_id)
    assert before.quarantined == 2
    assert accounting.count_quarantined(kept, LARGEST, NOON) is None
    assert accounting.sums(DAY) == domain_sums(RECORDS)
    assert accounting.quarantined() == []
    assert accounting.books().quarantine == NOTHING
    assert accounting.ledger(header.collector_id) == replace(before, quarantined=0, records=2)


def test_it_is_counted_once_however_often_one_asks(accounting: Accounting, kept: KeptAside) -> None:
    accounting.count_quarantined(kept, LARGEST, NOON)
    said = accounting.count_quarantined(kept, LARGEST, NOON)
    assert said == "It is no longer in quarantine."
    assert accounting.sums(DAY) == domain_sums(RECORDS)
    assert accounting.books().quarantine == NOTHING


def test_its_host_may_have_been_taken_over_since(accounting: Accounting, kept: KeptAside) -> None:
    accounting.collector(epoch=2)
    assert accounting.count_quarantined(kept, LARGEST, NOON) is None
    assert accounting.sums(DAY) == domain_sums(RECORDS)


def test_what_is_still_unusable_stays(accounting: Accounting, mail1: FakeCollector) -> None:
    accounting.quarantine(mail1.batch(RECORDS), b"junk", WHY, NOON)
    for each in accounting.quarantined():
        assert accounting.count_quarantined(each, LARGEST, NOON)
    assert len(accounting.quarantined()) == 1
    assert accounting.sums(DAY) == {}


def test_dropped_it_is_gone_and_its_lines_stay_told(
    accounting: Accounting, kept: KeptAside, header: BatchHeader
) -> None:
    assert accounting.drop_quarantined(kept)
    assert not accounting.drop_quarantined(kept)
    assert accounting.quarantined() == []
    assert accounting.books().quarantine == NOTHING
    assert accounting.ledger(header.collector_id).quarantined == 2


def test_a_batch_without_records_leaves_as_well(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    for dropped in (True, False):
        accounting.quarantine(mail1.batch([]), encode(rows([])), WHY, NOON)
        (found,) = accounting.quarantined()
        if dropped:
            assert accounting.drop_quarantined(found)
        else:
            assert accounting.count_quarantined(found, LARGEST, NOON) is None
        assert accounting.books().quarantine == NOTHING


def test_a_batch_that_was_applied_meanwhile_is_not_kept(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    header = mail1.batch(RECORDS)
    accounting.send((header, RECORDS))
    assert accounting.quarantine(header, b"junk", WHY, NOON) == "refused"
    assert accounting.quarantined() == []


# What only a server has


def test_a_message_that_is_no_announcement_stays_and_all_sums_leave_with_the_last_entry(
    state: State, keys: StateKeys, calendar: Calendar
) -> None:
    server, mail1 = OnRedis(state, keys, calendar), FakeCollector(state, keys)
    found = Quarantine(state, keys, QuarantineLimits())
    found.message(b"what?", BadBatch("bad-header", "It is no announcement."), NOON)
    server.quarantine(mail1.batch(RECORDS), encode(rows(RECORDS)), WHY, NOON)
    batch, message = server.quarantined()
    assert server.count_quarantined(message, LARGEST, NOON)
    assert server.count_quarantined(batch, LARGEST, NOON) is None
    assert state.hlen(keys.quarantine) == 1
    assert server.drop_quarantined(message)
    assert not state.exists(keys.quarantine)
    assert set(state.hvals(keys.quarantine_sums)) == {b"0"}
