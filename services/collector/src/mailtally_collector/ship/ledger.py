"""The collector's view of the ledger: register, and read what is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from mailtally_collector.ship.claim import Found, Incarnation, Owner
from mailtally_collector.ship.giving_up import give_up
from mailtally_collector.ship.inheritance import Inherited, inherited
from mailtally_shared.errors import MailtallyError, Unavailable
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import Pair, pair, read_standing, seconds_of
from mailtally_shared.state.policy import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redis.client import Pipeline

    from mailtally_collector.spool.touched import Range
    from mailtally_shared.state.keys import StateKeys

_FIELDS = ("hwm", "watermark", "nonce", "status_digest")
#: Fields read of the collector's own hash, in this order.
_SAID = ("passed", "history")
#: Fields read of a registration, in this order.
_OWNER = ("id", "epoch", "nonce", "machine")


class Displaced(MailtallyError):
    """The state has another registration under the host name than this one."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A collector's identity in the cluster.

    ``epoch`` grows with each start, and each start has a new ``nonce``.
    """

    host: str
    collector_id: str
    epoch: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The ledger's answer: everything up to ``hwm`` is applied, and ``ahead`` beyond it.

    ``watermark``: Unix seconds up to which the logs are known to be read. ``status``: the digest
    of the status document in the ledger, empty for none. ``state_clock``: the time of the Redis
    server. ``state``: the history and the number of commits. ``acknowledged``: the history to which
    this collector has sent all that its spool had.
    """

    hwm: int
    ahead: frozenset[int]
    watermark: int = 0
    status: str = ""
    state_clock: float = field(default=0.0, compare=False)
    state: Pair | None = field(default=None, compare=False)  # changes with each commit
    acknowledged: str = field(default="", compare=False)

    @property
    def newest(self) -> int:
        """Return the highest number that is applied."""
        return max(self.ahead, default=self.hwm)

    def covers(self, earlier: Applied) -> bool:
        """Return whether everything that was applied earlier is still applied."""
        lost = (seq for seq in earlier.ahead if seq > self.hwm and seq not in self.ahead)
        return self.hwm >= earlier.hwm and next(lost, None) is None


