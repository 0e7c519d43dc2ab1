"""Records as a test writes them, and as they travel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from mailtally_collector.formats import FoldedChunk, Parsed, folded
from mailtally_collector.spool.state_db import new_id
from mailtally_shared.columns import Columns
from mailtally_shared.rows import UNFOLDED, Rows, fold
from mailtally_shared.schema import Service
from mailtally_shared.state.keys import host_mark
from mailtally_shared.wire.announcement import BatchHeader
from mailtally_shared.wire.payload import checksum, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from mailtally_collector.ship.ledger import Registration
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

NOON = 1_771_243_200  # 2026-02-16 12:00 UTC
#: Of a collector that was started once.
NONCE = "c" * 32


@dataclass(frozen=True)
class Record:
    """One log line's content."""

    time: int = NOON
    domain: str = "example.com"
    service: Service = Service.SMTP_IN
    status: str = "success"
    size: int = 1024
    attempts: int = 1
    host: str = "mail.example.net"


class Key(NamedTuple):
    """The key of a row."""

    start: int
    host: str
    domain: str
    service: Service
    status: str


#: Messages, bytes, and what repeated attempts add to them.
Sums = tuple[int, int, int]


def columns(records: Sequence[Record]) -> Columns:
    """The records as a parser gives them."""
    host, hosts = _indexed([r.host for r in records])
    status, statuses = _indexed([r.status for r in records])
    domain, domains = _indexed([r.domain for r in records])
    return Columns(
        time=np.array([r.time for r in records], np.int64),
        size=np.array([r.size for r in records], np.int64),
        attempts=np.array([r.attempts for r in records], np.int64),
        service=np.array([r.service for r in records], np.uint8),
        host=np.array(host, np.uint16),
        status=np.array(status, np.uint8),
        domain=np.array(domain, np.uint32),
        hosts=hosts,
        statuses=statuses,
        domains=domains,
    )


def rows(records: Sequence[Record], step: int = UNFOLDED) -> Rows:
    """The records as they travel: one by one, or folded by a longer step."""
    each = Rows.of(columns(records), step)
    return each if step == UNFOLDED else fold(each)


def records_of(batch: Rows) -> list[Record]:
    """The records of a batch that was not folded; attempts of records without bytes are lost."""
    assert batch.step == UNFOLDED
    assert batch.messages.tolist() == [1] * len(batch)
    return [
        Record(
            time=int(batch.start[i]),
            domain=batch.domains[batch.domain[i]],
            service=Service(int(batch.service[i])),
            status=batch.statuses[batch.status[i]],
            size=int(batch.bytes[i]),
            attempts=1 + int(batch.extra[i]) // max(int(batch.bytes[i]), 1),
            host=batch.hosts[batch.host[i]],
        )
        for i in range(len(batch))
    ]


def folded_chunk(records: Sequence[Record], step: int = UNFOLDED) -> FoldedChunk:
    """A chunk of a log with these records and no other lines."""
    nothing = Parsed.nothing()
    return folded(Parsed(columns(records), nothing.rejects, len(records)), step)


def sums_of(batch: Rows) -> dict[Key, Sums]:
    """Messages, bytes and extra of each key of a batch, with all names written out."""
    found: dict[Key, list[int]] = {}
    for i in range(len(batch)):
        key = Key(
            int(batch.start[i]),
            batch.hosts[batch.host[i]],
            batch.domains[batch.domain[i]],
            Service(int(batch.service[i])),
            batch.statuses[batch.status[i]],
        )
        sums = found.setdefault(key, [0, 0, 0])
        for place, column in enumerate((batch.messages, batch.bytes, batch.extra)):
            sums[place] += int(column[i])
    return {key: (sums[0], sums[1], sums[2]) for key, sums in found.items()}


def domain_sums(records: Iterable[Record]) -> dict[str, int]:
    """Bytes by domain, added up plainly."""
    sums: Counter[str] = Counter()
    for record in records:
        sums[record.domain] += record.size
    return dict(sums)


class FakeCollector:
    """Registers and announces batches as a collector does, without logs and spool."""

    def __init__(self, state: State, keys: StateKeys, host: str = "mail1", epoch: int = 1) -> None:
        self.state, self.keys, self.host, self.epoch = state, keys, host, epoch
        self.id, self.nonce = new_id(host_mark(host)), NONCE
        self.seq = 0
        self.register()

    @classmethod
    def speaking_for(cls, state: State, keys: StateKeys, who: Registration) -> Self:
        """One that announces in the name of a start that is registered, or was."""
        speaker = cls.__new__(cls)
        speaker.state, speaker.keys, speaker.host, speaker.seq = state, keys, who.host, 0
        speaker.id, speaker.epoch, speaker.nonce = who.collector_id, who.epoch, who.nonce
        return speaker

    def register(self) -> None:
        """Own the host name, whoever had it."""
        self.state.hset(
            self.keys.registration(self.host),
            mapping={"id": self.id, "epoch": self.epoch, "nonce": self.nonce},
        )
        self.state.sadd(self.keys.hosts, self.host)
        self.state.sadd(self.keys.collectors, self.id)

    def store(self, key: str, payload: bytes) -> None:
        """Put a payload where the aggregator fetches it."""
        self.state.set(key, payload)

    def read_up_to(self, watermark: int) -> None:
        """Have the ledger say how far this start has read."""
        word: dict[Any, Any] = {"nonce": self.nonce, "watermark": watermark}
        self.state.hset(self.keys.ledger(self.id), mapping=word)

    def batch(
        self, records: Sequence[Record], *, seq: int | None = None, watermark: int = 0
    ) -> BatchHeader:
        """Store a payload and return its announcement; numbered next unless said otherwise."""
        return self.batch_of(rows(records), seq=seq, watermark=watermark)

    def batch_of(self, sent: Rows, *, seq: int | None = None, watermark: int = 0) -> BatchHeader:
        """Do the same with rows."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        payload = encode(sent)
        key = self.keys.payload(self.id, seq, checksum(payload))
        self.store(key, payload)
        return BatchHeader(
            collector_id=self.id,
            epoch=self.epoch,
            nonce=self.nonce,
            host=self.host,
            seq=seq,
            lines=int(sent.messages.sum()),
            records=int(sent.messages.sum()),
            rows=len(sent),
            watermark=watermark,
            progress=f'{{"note":{seq}}}',
            payload_key=key,
            payload_bytes=len(payload),
            checksum=checksum(payload),
        )


def any_record(
    *, domains: Sequence[str] = ("a.example", "b.example", "c.example.org"), largest: int = 2**40
) -> st.SearchStrategy[Record]:
    """Records of a few domains, around some days."""
    return st.builds(
        Record,
        time=st.integers(NOON - 3 * 86_400, NOON + 3 * 86_400),
        domain=st.sampled_from(domains),
        service=st.sampled_from(Service),
        status=st.sampled_from(["success", "timeout", "rejspam", "strange"]),
        size=st.integers(0, largest),
        attempts=st.integers(0, 5),
        host=st.sampled_from(["mail1.example.net", "mail2.example.net"]),
    )


def _indexed(names: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    distinct = sorted(set(names))
    return [distinct.index(name) for name in names], tuple(distinct)
