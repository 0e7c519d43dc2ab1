"""Spool and shipper against a ledger that may lose anything: nothing it lacks is ever forgotten."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

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

from mailtally_collector.ship.ledger import Applied, Ledger, Registration
from mailtally_collector.ship.shipping import ReadUpTo, ShipLimits, Shipper
from mailtally_collector.ship.window import Patience, Window
from mailtally_collector.spool.spool import Spool
from mailtally_collector.spool.touched import passed
from mailtally_shared.errors import Unavailable
from mailtally_shared.wire.announcement import BatchHeader, Heartbeat, parse_announcement
from tests.support.records import NONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailtally_collector.ship.publish import Publisher
    from mailtally_collector.tail.positions import Position

HOST = "mail1"
LIMITS = ShipLimits(
    window=4, group=2, idle_look=0.0, heartbeat=1.0, keep_applied=30.0, keep_bytes=4000
)
CHECKSUM = "0" * 32
NOTHING_READ: tuple[Position, ...] = ()


def hour_of(seq: int) -> int:
    """The hour that a batch touches; three in a row touch one."""
    return seq // 3


class Copy(NamedTuple):
    """A copy of the ledger."""

    behind: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()


class FakeLedger:
    """Which batches are applied; what a collector is shown of it."""

    def __init__(self) -> None:
        self.behind: set[int] = set()
        self.missing: set[int] = set()  # the hours of lost batches

    def copy(self) -> Copy:
        """As a replica may have it."""
        return Copy(frozenset(self.behind), frozenset(self.missing))

    def go_back_to(self, copy: Copy) -> None:
        self.behind, self.missing = set(copy.behind), set(copy.missing)

    def give_up(
        self, _: Registration, lost: Sequence[tuple[int, int]], hours: Mapping[int, str]
    ) -> None:
        applied = self._applied()
        upto = passed(applied.hwm, applied.ahead, lost)
        self.behind |= set(range(1, upto + 1))
        self.missing |= set(hours)

    def applied(self, _: Registration) -> Applied:
        return self._applied()

    def _applied(self) -> Applied:
        hwm = 0
        while hwm + 1 in self.behind:
            hwm += 1
        return Applied(hwm, frozenset(seq for seq in self.behind if seq > hwm))

    def checksums(self, _: str, numbers: Iterable[int]) -> list[str]:
        return [CHECKSUM for _ in numbers]

    def show_life(self, _: Registration) -> None:
        pass


def never_displaced() -> Registration:
    raise AssertionError


class FakeQueue:
    """Holds what was published until the test lets it through or loses it."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.payloads: dict[int, bytes] = {}
        self.is_cut = False

    def batches(self, batches: Sequence[tuple[bytes, str, bytes]]) -> None:
        for announcement, key, payload in batches:
            header = parse_announcement(announcement)
            assert isinstance(header, BatchHeader)
            assert key == header.payload_key
            assert self.payloads.setdefault(header.seq, payload) == payload, "a batch changed"
            if self.is_cut:
                raise Unavailable("The broker does not answer.")
            self.held.append(header.seq)

    def waiting(self) -> int:
        return 0

    def heartbeat(self, heartbeat: Heartbeat) -> None:
        self.told = heartbeat.after_seq

    def reset(self) -> None:
        self.is_cut = False