class Ledger:
    """The ledger of one collector.

    ``life``: seconds for which a sign of life lasts, three heartbeats.
    """

    def __init__(self, state: State, keys: StateKeys, life: float = 90.0) -> None:
        self._state = state
        self._keys = keys
        self._life = max(1, int(life * 1000))

    def look(self, host: str, collector_id: str) -> tuple[Found, Applied]:
        """Return the owner of the host name, and what is applied under a collector's id.

        Raises:
            Unavailable: Redis does not answer.
        """
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=True)
            pipeline.hmget(self._keys.registration(host), _OWNER)
            self._ask_applied(pipeline, collector_id)
            fields, *applied = pipeline.execute()
            owner = _owner(fields)
            life = self._life_of(owner) if owner else 0.0
        return Found(owner, life), _applied(applied)

    def register(
        self,
        mine: Registration,
        expected: Owner | None,
        predecessor: str | None,
        machine: str,
    ) -> None:
        """Register a start, provided that the host name still has the expected owner.

        Args:
            mine: the start.
            expected: the owner that was found.
            predecessor: the id of the collector whose positions it inherits.
            machine: the machine that it runs on, as an operator knows it.

        Raises:
            Unavailable: Redis does not answer, no aggregator was started yet, or another
                collector registered first: read the state again.
        """
        keys = self._keys

        def attempt(pipeline: Pipeline) -> None:
            if not pipeline.exists(keys.format):
                raise Unavailable("No aggregator has opened the state in Redis yet.")
            fields = cast(
                "list[bytes | None]", pipeline.hmget(keys.registration(mine.host), _OWNER)
            )
            if _owner(fields) != expected:
                raise Unavailable(f"Another start was registered under {mine.host!r} just now.")
            pipeline.multi()
            self._queue(pipeline, mine, predecessor, machine)

        with unavailable_errors():
            # A transaction, not a script: a collector has no right to run scripts.
            self._state.transaction(attempt, keys.format, keys.registration(mine.host))

    def _queue(
        self, pipeline: Pipeline, mine: Registration, predecessor: str | None, machine: str
    ) -> None:
        """Queue the writes of a start, which are made in one transaction."""
        keys = self._keys
        pipeline.hset(
            keys.registration(mine.host),
            mapping={
                "id": mine.collector_id,
                "epoch": mine.epoch,
                "nonce": mine.nonce,
                "machine": machine,
            },
        )
        pipeline.set(keys.alive(mine.collector_id, mine.nonce), "1", px=self._life)
        pipeline.sadd(keys.collectors, mine.collector_id)
        # The host may have been retired meanwhile.
        pipeline.sadd(keys.hosts, mine.host)
        pipeline.hset(keys.said(mine.collector_id), "host", mine.host)
        if predecessor:
            pipeline.hsetnx(keys.said(mine.collector_id), "predecessor", predecessor)

    def applied(self, registration: Registration) -> Applied:
        """Return what is applied.

        Raises:
            Displaced: the state has another registration under the host name.
            Unavailable: Redis does not answer.
        """
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=True)
            pipeline.hmget(self._keys.registration(registration.host), _OWNER)
            self._ask_applied(pipeline, registration.collector_id)
            fields, *applied = pipeline.execute()
        owner = _owner(fields)
        mine = (registration.collector_id, registration.epoch, registration.nonce)
        if owner is None or (owner.collector_id, *_pair(owner.incarnation)) != mine:
            raise Displaced(registration.host)
        return _applied(applied, registration.nonce)

    def show_life(self, registration: Registration) -> None:
        """Write a sign of life, which lasts for three heartbeats."""
        alive = self._keys.alive(registration.collector_id, registration.nonce)
        with unavailable_errors():
            self._state.set(alive, "1", px=self._life)

    def checksums(self, collector_id: str, numbers: Iterable[int]) -> list[str | None]:
        """Return the checksums of applied batches; ``None`` for one that has expired."""
        with unavailable_errors():
            key = self._keys.checksums(collector_id)
            found = cast("list[bytes | None]", self._state.hmget(key, list(map(str, numbers))))
        return [each.decode("ascii") if each else None for each in found]

    def note_rival(self, host: str, machine: str, now: float) -> None:
        """Note for ``doctor`` that a collector stopped because another one is running."""
        with unavailable_errors():
            self._state.hset(
                self._keys.registration(host), mapping={"rival": machine, "rival_at": int(now)}
            )

    def _ask_applied(self, pipeline: Pipeline, collector_id: str) -> None:
        pipeline.hmget(self._keys.ledger(collector_id), _FIELDS)
        pipeline.hmget(self._keys.said(collector_id), _SAID)
        pipeline.hkeys(self._keys.ahead(collector_id))
        pipeline.time()
        pipeline.hmget(self._keys.history, "id", "commits")

    def _life_of(self, owner: Owner) -> float:
        alive = self._keys.alive(owner.collector_id, owner.incarnation.nonce)
        return max(0, self._state.pttl(alive)) / 1000

    def holds(self, seen: Pair | None) -> bool:
        """Return whether the state still has all that was committed when it was ``seen``."""
        return read_standing(self._state, self._keys, seen).covers_memory

    def give_up(
        self, registration: Registration, lost: Sequence[Range], hours: Mapping[int, str]
    ) -> None:
        """Pass lost batches, and note the hours that they touched; see ``giving_up``."""
        with unavailable_errors():
            give_up(self._state, self._keys, registration.collector_id, lost, hours)

    def zone(self) -> str | None:
        """Return the site's accounting time zone, or ``None`` while it has none.

        Raises:
            Unavailable: Redis does not answer.
            Refused: the site policy is of another version.
        """
        policy = read_policy(self._state, self._keys)
        return policy.timezone if policy else None

    def acknowledge(self, registration: Registration, history: str) -> None:
        """Note that this history of the state has all that the spool can send."""
        with unavailable_errors():
            self._state.hset(self._keys.said(registration.collector_id), "history", history)

    def inherited(self, collector_id: str) -> Inherited | None:
        """Return the notes of the collector's predecessors, or ``None`` if nothing was applied."""
        with unavailable_errors():
            return inherited(self._state, self._keys, collector_id)


def _owner(fields: list[bytes | None]) -> Owner | None:
    found, epoch, nonce, machine = (each and each.decode("ascii", "replace") for each in fields)
    if not found:
        return None
    return Owner(found, Incarnation(int(epoch or 0), nonce or ""), machine or "")


def _pair(incarnation: Incarnation) -> tuple[int, str]:
    return incarnation.epoch, incarnation.nonce


def _applied(answers: Sequence[Any], nonce: str = "") -> Applied:
    """Decode the answers; a watermark counts only if this very start reported it."""
    (hwm, watermark, speaker, status), (passed, known), ahead, moment, state = answers
    upto = max(int(hwm or 0), int(passed or 0))
    return Applied(
        hwm=upto,
        ahead=frozenset(seq for seq in map(int, ahead) if seq > upto),
        watermark=int(watermark or 0) if speaker == nonce.encode() else 0,
        status=(status or b"").decode(),
        state_clock=seconds_of(moment),
        state=pair(state),
        acknowledged=(known or b"").decode(),
    )
