"""Two Redis servers, one of them the master, and a Sentinel that knows which."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import redis

from mailtally.local.redis_program import find_redis_program
from tests.support.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

MASTER = "mailtally"
_HOST = "127.0.0.1"
_SENTINEL = """\
port {port}
bind {host}
dir {directory}
sentinel monitor {master} {host} {watched} 1
sentinel down-after-milliseconds {master} 500
sentinel failover-timeout {master} 3000
"""


class SentinelPair:
    """Starts in ``with``; ``fail_over`` kills the master, and Sentinel makes the other one it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sentinel = free_port()
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._asked: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Both for the queue and for the state."""
        return f"sentinel://{_HOST}:{self._sentinel}/0?master_name={MASTER}"

    def client(self) -> redis.Redis:
        """A client of whichever server is the master now."""
        return redis.Redis(host=_HOST, port=self._master())

    def fail_over(self) -> None:
        """SIGKILL the master; returns when Sentinel has made the other one the master."""
        former = self._master()
        self._servers[former].send_signal(signal.SIGKILL)
        self._servers.pop(former).wait()
        wait_until(lambda: self._master() != former, 30, "the failover")
        wait_until(lambda: self._role(self._master()) == "master", 30, "the new master")

    def __enter__(self) -> Self:
        master, replica = free_port(), free_port()
        self._serve(master)
        self._serve(replica, "--replicaof", _HOST, str(master))
        wait_until(lambda: self._is_synchronised(replica), 30, "the replica's first copy")
        config = self._directory / "sentinel.conf"
        config.write_text(
            _SENTINEL.format(
                port=self._sentinel,
                host=_HOST,
                directory=self._directory,
                master=MASTER,
                watched=master,
            )
        )
        self._asked = self._start("sentinel", str(config), "--sentinel")
        wait_until(self._knows_the_replica, 30, "Sentinel finding the replica")
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for process in (self._asked, *self._servers.values()):
            if process is not None:
                process.kill()
                process.wait()

    def _serve(self, port: int, *more: str) -> None:
        home = self._directory / str(port)
        home.mkdir()
        where = ("--port", str(port), "--bind", _HOST, "--dir", str(home))
        how = ("--save", "", "--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        self._servers[port] = self._start(str(port), *where, *how, *more)
        wait_until(lambda: self._role(port), 30, "a Redis server")

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._directory / f"{name}.log").open("ab") as log:
            program = find_redis_program().path
            return subprocess.Popen([program, *arguments], stdout=log, stderr=log)

    def _role(self, port: int) -> str:
        return str(self._replication(port).get("role", ""))

    def _is_synchronised(self, port: int) -> bool:
        return self._replication(port).get("master_link_status") == "up"

    def _replication(self, port: int) -> Mapping[str, object]:
        with suppress(redis.RedisError), redis.Redis(host=_HOST, port=port) as client:
            return cast("Mapping[str, object]", client.info("replication"))
        return {}

    def _master(self) -> int:
        with redis.Redis(host=_HOST, port=self._sentinel) as client:
            found = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
            return int(found[1])

    def _knows_the_replica(self) -> bool:
        with suppress(redis.RedisError), redis.Redis(host=_HOST, port=self._sentinel) as client:
            return bool(client.execute_command("SENTINEL", "REPLICAS", MASTER))
        return False
