"""A Redis server of a test's own, with whatever it is told to do: users, certificates."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis

from tests.support.ports import free_port
from tests.support.servers import missing
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

#: The first version with rights by key and command together.
_OLDEST = 7


def server_program() -> str:
    """A Redis server that knows what ``deploy/redis`` asks of it."""
    program = shutil.which("redis-server")
    if program is None:
        missing("Redis 7", "redis-server is not on the PATH")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+)", said)
    if found is None or int(found[1]) < _OLDEST:
        missing("Redis 7", said)
    return program


@dataclass(frozen=True)
class Login:
    """A Redis as one of its users has it; kombu and redis-py write its URL alike."""

    broker_url: str

    @property
    def state_url(self) -> str:
        """The same."""
        return self.broker_url


@dataclass
class OwnRedis:
    """Runs in ``with``; its files are below ``directory``."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Begin to serve; returns when it listens."""
        words = [server_program(), "--port", str(self.port), "--save", "", *self.options]
        log = (self.directory / "redis.log").open("ab")
        self._process = subprocess.Popen(
            [*words, "--dir", str(self.directory)], stdout=log, stderr=log
        )
        log.close()
        wait_until(self._listens, what="the start of Redis")

    def stop(self) -> None:
        """End, and wait for the end."""
        self._process.kill()
        self._process.wait()

    def url(self, user: str, password: str) -> str:
        """The URL of one of its users."""
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"

    def client(self, user: str, password: str) -> redis.Redis:
        """A client, answers as bytes."""
        return redis.Redis.from_url(self.url(user, password))

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.directory / "redis.log").read_text()
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0
