"""The state on a real Redis against its twin: whatever is sent, lost, doubled or taken back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import chain, count
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

from mailtally_aggregator.days.day_writer import DayWriter
from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_aggregator.policies import WriterPolicy
from mailtally_collector.ship.ledger import Ledger
from mailtally_shared.days import DayFacts, DayNames, read_day
from mailtally_shared.days.watermark import DayPolicy
from mailtally_shared.errors import BadBatch, Fenced, Refused, Unavailable
from mailtally_shared.state.commit.batch import Batch, Outcome
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.state.keys import FORMAT
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.late_days import pin_of
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.snapshot import take_snapshot
from tests.models.agreement import agree
from tests.models.taking_part import (
    FLOOD,
    Cut,
    Rows,
    Sender,
    Sent,
    as_batches,
    by_key,
    names,
    note,
    records,
)
from tests.support.directories import LIFE, MemoryDirectory, start
from tests.support.records import FakeCollector, rows
from tests.twin.on_redis import OnRedis
from tests.twin.twin import TOTALS, Twin, Where

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.held import HeldDay
    from mailtally_shared.wire.announcement import BatchHeader
    from tests.support.records import Record

CAPS = Caps(names=3, statuses=1)
TODAY = date(2026, 2, 16)
HOSTS = ("mail1", "mail2")
#: Written and retired as soon as they are over, whoever is missing.
AT_ONCE = WriterPolicy(days=DayPolicy(grace=0, deadline=0, restate_after=0), retention=0)


def covers(now: tuple[int, ...] | None, before: tuple[int, ...]) -> bool:
    """Whether no figure of a row became lower."""
    return now is not None and all(a >= b for a, b in zip(now, before, strict=True))


class LedgerMachine(RuleBasedStateMachine):
    """Two hosts' collectors, one state, one day writer."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        super().__init__()
        self.state, self.keys, self.calendar, self.directory = state, keys, calendar, directory
        self.ledger = Ledger(state, keys, LIFE)
        self.clock = count(1)
        self.real = OnRedis(state, keys, calendar, CAPS)
        self.model = Twin(calendar, CAPS)
        self.saved: Twin | None = None
        self.filed: dict[date, Rows] = {}  # the newest files of each day
        self.senders: dict[str, Sender] = {}
        self.backups: dict[str, MemoryDirectory] = {}
        self.batches: list[Sent] = []

    @initialize()
    def open(self) -> None:
        self.state.flushall()
        self.state.set(self.keys.format, FORMAT)
        for host in HOSTS:
            self.begin(Sender(self.state, self.keys, host))
        self.real.restart()

    def begin(self, sender: Sender) -> None:
        """It has started, and is the host's collector from now on."""
        self.senders[sender.host] = sender
        self.model.register(sender.host, sender.speaks_as)

    # What collectors do

    @rule(host=st.sampled_from(HOSTS), records=records)
    def spool(self, host: str, records: list[Record]) -> None:
        sender = self.senders[host]
        header = sender.batch(records)
        sender.directory.batches[header.seq] = header
        self.batches.append(Sent(host, header, records))

    @rule(host=st.sampled_from(HOSTS))
    def flood(self, host: str) -> None:
        self.spool(host, [FLOOD])

    @rule(host=st.sampled_from(HOSTS))
    def restart(self, host: str) -> None:
        sender = self.senders[host]
        before = sender.id
        sender.start()
        assert sender.id == before
        self.begin(sender)

    @rule(host=st.sampled_from(HOSTS))
    def lose_a_state_directory(self, host: str) -> None:
        """The successor goes on behind what is applied: the rest is read, and sent, anew."""
        lost = self.senders[host]
        self.begin(Sender(self.state, self.keys, host))
        self.check_inheritance(self.senders[host])
        self.read_again(lost)

    @rule(host=st.sampled_from(HOSTS))
    def back_a_directory_up(self, host: str) -> None:
        self.backups[host] = self.senders[host].directory.copy()

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore_a_directory(self, data: st.DataObject) -> None:
        """An old copy starts when its original has ended, or a machine and its logs went back."""
        host = data.draw(st.sampled_from(sorted(self.backups)))
        self.continue_from(self.backups[host].copy(), host)

    @rule(host=st.sampled_from(HOSTS))
    def clone_a_collector_at_work(self, host: str) -> None:
        """The clone overtakes it: what it still sends counts no more."""
        original = self.senders[host]
        self.continue_from(original.directory.copy(), host)
        with pytest.raises(Fenced):
            original.renew()

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def start_a_copy_while_the_original_is_at_work(self, data: st.DataObject) -> None:
        """Unless it is the very same state, it does not start, and changes nothing."""
        host = data.draw(st.sampled_from(sorted(self.backups)))
        original, copy = self.senders[host], self.backups[host].copy()
        if copy.registered == original.directory.registered:
            return
        self.ledger.show_life(original.registration)
        with pytest.raises(Unavailable):
            start(self.state, self.keys, copy, host)

    def continue_from(self, directory: MemoryDirectory, host: str) -> None:
        """What the directory does not know of is read again, from its positions or the ledger's."""
        before, made = self.senders[host], dict(directory.batches)
        known = self.model.accounts.get(directory.collector_id)  # a Redis that went back has none
        newest = max(known.checksums if known else (), default=0)
        is_old = newest > max(made, default=0)
        self.begin(Sender(self.state, self.keys, host, directory))
        if is_old:
            assert directory.collector_id != before.id
        self.read_again(before)

    def read_again(self, former: Sender) -> None:
        """The present collector makes batches of what the former one had, and nothing counts."""
        present = self.senders[former.host]
        for header in former.directory.batches.values():
            behind = self.model.accounts[header.collector_id].checksums
            kept = present.directory.batches.get(header.seq)
            if header.seq in behind or kept == header:
                continue
            (sent,) = [s for s in self.batches if s.header == header]
            self.spool(former.host, sent.records)

    def check_inheritance(self, successor: Sender) -> None:
        collector, hwm, ahead = successor.id, 0, list[str]()
        while not hwm and (before := self.model.predecessor.get(collector)) is not None:
            collector, hwm = before, self.model.accounts[before].hwm
            ahead += map(note, self.model.accounts[before].ahead)
        found = self.ledger.inherited(successor.id)
        assert (found.at_hwm if found else "") == (note(hwm) if hwm else "")
        assert sorted(found.ahead if found else ()) == sorted(ahead)

    # What aggregators do

    def some(self, data: st.DataObject, *, flood: bool) -> list[Sent]:
        batches = [sent for sent in self.batches if (FLOOD in sent.records) == flood]
        if not batches:
            return []
        picked = st.lists(st.sampled_from(batches), max_size=8, unique_by=lambda sent: sent.name)
        found = data.draw(picked)
        # In the queue may also be what a former start announced.
        return found if data.draw(st.booleans()) else [self.announced(sent) for sent in found]

    def announced(self, sent: Sent) -> Sent:
        """As the host's present collector announces it, where it is its own."""
        sender = self.senders[sent.host]
        return sent.announced_by(sender) if sender.id == sent.name[0] else sent

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
        cut = cast("State", Cut(self.state, before=before))
        other = OnRedis(cut, self.keys, self.calendar, CAPS)
        other.hours = self.real.hours
        if new or (group and before):
            with pytest.raises(Unavailable):
                other.apply(as_batches(group), [], 0)
        if not before:
            assert not self.model.apply(as_batches(group), [], 0).overflowing

    @rule()
    def restart_the_aggregator(self) -> None:
        self.real.restart()

    def new(self, group: Iterable[Sent]) -> list[Sent]:
        return [sent for sent in group if self.model.judge(sent.header) == "applied"]

    def hand_over(self, group: list[Sent]) -> None:
        """Both count, and each batch becomes the same in both."""
        new = self.new(group)
        outcome = self.real.apply(as_batches(group), [], 0)
        expected = self.model.apply(as_batches(group), [], 0)
        for became in fields(Outcome):
            assert names(getattr(outcome, became.name)) == names(getattr(expected, became.name))
        for batch in expected.overflowing:
            self.put_aside(batch.header)
        assert not any(self.state.exists(sent.header.payload_key) for sent in new)

    def put_aside(self, header: BatchHeader) -> None:
        why = BadBatch("overflow", "The batch lifts a day's sum beyond 63 bits.")
        for accounting in (self.real, self.model):
            assert accounting.quarantine(header, b"", why, 0) == "kept"

    @precondition(lambda self: self.model.held())
    @rule(data=st.data(), more=st.booleans())
    def count_held(self, data: st.DataObject, *, more: bool) -> None:
        """Twice the same: the second time there is nothing left of it."""
        found = self.a_held_day(data)
        expected = self.model.read_held(found.collector_id, found.day)
        assert expected is not None
        if more:  # the answer was lost, and it is asked again
            self.real.count_held(found, 0)
        self.real.restart()
        assert self.real.count_held(found, 0) == ("changed" if more else "applied")
        assert self.model.count_held(expected, 0) == "applied"

    @precondition(lambda self: self.model.held())
    @rule(data=st.data())
    def drop_held(self, data: st.DataObject) -> None:
        found = self.a_held_day(data)
        expected = self.model.read_held(found.collector_id, found.day)
        assert expected is not None
        assert [self.real.drop_held(found) for _ in range(2)] == [True, False]
        assert self.model.drop_held(expected)

    def a_held_day(self, data: st.DataObject) -> HeldDay:
        each = data.draw(st.sampled_from(self.model.held()))
        found = self.real.read_held(each.collector_id, each.day)
        assert found is not None
        return found

    @rule()
    def switch_hours(self) -> None:
        """Aggregators start with other settings."""
        self.real.hours = self.model.hours = not self.model.hours

    # What the day writer does

    @precondition(lambda self: self.model.days())
    @rule(data=st.data())
    def compact_hours(self, data: st.DataObject) -> None:
        self.state.delete(self.keys.writer_lease)
        self.real.compact_hours(data.draw(st.sampled_from(self.model.days())).day)

    def drop_hours_as_the_writer_did(self) -> None:
        """Those of days that are written and long over."""
        for day in self.real.days():
            if day.hours_left:
                assert not day.is_dirty
                self.model.sheets[Where(TOTALS, day.day)].hours_left = True

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
        self.acknowledge()
        for _ in ("writes", "retires what it finds written"):
            assert writer.tick(self.calendar.end_of(last))
        self.check_days_written([each.day for each in self.model.days() if each.day <= last])
        self.drop_hours_as_the_writer_did()

    def check_days_written(self, over: list[date]) -> None:
        """Days are written and retired up to the first that would become lower."""
        is_held_up = False
        for day in over:
            rows, former = by_key(self.model.read(day).rows), self.filed.get(day, {})
            if all(covers(rows.get(key), sums) for key, sums in former.items()):
                self.filed[day] = rows
                written = read_day(self.directory, DayNames.of(day))
                assert by_key(chain.from_iterable(written.counted())) == rows
            else:
                is_held_up = True
            if not is_held_up:
                facts = DayFacts(
                    day=day, timezone="UTC", revision=self.model.begin(day), complete=True
                )
                assert self.model.finish(facts, self.model.read(day).changes, 0)
                assert self.model.retire(day, pin_of(self.directory, day))

    def acknowledge(self) -> None:
        """As collectors do once all that they have is sent again."""
        for sender in self.senders.values():
            if history := self.state.hget(self.keys.history, "id"):
                self.state.hset(self.keys.said(sender.id), "history", cast("bytes", history))

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
            self.real.apply([Batch(self.a_header(), rows([]))], [], 0)
        assert self.state.dbsize() == 0
        open_state(self.state, self.keys, self.directory)
        assert self.saved is not None
        self.model = replace(deepcopy(self.saved), hours=self.model.hours)
        for sender in list(self.senders.values()):
            sender.renew()
            self.begin(sender)

    def a_header(self) -> BatchHeader:
        header = FakeCollector.batch(self.senders[HOSTS[0]], [], seq=999_999)
        self.state.flushall()
        return header

    @invariant()
    def state_and_model_agree(self) -> None:
        agree(self.real, self.model)

    def is_spooled(self, sent: Sent) -> bool:
        made = self.senders[sent.host].directory.batches
        return made.get(sent.header.seq) == sent.header

    def teardown(self) -> None:
        """Once everybody sent what the ledger lacks, all of it is there."""
        if not self.senders:
            return
        own = [self.announced(sent) for sent in self.batches if self.is_spooled(sent)]
        pending = self.new(own)
        self.hand_over([sent for sent in pending if FLOOD not in sent.records])
        self.hand_over([sent for sent in pending if FLOOD in sent.records])
        for sender in self.senders.values():
            assert self.model.accounts[sender.id].hwm == sender.seq
            assert not any(self.model.judge(sent.header) == "different" for sent in own)
        self.state_and_model_agree()


def test_the_ledger_agrees_with_its_model(
    state: State, keys: StateKeys, calendar: Calendar, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(state, keys, calendar, tmp_path_factory.mktemp("statistic")),  # type: ignore[arg-type]  # anything that makes one
        settings=settings(stateful_step_count=30),
    )
