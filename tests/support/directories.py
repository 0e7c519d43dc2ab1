"""State directories that can be copied at will, and starting collectors from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from mailtally_collector.ship.claim import Incarnation, Remembered
from mailtally_collector.ship.ledger import Ledger, Registration
from mailtally_collector.ship.registrar import Registrar
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.state_db import new_id
from mailtally_shared.state.keys import host_mark
from tests.support.records import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.tail.positions import Position
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.wire.announcement import BatchHeader

LIFE = 60.0


@dataclass
class MemoryDirectory:
    """What the registrar sees of a spool, in memory."""

    collector_id: str
    registered: Incarnation | None = None
    intent: Incarnation | None = None
    former_id: str | None = None
    batches: dict[int, BatchHeader] = field(default_factory=dict)
    positions: Sequence[Position] = ()
    former: Progress = field(default_factory=Progress)
    meta: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, host: str) -> Self:
        """An empty one."""
        return cls(new_id(host_mark(host)))

    def copy(self) -> Self:
        """As a backup or a clone of the machine has it."""
        return replace(self, batches=dict(self.batches), meta=dict(self.meta))

    @property
    def identity(self) -> Self:
        return self

    def remembered(self) -> Remembered:
        last = max(self.batches, default=0)
        return Remembered(self.collector_id, self.registered, self.intent, last)

    def former_progress(self) -> Progress:
        return self.former

    def forget_former_progress(self) -> None:
        self.former = Progress()

    def note_intent(self, intent: Incarnation) -> None:
        self.intent = intent

    def note_registered(self, incarnation: Incarnation) -> None:
        self.registered = incarnation

    def newly_applied(self, upto_seq: int, ahead: Iterable[int]) -> dict[int, str]:
        beyond = set(ahead)
        made = self.batches.items()
        return {s: header.checksum for s, header in made if s <= upto_seq or s in beyond}

    def save_positions(self, positions: Sequence[Position]) -> None:
        self.positions = positions

    def set_meta(self, name: str, value: str) -> None:
        self.meta[name] = value

    def unapplied_count(self) -> int:
        return len(self.batches)

    def numbers_above(self, seq: int) -> set[int]:
        return {number for number in self.batches if number > seq}

    def start_over(self, mark: str, dropped: Iterable[int]) -> None:
        notes = [Progress.from_json(self.batches[seq].progress) for seq in dropped]
        spans = tuple(span for note in notes for span in note.spans)
        self.former = Progress(tuple(self.positions), spans)
        self.former_id, self.collector_id = self.collector_id, new_id(mark)
        self.registered = self.intent = None
        self.batches, self.meta = {}, {}
        self.positions = ()


def registrar(
    state: State, keys: StateKeys, directory: MemoryDirectory | Spool, host: str, machine: str
) -> Registrar:
    """One that starts a collector from a directory."""
    ledger = Ledger(state, keys, LIFE)
    return Registrar(cast("Spool", directory), ledger, host, machine, lambda: NOON)


def start(
    state: State,
    keys: StateKeys,
    directory: MemoryDirectory | Spool,
    host: str = "mail1",
    machine: str = "one",
) -> Registration:
    """Start a collector once; the first to be at work is still heard of."""
    return registrar(state, keys, directory, host, machine).start()


def silence(state: State, keys: StateKeys) -> None:
    """Three heartbeats go by in which no collector is heard of."""
    signs = list(state.scan_iter(keys.alive("*", "*")))
    if signs:
        state.delete(*signs)
