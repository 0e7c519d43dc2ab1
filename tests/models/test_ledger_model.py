"""The ledger on a real Redis against a model: whatever is sent, lost, doubled or taken back."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailtally_aggregator.commit import Committer
from mailtally_aggregator.day_writer import DayWriter, WriterPolicy
from mailtally_aggregator.lease import Lease
from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_aggregator.quarantine import Quarantine, QuarantineLimits
from mailtally_aggregator.request import Batch, Caps
from mailtally_aggregator.snapshot import take_snapshot
from mailtally_aggregator.totals import Totals
from mailtally_aggregator.watermark import DayPolicy
from mailtally_collector.ledger import Ledger
from mailtally_shared.day_files import DayNames, read_day
from mailtally_shared.errors import BadBatch, Refused, Unavailable
from mailtally_shared.state.keys import FORMAT
from tests.models.agreement import agree
from tests.models.plain_ledger import PlainLedger
from tests.models.taking_part import (
    FLOOD,
    Cut,
    Sender,
    Sent,
    as_batches,
    by_key,
    names,
    note,
    records,
)
from tests.support.records import FakeCollector, columns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.header import BatchHeader
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.support.records import Record

CAPS = Caps(names=3, statuses=1)
TODAY = date(2026, 2, 16)
HOSTS = ("mail1", "mail2")
#: Written and retired as soon as they are over, whoever is missing.
AT_ONCE = WriterPolicy(days=DayPolicy(grace=0, deadline=0, restate_after=0), retention=0)


class LedgerMachine(RuleBasedStateMachine):
    """Two hosts' collectors, one state, one day writer."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        super().__init__()
        self.state, self.keys, self.calendar, self.directory = state, keys, calendar, directory
        self.ledger = Ledger(state, keys)
        self.clock = count(1)
        self.model = PlainLedger(CAPS.names, CAPS.statuses)
        self.saved: PlainLedger | None = None
        self.senders: dict[str, Sender] = {}
        self.batches: list[Sent] = []

    def committer(self, state: object = None) -> Committer:
        """One without a memory, as after a restart."""
        return Committer(cast("State", state or self.state), self.keys, self.calendar, caps=CAPS)

    @initialize()
    def open(self) -> None:
        self.state.flushall()
        self.state.set(self.keys.format, FORMAT)
        for host in HOSTS:
            self.senders[host] = Sender(self.state, self.keys, host)
            self.model.register(host, self.senders[host].id)
        self.aggregator = self.committer()

    # What collectors do

    @rule(host=st.sampled_from(HOSTS), records=records)
    def spool(self, host: str, records: list[Record]) -> None:
        sender = self.senders[host]
        self.batches.append(Sent(sender, sender.batch(records), records))

    @rule(host=st.sampled_from(HOSTS))
    def flood(self, host: str) -> None:
        self.spool(host, [FLOOD])

    @rule(host=st.sampled_from(HOSTS))
    def lose_a_state_directory(self, host: str) -> None:
        """The successor goes on behind what is applied: the rest is read, and sent, anew."""
        lost = self.senders[host]
        successor = self.senders[host] = Sender(self.state, self.keys, host)
        self.model.register(host, successor.id)
        self.check_inheritance(successor)
        rest = [s for s in self.batches if s.sender is lost and not self.model.has(s.name)]
        for sent in rest:
            self.spool(host, sent.records)

    def check_inheritance(self, successor: Sender) -> None:
        collector, model = successor.id, self.model
        while (before := model.predecessor.get(collector)) is not None:
            collector = before
            if model.hwm(collector) or model.ahead(collector):
                break
        found = self.ledger.inherited(successor.id)
        hwm = model.hwm(collector)
        assert (found.at_hwm if found else "") == (note(hwm) if hwm else "")
        assert set(found.ahead if found else ()) == set(map(note, model.ahead(collector)))

    # What aggregators do

    def some(self, data: st.DataObject, *, flood: bool) -> list[Sent]:
        batches = [sent for sent in self.batches if (FLOOD in sent.records) == flood]
        if not batches:
            return []
        picked = st.lists(st.sampled_from(batches), max_size=8, unique_by=lambda sent: sent.name)
        return data.draw(picked)

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Any batches in any order: new ones, known ones, those of a fenced collector."""
        self.hand_over(self.some(data, flood=False))

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def deliver_a_flood(self, data: st.DataObject) -> None:
        self.hand_over(self.some(data, flood=True))

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), before=st.booleans())
    def deliver_into_a_cut(self, data: st.DataObject, *, before: bool) -> None:
        group = self.some(data, flood=False)
        new = self.new(group)
        committer = self.committer(Cut(self.state, before=before))
        if new or (group and before):
            with pytest.raises(Unavailable):
                committer.apply(as_batches(group), [], 0)
        if not before:
            assert self.model.apply({sent.name: sent.records for sent in new})

    @rule()
    def restart_the_aggregator(self) -> None:
        self.aggregator = self.committer()

    def new(self, group: Iterable[Sent]) -> list[Sent]:
        owners = self.model.owner.values()
        return [s for s in group if s.header.collector_id in owners and not self.model.has(s.name)]

    def hand_over(self, group: list[Sent]) -> None:
        new = self.new(group)
        outcome = self.aggregator.apply(as_batches(group), [], 0)
        fenced = {s.name for s in group if s.header.collector_id not in self.model.owner.values()}
        overflowing = self.count(new)
        assert names(outcome.fenced) == fenced
        assert names(outcome.known) == {s.name for s in group} - fenced - {s.name for s in new}
        assert names(outcome.overflowing) == overflowing
        assert names(outcome.applied) == {s.name for s in new} - overflowing
        for sent in new:
            if sent.name in overflowing:
                self.put_aside(sent)
        self.check_payloads(new)

    def count(self, new: list[Sent]) -> set[tuple[str, int]]:
        """In the model: all at once, or one by one where that is too much."""
        if self.model.apply({sent.name: sent.records for sent in new}):
            return set()
        return {sent.name for sent in new if not self.model.apply({sent.name: sent.records})}

    def put_aside(self, sent: Sent) -> None:
        quarantine = Quarantine(self.state, self.keys, QuarantineLimits())
        why = BadBatch("overflow", "The batch lifts a day's sum beyond 63 bits.")
        assert quarantine.batch(sent.header, b"", why, 0, at_once=True) == "kept"
        self.model.quarantined[sent.name] = len(sent.records)

    def check_payloads(self, new: list[Sent]) -> None:
        assert not any(self.state.exists(sent.header.payload_key) for sent in new)

    # What the day writer does

    @rule(days=st.integers(-2, 2))
    def write_and_retire(self, days: int) -> None:
        """Every day that is over is written, and its totals leave the state."""
        last = TODAY + timedelta(days)
        writer = DayWriter(
            totals=Totals(self.state, self.keys),
            lease=Lease(self.state, self.keys, 3600),
            keys=self.keys,
            calendar=self.calendar,
            directory=self.directory,
            policy=AT_ONCE,
        )
        self.state.delete(self.keys.writer_lease)
        for _ in ("writes", "retires what it finds written"):
            assert writer.tick(self.calendar.end_of(last))
        over = [day for day in self.model.days(late=False) if day <= last]
        for day in over:
            written = read_day(self.directory, DayNames.of(day))
            assert by_key(written.sums()) == self.model.rows(day, late=False)
        if over:
            self.model.closed_before = over[-1] + timedelta(1)

    @rule()
    def save(self) -> None:
        take_snapshot(self.state, self.keys, self.directory / SNAPSHOTS, next(self.clock))
        self.saved = deepcopy(self.model)

    @precondition(lambda self: self.saved)
    @rule()
    def lose_redis(self) -> None:
        """It comes back empty, is refused, and then filled with an older copy of itself."""
        self.state.flushall()
        with pytest.raises(Refused, match="emptied"):
            self.aggregator.apply([Batch(self.a_header(), columns([]))], [], 0)
        assert self.state.dbsize() == 0
        open_state(self.state, self.keys, self.directory)
        assert self.saved is not None
        self.model = deepcopy(self.saved)
        for host, sender in self.senders.items():
            sender.register_again()
            self.model.register(host, sender.id)

    def a_header(self) -> BatchHeader:
        header = FakeCollector.batch(self.senders[HOSTS[0]], [], seq=999_999)
        self.state.flushall()
        return header

    @invariant()
    def state_and_model_agree(self) -> None:
        agree(self.state, self.keys, self.model, {s.header.collector_id for s in self.batches})

    def teardown(self) -> None:
        """Once everybody sent what the ledger lacks, all of it is there."""
        if not self.senders:
            return
        pending = self.new(self.batches)
        self.hand_over([sent for sent in pending if FLOOD not in sent.records])
        self.hand_over([sent for sent in pending if FLOOD in sent.records])
        for sender in self.senders.values():
            assert self.model.hwm(sender.id) == sender.seq
        self.state_and_model_agree()


def test_the_ledger_agrees_with_its_model(
    state: State, keys: StateKeys, calendar: Calendar, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(state, keys, calendar, tmp_path_factory.mktemp("statistic")),  # type: ignore[arg-type]  # anything that makes one
        settings=settings(stateful_step_count=30),
    )