class SpoolMachine(RuleBasedStateMachine):
    """One collector's spool, opened anew now and then, and all that may become of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="mailtally-spool-")
        self.ledger, self.queue = FakeLedger(), FakeQueue()
        self.now = 1000.0
        self.made = 0
        self.highest = 0  # before which the ledger ever had no gap
        self.lost: set[int] = set()  # what the ledger and the spool both lacked at some turn
        self.copies = [Copy()]  # of the ledger, as a replica may have them

    @initialize()
    def start(self) -> None:
        self.spool = Spool.open(Path(self.directory.name))
        registration = Registration(HOST, self.spool.collector_id, 1, NONCE)
        self.shipper = Shipper(
            spool=self.spool,
            ledger=cast("Ledger", self.ledger),
            publisher=cast("Publisher", self.queue),
            window=Window(Patience(), random.Random(1)),
            registration=registration,
            renew=never_displaced,
            read_up_to=lambda: ReadUpTo(self.made, 0),
            limits=LIMITS,
            stated=float,
        )

    # The collector

    @rule(size=st.sampled_from([1, 500, 3000]))
    def read(self, size: int) -> None:
        self.made += 1
        header = BatchHeader(
            collector_id=self.spool.collector_id,
            epoch=1,
            nonce=NONCE,
            host=HOST,
            seq=self.made,
            lines=0,
            records=0,
            rows=0,
            watermark=0,
            progress="",
            payload_key=f"payload:{self.made}",
            payload_bytes=size,
            checksum=CHECKSUM,
        )
        payload = bytes([self.made % 256]) * size
        seq = self.spool.commit(
            header.to_bytes().decode(),
            payload,
            NOTHING_READ,
            rejects=0,
            counters={},
            now=self.now,
            hours=[hour_of(self.made)],
        )
        assert seq == self.made

    @rule(seconds=st.sampled_from([0.1, 2.0, 20.0, 200.0]))
    def turn(self, seconds: float) -> None:
        """Some time passes, and the shipper takes a turn: what the ledger lacks is pending then."""
        self.now += seconds
        gone = self.lacking() - self.kept()
        self.lost |= gone
        try:
            self.shipper.turn(self.now)
        except Unavailable:
            self.shipper.reset()
        self.copies.append(self.ledger.copy())
        hwm = self.ledger.applied(Registration(HOST, "", 1, NONCE)).hwm
        self.highest = max(self.highest, hwm)
        assert set(range(self.highest + 1, self.made + 1)) <= self.kept(), "pruned beyond a gap"
        to_send = self.lacking() & self.kept()
        assert {pending.seq for pending in self.spool.pending(hwm, 1000)} == to_send
        self.check_lost(gone, min(to_send, default=self.made + 1))

    def check_lost(self, gone: set[int], first_to_send: int) -> None:
        """What is lost is passed as far as the ledger comes, and never without its hour."""
        assert all(seq > first_to_send for seq in gone & self.lacking())
        assert set(map(hour_of, gone & self.ledger.behind)) <= self.ledger.missing
        assert self.ledger.missing <= set(map(hour_of, self.lost))

    @rule()
    def restart(self) -> None:
        """As after kill -9: only what is on disk is left."""
        self.spool.close()
        self.start()
        assert self.spool.next_seq == self.made + 1

    # The rest of the cluster

    @precondition(lambda self: self.queue.held)
    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        """An aggregator takes any of what is in the queue."""
        seq = data.draw(st.sampled_from(self.queue.held))
        self.queue.held.remove(seq)
        self.ledger.behind.add(seq)
        self.copies.append(self.ledger.copy())

    @precondition(lambda self: self.queue.held)
    @rule()
    def apply_the_last(self) -> None:
        """Which leaves a gap, where others wait."""
        self.ledger.behind.add(self.queue.held.pop())
        self.copies.append(self.ledger.copy())

    @precondition(lambda self: self.queue.held)
    @rule()
    def apply_everything(self) -> None:
        self.ledger.behind.update(self.queue.held)
        self.queue.held.clear()
        self.copies.append(self.ledger.copy())

    @rule(seconds=st.sampled_from([2.0, 200.0]))
    def go_well(self, seconds: float) -> None:
        """For a while nothing is wrong."""
        self.read(500)
        self.turn(1.0)
        self.ledger.behind.update(self.queue.held)
        self.queue.held.clear()
        self.copies.append(self.ledger.copy())
        self.turn(seconds)

    @precondition(lambda self: self.queue.held)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.queue.held.remove(data.draw(st.sampled_from(self.queue.held)))

    @rule()
    def cut(self) -> None:
        """The next sending fails half-way."""
        self.queue.is_cut = True

    @rule(back=st.integers(1, 6))
    def go_back(self, back: int) -> None:
        """A failover to an older copy, or to an empty one."""
        self.ledger.go_back_to(self.copies[max(0, len(self.copies) - 1 - back)])
        self.copies.append(self.ledger.copy())

    # What must hold

    def kept(self) -> set[int]:
        rows = self.spool._db.rows("SELECT seq FROM batches")  # noqa: SLF001 - what is on disk
        return {seq for (seq,) in rows}

    def lacking(self) -> set[int]:
        return set(range(1, self.made + 1)) - self.ledger.behind

    @invariant()
    def what_was_never_applied_is_kept(self) -> None:
        if not hasattr(self, "spool"):
            return
        ever = self.ledger.behind.union(*(copy.behind for copy in self.copies))
        assert set(range(1, self.made + 1)) - ever <= self.kept()

    def teardown(self) -> None:
        """Once nothing is lost any more, everything is applied within some turns."""
        if hasattr(self, "spool"):
            self.turn(1.0)
            for _ in range(4 * self.made + 4):
                self.apply_everything()
                self.turn(70.0)
            assert not self.lacking()
            assert self.spool.unapplied_count() == 0
            self.spool.close()
        self.directory.cleanup()


def test_the_spool_and_its_shipper_agree_with_their_model() -> None:
    run_state_machine_as_test(
        SpoolMachine,
        settings=settings(max_examples=2 * settings().max_examples, stateful_step_count=40),
    )
