"""Who takes part in the ledger's model: collectors, their batches, a connection that breaks."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import redis
from hypothesis import strategies as st

from mailtally_collector.ship.ledger import Registration
from mailtally_shared.schema import KEY, MAX_SIZE, Service
from mailtally_shared.state.commit.batch import Batch
from tests.support.directories import MemoryDirectory, registrar, silence, start
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailtally_shared.days import Sums
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.wire.announcement import BatchHeader
    from tests.twin.twin import Start

#: (domain, collector, host, service, status) → messages, bytes, transferred.
Rows = dict[tuple[str, ...], tuple[int, int, int]]

#: Three of these on one day are too many.
FLOOD = Record(time=NOON + 9 * 86_400, domain="flood.example", size=MAX_SIZE, attempts=500)

#: Further ahead of any clock than is counted.
FAR_AHEAD = 4_102_444_800  # 2100-01-01

records = st.lists(
    st.builds(
        Record,
        time=st.sampled_from([NOON - 86_400, NOON, NOON + 86_400, FAR_AHEAD]),
        domain=st.sampled_from([f"d{i}.example" for i in range(5)]),
        service=st.sampled_from([Service.SMTP_IN, Service.POP3]),
        status=st.sampled_from(["success", "timeout", "odd1", "odd2"]),
        size=st.integers(0, 2**40),
        attempts=st.integers(0, 3),
        host=st.sampled_from(["mail1.example.net", "mail2.example.net"]),
    ),
    max_size=6,
)


class Sender(FakeCollector):
    """Registers as a real collector does, from a state directory."""

    def __init__(
        self, state: State, keys: StateKeys, host: str, directory: MemoryDirectory | None = None
    ) -> None:
        self.state, self.keys, self.host = state, keys, host
        self.directory = directory or MemoryDirectory.new(host)
        self.start()

    def start(self) -> None:
        """Start, three heartbeats after any collector was heard of."""
        silence(self.state, self.keys)
        self.be(start(self.state, self.keys, self.directory, self.host))

    def renew(self) -> None:
        """Register again while at work, after the state went back."""
        self.be(registrar(self.state, self.keys, self.directory, self.host, "one").renew())

    def be(self, who: Registration) -> None:
        self.id, self.epoch, self.nonce = who.collector_id, who.epoch, who.nonce
        self.seq = self.directory.remembered().last_seq

    @property
    def speaks_as(self) -> Start:
        return self.id, self.epoch, self.nonce

    @property
    def registration(self) -> Registration:
        return Registration(self.host, *self.speaks_as)


@dataclass(frozen=True)
class Sent:
    """A batch that was made; it may be delivered any number of times, in any start's name."""

    host: str
    header: BatchHeader
    records: Sequence[Record]

    @property
    def name(self) -> tuple[str, int]:
        return self.header.collector_id, self.header.seq

    @property
    def speaks_as(self) -> Start:
        return self.header.collector_id, self.header.epoch, self.header.nonce

    def announced_by(self, sender: Sender) -> Sent:
        """In the name of the present start, as the shipper sends it."""
        name = {"epoch": sender.epoch, "nonce": sender.nonce}
        return replace(self, header=self.header.model_copy(update=name))


class Cut:
    """A state whose connection breaks at a commit: before it, or with its answer under way."""

    def __init__(self, state: State, *, before: bool) -> None:
        self._state, self._before = state, before

    def time(self) -> Any:  # noqa: ANN401 - whatever redis-py gives
        return self._state.time()

    def register_script(self, source: str) -> Any:  # noqa: ANN401 - whatever redis-py gives
        script = self._state.register_script(source)

        def run(**request: Any) -> Any:  # noqa: ANN401 - as above
            if self._before:
                raise redis.ConnectionError("the connection was reset")
            answer = script(**request)
            if json.loads(answer)["verdict"] == "applied":
                raise redis.ConnectionError("the connection was reset")
            return answer

        return run


def note(seq: int) -> str:
    return f'{{"note":{seq}}}'


def as_batches(group: Iterable[Sent]) -> list[Batch]:
    return [Batch(sent.header, rows(sent.records)) for sent in group]


def names(batches: Iterable[Batch]) -> set[tuple[str, int]]:
    return {(batch.header.collector_id, batch.header.seq) for batch in batches}


def by_key(sums: Iterable[Sums]) -> Rows:
    return {row[: len(KEY)]: (row.messages, row.bytes, row.transferred) for row in sums}  # type: ignore[misc]  # a part of a named tuple
