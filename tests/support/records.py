"""Records as a test writes them, and as they travel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from mailtally_collector.state_db import new_id
from mailtally_shared.columns import Columns, Service
from mailtally_shared.header import BatchHeader
from mailtally_shared.payload import checksum, encode
from mailtally_shared.state.keys import host_mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from mailtally_collector.ledger import Registration
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


def columns(records: Sequence[Record]) -> Columns:
    """The records as they travel."""
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


def records_of(batch: Columns) -> list[Record]:
    """The records of a batch, one by one."""
    return [
        Record(
            time=int(batch.time[i]),
            domain=batch.domains[batch.domain[i]],
            service=Service(int(batch.service[i])),
            status=batch.statuses[batch.status[i]],
            size=int(batch.size[i]),
            attempts=int(batch.attempts[i]),
            host=batch.hosts[batch.host[i]],
        )
        for i in range(len(batch))
    ]


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

    def read_up_to(self, watermark: int) -> None:
        """Have the ledger say how far this start has read."""
        word: dict[Any, Any] = {"nonce": self.nonce, "watermark": watermark}
        self.state.hset(self.keys.ledger(self.id), mapping=word)

    def batch(
        self, records: Sequence[Record], *, seq: int | None = None, watermark: int = 0
    ) -> BatchHeader:
        """Store a payload and return its announcement; numbered next unless said otherwise."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        payload = encode(columns(records))
        key = self.keys.payload(self.id, seq, checksum(payload))
        self.state.set(key, payload)
        return BatchHeader(
            collector_id=self.id,
            epoch=self.epoch,
            nonce=self.nonce,
            host=self.host,
            seq=seq,
            lines=len(records),
            records=len(records),
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
