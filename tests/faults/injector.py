"""How each kind of fault is done to a site, and how it is healed."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import redis
from sqlalchemy import create_engine

from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.queue import QUEUE
from tests.faults.doubles import Doubles
from tests.faults.hostile import Hostile
from tests.faults.log_faults import LogFaults
from tests.faults.proxy import Network
from tests.faults.site import COLLECTORS, SERVICES
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.faults.plan import Fault
    from tests.faults.site import Site
    from tests.faults.traffic import Traffic

_STORM = 3  # restarts
_PATIENCE = 2.0  # seconds
#: Seconds by which a clock is set off, either way.
_STEPS = (90, 3600, 7 * 3600, 86_400, 60 * 86_400, 400 * 86_400)
_NETWORKS = {"network-cut": Network.CUT, "network-silent": Network.SILENT}
_NETWORKS["network-held"] = Network.HELD


class Injector:
    """Begins and ends faults. Ending one that something else ended already is harmless."""

    def __init__(self, site: Site, traffic: Traffic, rng: random.Random) -> None:
        self._site = site
        self._rng = rng
        doubles, self._hostile = Doubles(site, rng), Hostile(site, rng)
        self._doubles = doubles
        self._redis_marks: list[int] = []
        self._begins: dict[str, Callable[[str], None]] = {
            "kill": site.kill,
            "stop": site.stop,
            "pause": lambda name: site.processes[name].signal(signal.SIGSTOP),
            "restart-storm": self._storm,
            "disk-full": lambda name: site.processes[name].limit_files(rng.choice((0, 20_000))),
            "state-directory-lost": self._lose_state_directory,
            "state-directory-restored": doubles.back_up,
            "collector-cloned": doubles.clone,
            "redis-kill": lambda _: site.redis.kill(),
            "redis-power-loss": lambda _: site.redis.lose_power(rng),
            "redis-rolled-back": lambda _: self._redis_marks.append(site.redis.file_size()),
            "redis-pause": lambda _: site.redis.pause(),
            "redis-full": lambda _: self._configure("maxmemory", "1"),
            "redis-disk-full": lambda _: site.redis.limit_files(site.redis.file_size()),
            "redis-read-only": lambda _: self._on_redis(_make_replica),
            "redis-emptied": lambda _: self._empty(),
            "queue-lost": lambda _: self._on_redis(_lose_queue),
            "queue-doubled": lambda _: self._on_redis(_double_queue),
            "payloads-lost": lambda _: self._on_redis(_lose_payloads),
            "answer-lost": lambda role: site.networks[role].lose_an_answer(),
            "rename": lambda host: site.logs[host].rename(),
            "copytruncate": lambda host: site.logs[host].copytruncate(),
            "compress": lambda host: site.logs[host].compress(),
            **LogFaults(site, traffic, rng).kinds(),
            "hostile-messages": self._hostile.send,
            "clock-stepped": self._step_clock,
            "database-cut": lambda _: cut_database(site.database_url),
        }
        self._ends: dict[str, Callable[[str], None]] = {
            "kill": site.start_if_ended,
            "stop": site.wanted.add,  # started when it has ended, which may take its time
            "pause": lambda name: site.processes[name].signal(signal.SIGCONT),
            "disk-full": lambda name: site.processes[name].limit_files(None),
            "state-directory-lost": site.start_if_ended,
            "state-directory-restored": doubles.restore,
            "collector-cloned": doubles.end_clone,
            "redis-kill": lambda _: self._restart_redis(),
            "redis-power-loss": lambda _: self._restart_redis(),
            "redis-rolled-back": lambda _: self._roll_redis_back(),
            "clock-stepped": lambda name: site.shift_clock(name, 0),
            "redis-pause": lambda _: site.redis.resume(),
            "redis-full": lambda _: self._configure("maxmemory", "0"),
            "redis-disk-full": lambda _: self._make_room_for_redis(),
            "redis-read-only": lambda _: self._on_redis(_make_master),
        }

    @property
    def in_vain(self) -> set[str]:
        """Kinds of fault that were drawn and could do nothing."""
        return set() if self._hostile.has_sent else {"hostile-messages"}

    def begin(self, fault: Fault) -> None:
        """Do it."""
        if fault.kind in _NETWORKS:
            self._site.networks[fault.target].become(_NETWORKS[fault.kind])
        else:
            self._begins[fault.kind](fault.target)

    def end(self, fault: Fault) -> None:
        """Heal it."""
        if fault.kind in _NETWORKS:
            self._site.networks[fault.target].become(Network.OPEN)
        elif fault.kind in self._ends:
            self._ends[fault.kind](fault.target)

    def heal_all(self) -> None:
        """Whatever is still broken at the end."""
        site = self._site
        for network in site.networks.values():
            network.become(Network.OPEN)
        site.redis.resume()
        self._restart_redis()
        site.redis.limit_files(None)
        self._on_redis(_make_master)
        self._configure("maxmemory", "0")
        site.shift_clock("redis", 0)
        for name, process in site.processes.items():
            site.shift_clock(name, 0)
            process.signal(signal.SIGCONT)
            process.limit_files(None)
            if name in SERVICES:
                site.wanted.add(name)
        for name in COLLECTORS:
            self._doubles.end_clone(name)

    def _step_clock(self, name: str) -> None:
        self._site.shift_clock(name, self._rng.choice(_STEPS) * self._rng.choice((-1, 1)))

    def _storm(self, name: str) -> None:
        for _ in range(_STORM):
            self._site.kill(name)
            self._site.start(name)

    def _lose_state_directory(self, name: str) -> None:
        self._site.kill(name)
        place = self._site.state_dir(name)
        if place.exists():
            lost = len(list(place.parent.glob(f"{place.name}.lost*")))
            place.rename(f"{place}.lost{lost}")

    def _empty(self) -> None:
        """Only where there is a snapshot: else aggregators rightly refuse to go on."""
        snapshots = self._site.statistic_dir / "snapshots"
        with suppress(AssertionError):  # it cannot come while other faults last
            wait_until(lambda: any(snapshots.glob("*.snapshot")), _PATIENCE)
            self._on_redis(lambda client: client.flushall())

    def _restart_redis(self) -> None:
        if not self._site.redis.is_running:
            self._site.redis.start()

    def _roll_redis_back(self) -> None:
        """Go back to what Redis held when this fault began."""
        if self._redis_marks:
            self._site.redis.roll_back(self._redis_marks.pop(0))
        self._restart_redis()

    def _make_room_for_redis(self) -> None:
        self._site.redis.limit_files(None)
        self._restart_redis()

    def _configure(self, name: str, value: str) -> None:
        self._on_redis(lambda client: client.config_set(name, value))

    def _on_redis(self, action: Callable[[redis.Redis], object]) -> None:
        with (
            suppress(redis.RedisError),
            redis.Redis.from_url(self._site.redis.url, socket_timeout=1, retry=None) as client,
        ):
            action(client)


def cut_database(url: str) -> None:
    """End every connection to a PostgreSQL database but our own."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    engine.dispose()


def _make_replica(client: redis.Redis) -> None:
    """A replica of nobody that answers: it refuses writes with READONLY."""
    client.replicaof("127.0.0.1", "1")


def _make_master(client: redis.Redis) -> None:
    client.replicaof("NO", "ONE")


def _lose_queue(client: redis.Redis) -> None:
    """What kombu keeps, and with it messages between its pop and its note of them."""
    client.delete(QUEUE, f"{QUEUE}.unacked", f"{QUEUE}.unacked-index")


def _double_queue(client: redis.Redis) -> None:
    for message in client.lrange(QUEUE, 0, -1):
        client.rpush(QUEUE, message)


def _lose_payloads(client: redis.Redis) -> None:
    for key in client.scan_iter(StateKeys().everything_lasting[1]):
        client.delete(key)
