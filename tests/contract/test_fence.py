"""A copied state directory has its owner's id; only the epoch tells it from its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.request import Batch
from mailtally_aggregator.totals import Totals
from tests.support.records import NOON, FakeCollector, Record, columns

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


def test_a_batch_of_an_earlier_epoch_of_the_same_collector_is_refused(
    state: State, keys: StateKeys, calendar: Calendar
) -> None:
    mail1 = FakeCollector(state, keys)
    records = [Record()]
    former = Batch(mail1.batch(records), columns(records))
    mail1.epoch = 2
    mail1.register()
    outcome = Committer(state, keys, calendar).apply([former], [], NOON)
    assert outcome.fenced == [former]
    assert Totals(state, keys).days() == []
