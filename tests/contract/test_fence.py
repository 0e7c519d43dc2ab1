"""A copied state directory has its owner's id; only its start tells it from its owner."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.errors import BadBatch
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import CHECKSUMS_KEPT
from mailtally_shared.wire.announcement import Heartbeat
from tests.support.records import NONCE, NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
OTHER = "d" * 32
RECORDS = [Record()]


@pytest.mark.parametrize(
    ("epoch", "nonce", "lands_in"),
    [(1, NONCE, "outdated"), (2, NONCE, "outdated"), (3, OTHER, "outdated"), (2, OTHER, "applied")],
)
def test_only_a_batch_of_the_start_that_is_registered_counts(
    accounting: Accounting, mail1: FakeCollector, epoch: int, nonce: str, lands_in: str
) -> None:
    mail1.epoch, mail1.nonce = epoch, nonce
    batch = Batch(mail1.batch(RECORDS), rows(RECORDS))
    mail1.epoch, mail1.nonce = 2, OTHER
    mail1.register()
    outcome = accounting.apply([batch], [], NOON)
    assert getattr(outcome, lands_in) == [batch]
    assert bool(accounting.days()) == (lands_in == "applied")


@pytest.mark.parametrize(("nonce", "told"), [(NONCE, 77.0), (OTHER, 0.0)])
def test_only_a_heartbeat_of_the_start_that_is_registered_counts(
    accounting: Accounting, mail1: FakeCollector, nonce: str, told: float
) -> None:
    beat = Heartbeat(
        collector_id=mail1.id, epoch=1, nonce=nonce, host="mail1", after_seq=0, watermark=77
    )
    accounting.apply([], [beat], NOON)
    assert accounting.watermarks() == {"mail1": told}


def test_a_start_has_read_nothing_until_it_says_so(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.send((mail1.batch(RECORDS, watermark=200), RECORDS))
    mail1.epoch, mail1.nonce = 2, OTHER
    mail1.register()
    assert accounting.watermarks() == {"mail1": 0.0}
    assert accounting.ledger(mail1.id).watermark == 0
    accounting.send((mail1.batch(RECORDS, watermark=100), RECORDS))
    assert accounting.watermarks() == {"mail1": 100.0}


def test_another_batch_under_a_known_number_is_refused_and_not_taken_for_a_repetition(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    one, other = ([Record(size=size)] for size in (1, 2))
    first, second = (Batch(mail1.batch(each, seq=1), rows(each)) for each in (one, other))
    together = accounting.apply([first, second, first], [], NOON)
    assert (together.applied, together.different) == ([first], [second])
    assert together.known == [first]
    assert accounting.apply([second], [], NOON).different == [second]
    assert accounting.apply([first], [], NOON).known == [first]
    assert accounting.read(DAY).messages == 1


@pytest.mark.parametrize("gap", [True, False])
def test_another_batch_is_told_beyond_a_gap_and_below_it(
    accounting: Accounting, mail1: FakeCollector, *, gap: bool
) -> None:
    last = 4 if gap else 3
    for seq in (1, 2, last):
        accounting.apply([Batch(mail1.batch(RECORDS, seq=seq), rows(RECORDS))], [], NOON)
    other = [Record(size=9)]
    batch = Batch(mail1.batch(other, seq=last), rows(other))
    assert accounting.apply([batch], [], NOON).different == [batch]


def test_what_is_in_quarantine_is_told_from_another_batch_too(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    why = BadBatch("bad-checksum", "The payload is not the one that was announced.")
    assert accounting.quarantine(mail1.batch(RECORDS, seq=1), b"", why, NOON) == "kept"
    other = [Record(size=9)]
    batch = Batch(mail1.batch(other, seq=1), rows(other))
    assert accounting.apply([batch], [], NOON).different == [batch]


def test_checksums_are_kept_as_far_back_as_any_window_reaches_and_no_farther(
    state: State, keys: StateKeys, calendar: Calendar
) -> None:
    mail1 = FakeCollector(state, keys)
    committer = Committer(state, keys, calendar)
    made = [Batch(mail1.batch([]), rows([])) for _ in range(CHECKSUMS_KEPT + 3)]
    for first in range(0, len(made), 100):
        committer.apply(made[first : first + 100], [], NOON)
    kept = state.hkeys(keys.checksums(mail1.id))
    assert set(map(int, kept)) == set(range(4, CHECKSUMS_KEPT + 4))
    assert committer.apply(made[:1], [], NOON).known == made[:1]
