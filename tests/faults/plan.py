"""Which faults happen when, drawn from a seed. Pure: the same seed is the same plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.faults.site import AGGREGATORS, COLLECTORS, HOSTS, LOADER, SERVICES

if TYPE_CHECKING:
    from tests.faults.redis_under_fault import Fsync

Database = Literal["sqlite", "postgresql"]
#: Lines are written, and faults begin and end, by ticks of so many seconds.
TICK = 0.05
TICKS = 80
#: Faults that make Redis forget wait until there is a snapshot.
_SETTLED = 30
_FEWEST, _MOST = 12, 18

#: Kind → how often, relative to others; whom it meets; how many ticks it lasts at most.
_EVERYBODY = ("collector", "aggregator")
_KINDS: dict[str, tuple[int, tuple[str, ...], int]] = {
    "kill": (8, SERVICES, 12),
    "stop": (2, SERVICES, 12),
    "pause": (3, SERVICES, 20),
    "restart-storm": (2, (*COLLECTORS, *AGGREGATORS), 0),
    "disk-full": (3, SERVICES, 15),
    "redis-kill": (3, ("redis",), 10),
    "redis-pause": (1, ("redis",), 15),
    "redis-full": (2, ("redis",), 15),
    "redis-disk-full": (2, ("redis",), 15),
    "redis-read-only": (2, ("redis",), 10),
    "queue-lost": (2, ("redis",), 0),
    "queue-doubled": (2, ("redis",), 0),
    "payloads-lost": (2, ("redis",), 0),
    "network-cut": (3, _EVERYBODY, 20),
    "network-silent": (1, _EVERYBODY, 20),
    "network-held": (2, _EVERYBODY, 20),
    "answer-lost": (4, _EVERYBODY, 0),
    "rename": (4, HOSTS, 0),
    "copytruncate": (3, HOSTS, 0),
    "compress": (2, HOSTS, 0),
    "log-cut": (2, HOSTS, 0),
    "log-zeroed": (1, HOSTS, 0),
    "log-edited": (2, HOSTS, 0),
    "log-replaced": (2, HOSTS, 0),
    "log-restored": (2, HOSTS, 0),
    "log-copied": (3, HOSTS, 0),
    "hostile-messages": (2, COLLECTORS, 0),
    "clock-stepped": (5, (*SERVICES, "redis"), 30),
}
#: A collector whose state directory is lost or old begins where the ledger stands. So these do not
#: happen in one seed with faults that make the ledger go back: what both forgot is read by nobody.
_FORGETTING = {
    "redis-power-loss": (3, ("redis",), 10),
    "redis-emptied": (1, ("redis",), 0),
    "redis-rolled-back": (3, ("redis",), 25),
}
_LOSING = {
    "state-directory-lost": (3, COLLECTORS, 5),
    "state-directory-restored": (3, COLLECTORS, 25),
    "collector-cloned": (3, COLLECTORS, 25),
}
_DATABASE = {"database-cut": (2, (LOADER,), 0)}


@dataclass(frozen=True, slots=True)
class Fault:
    """It begins at a tick and is healed ``lasts`` ticks later."""

    at: int
    kind: str
    target: str
    lasts: int

    def __str__(self) -> str:
        during = f" for {self.lasts}" if self.lasts else ""
        return f"{self.at:3d}  {self.kind} {self.target}{during}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides but the content of the lines."""

    seed: int
    database: Database
    fsync: Fsync
    faults: tuple[Fault, ...]


def make_plan(seed: int) -> Plan:
    """The plan of a seed."""
    rng = random.Random(f"plan {seed}")
    database: Database = rng.choice(("sqlite", "postgresql"))
    fsync: Fsync = rng.choice(("always", "everysec", "everysec"))
    kinds = _KINDS | (_LOSING if rng.random() < 0.45 else _forgetting(fsync))
    if database == "postgresql":
        kinds |= _DATABASE
    names = list(kinds)
    chosen = rng.choices(names, [kinds[name][0] for name in names], k=rng.randint(_FEWEST, _MOST))
    faults = [_fault(rng, kind, kinds[kind]) for kind in chosen]
    return Plan(seed, database, fsync, tuple(sorted(faults, key=lambda fault: fault.at)))


def _forgetting(fsync: Fsync) -> dict[str, tuple[int, tuple[str, ...], int]]:
    """With ``always`` nothing that was answered is lost."""
    lossless = fsync == "always"
    return {k: v for k, v in _FORGETTING.items() if not (lossless and k == "redis-power-loss")}


def _fault(rng: random.Random, kind: str, how: tuple[int, tuple[str, ...], int]) -> Fault:
    _, targets, longest = how
    earliest = _SETTLED if kind in _FORGETTING else 4
    return Fault(
        at=rng.randint(earliest, TICKS - 10),
        kind=kind,
        target=rng.choice(targets),
        lasts=rng.randint(1, longest) if longest else 0,
    )
