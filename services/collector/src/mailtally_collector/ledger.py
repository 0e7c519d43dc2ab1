"""The collector's view of the ledger: register, and see what was applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgpack

from mailtally_collector.claim import Owner, claim
from mailtally_shared.errors import Fenced, Unavailable
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from redis.client import Pipeline

    from mailtally_shared.state.keys import StateKeys

#: A chain of state directories lost one after another, before any of them applied a batch.
_MOST_PREDECESSORS = 1000


@dataclass(frozen=True, slots=True)
class Registration:
    """Who this collector is to the cluster. ``epoch`` grows with each take-over."""

    host: str
    collector_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What the ledger says: everything up to ``hwm`` is applied, and ``ahead`` beyond it.

    ``watermark``: Unix seconds up to which the logs are known to be read.
    """

    hwm: int
    ahead: frozenset[int]
    watermark: int = 0

    def covers(self, earlier: Applied) -> bool:
        """Nothing is missing here that was applied before."""
        lost = (seq for seq in earlier.ahead if seq > self.hwm and seq not in self.ahead)
        return self.hwm >= earlier.hwm and next(lost, None) is None


@dataclass(frozen=True, slots=True)
class Inherited:
    """The notes of an earlier collector under this host name.

    ``at_hwm`` is the progress note of its last batch without a gap before it
    (empty if there was none); ``ahead`` those of batches applied beyond it.
    """

    at_hwm: str
    ahead: tuple[str, ...]


class Ledger:
    """The ledger of one collector."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self._state = state
        self._keys = keys

    def register(self, host: str, collector_id: str, epoch: int) -> Registration:
        """Claim the host name, or resume under it.

        Args:
            host: this mail host's name in the cluster.
            collector_id: of the state directory.
            epoch: the one registered before, 0 if never.

        Raises:
            Fenced: another collector took the name over.
            Unavailable: Redis does not answer, or no aggregator was started yet.
        """
        keys = self._keys

        granted: list[int] = []

        def attempt(pipeline: Pipeline) -> None:
            granted.append(self._claim(pipeline, host, collector_id, epoch))

        with unavailable_errors():
            # As a transaction, and not as a script: a collector has no right to run any.
            self._state.transaction(attempt, keys.format, keys.registration(host))
        return Registration(host, collector_id, granted[-1])

    def _claim(self, pipeline: Pipeline, host: str, collector_id: str, epoch: int) -> int:
        """Read who has the name, and queue what is to be written; all of it is, or nothing."""
        keys = self._keys
        if not pipeline.exists(keys.format):
            raise Unavailable("No aggregator has opened the state in Redis yet.")
        mine = claim(self._owner(pipeline, host), collector_id, epoch)
        if mine is None:
            raise Fenced(
                f"Another collector has registered under the host name {host!r} since this one "
                "did, so nothing more is counted from this state directory. If both run, give "
                "one of them another name (MAILTALLY_COLLECTOR__HOST); if this is an old copy, "
                "remove it."
            )
        ledger = keys.ledger(collector_id)
        pipeline.multi()
        if mine.is_new:
            pipeline.hset(
                keys.registration(host), mapping={"id": collector_id, "epoch": mine.epoch}
            )
            pipeline.sadd(keys.collectors, collector_id)
            pipeline.hset(ledger, mapping={"host": host, "epoch": mine.epoch})
        # It may have been retired meanwhile.
        pipeline.sadd(keys.hosts, host)
        if mine.predecessor:
            pipeline.hsetnx(ledger, "predecessor", mine.predecessor)
        # How far it has read it says anew: an earlier word may have been "to the end of input".
        pipeline.hset(ledger, "watermark", "0")
        return mine.epoch

    def _owner(self, pipeline: Pipeline, host: str) -> Owner | None:
        fields = pipeline.hmget(self._keys.registration(host), "id", "epoch")
        found, epoch = cast("list[bytes | None]", fields)
        return Owner(found.decode("ascii"), int(epoch or 0)) if found else None

    def applied(self, registration: Registration) -> Applied:
        """What is applied by now.

        Raises:
            Fenced: the host name is not this collector's any more.
            Unavailable: Redis does not answer, or it forgot this collector: register again.
        """
        keys = self._keys
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=True)
            pipeline.hmget(keys.registration(registration.host), "id", "epoch")
            pipeline.hmget(keys.ledger(registration.collector_id), "hwm", "watermark")
            pipeline.hkeys(keys.ahead(registration.collector_id))
            (owner, epoch), (hwm, watermark), ahead = pipeline.execute()
        mine = (registration.collector_id.encode(), str(registration.epoch).encode())
        if (owner, epoch) != mine:
            self.register(registration.host, registration.collector_id, registration.epoch)
        return Applied(int(hwm or 0), frozenset(map(int, ahead)), int(watermark or 0))

    def inherited(self, collector_id: str) -> Inherited | None:
        """What this collector's predecessors had read; ``None`` if it is the first."""
        with unavailable_errors():
            for _ in range(_MOST_PREDECESSORS):
                note = self._field(collector_id, "predecessor")
                if note is None:
                    return None
                collector_id = note.decode("ascii")
                progress = self._field(collector_id, "progress")
                packed = cast("list[bytes]", self._state.hvals(self._keys.ahead(collector_id)))
                if progress is not None or packed:
                    notes = tuple(msgpack.unpackb(entry)[1] for entry in packed)
                    return Inherited((progress or b"").decode(), notes)
        return None

    def _field(self, collector_id: str, name: str) -> bytes | None:
        return cast("bytes | None", self._state.hget(self._keys.ledger(collector_id), name))
