"""A Redis of one's own that can be killed, lose its last second, be emptied or refuse to work."""

from __future__ import annotations

import resource
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import redis

from mailtally.local.redis_program import find_redis_program, mend_append_only_file
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import random
    from pathlib import Path
    from types import TracebackType
    from typing import Self

Fsync = Literal["always", "everysec"]
#: What a power failure may cost with ``everysec``, in seconds.
_LOSS = 1.0


class RedisUnderFault:
    """One server in one directory, without a network port; ``options`` as of redis.conf."""

    def __init__(self, directory: Path, fsync: Fsync = "everysec", **options: str) -> None:
        self._directory = directory
        self.socket = directory / "redis.sock"
        self._options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(directory),
            "save": "",
            "appendonly": "yes",
            "appendfsync": fsync,
            "auto-aof-rewrite-percentage": "0",
            "maxmemory-policy": "noeviction",
            **_as_in_redis_conf(options),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._sizes: deque[tuple[float, int]] = deque()
        self.fsync = fsync
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def broker_url(self) -> str:
        """For kombu."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host=0"

    @property
    def is_running(self) -> bool:
        """Whether there is a process, be it a paused one.

        It ends by itself where its disk is full and ``fsync`` is ``always``.
        """
        return self._process is not None and self._process.poll() is None

    def client(self) -> redis.Redis:
        """A new client."""
        return redis.Redis.from_url(self.url)

    def start(self, *, wait: bool = True, **options: str) -> None:
        """Start it, with more options this once; by default wait until its data is loaded."""
        program = find_redis_program().path
        mend_append_only_file(program, self._directory)
        named = self._options | _as_in_redis_conf(options)
        given = [part for name, value in named.items() for part in (f"--{name}", value)]
        with (self._directory / "redis.log").open("ab") as log:
            # A file at its limit is then an error, as a full disk is, and no signal that kills.
            self._process = subprocess.Popen(
                [program, *given], stdout=log, stderr=log, restore_signals=False
            )
        self._sizes.clear()
        if wait:
            wait_until(self._answers, what="Redis answering")

    def kill(self) -> None:
        """SIGKILL. What it had written is still in the kernel's hands."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def lose_power(self, rng: random.Random) -> None:
        """SIGKILL, and the append-only file ends anywhere within its last second."""
        self.watch_file()
        safe = self._sizes[0][1] if self._sizes else 0
        self.kill()
        self.cut_file(rng.randint(safe, max(safe, self.file_size())))

    def roll_back(self, size: int) -> None:
        """SIGKILL, and the append-only file ends where it ended when it had ``size`` bytes."""
        self.kill()
        self.cut_file(min(size, self.file_size()))

    def watch_file(self) -> None:
        """Take note of what must be on disk by now; call it often."""
        now = time.monotonic()
        self._sizes.append((now, self.file_size()))
        while len(self._sizes) > 1 and self._sizes[1][0] <= now - _LOSS:
            self._sizes.popleft()

    def file_size(self) -> int:
        """Bytes of the append-only file."""
        return self._file().stat().st_size

    def limit_files(self, size: int | None) -> None:
        """Let no file grow beyond ``size`` bytes, if it runs: the disk is full."""
        limit = resource.RLIM_INFINITY if size is None else size
        if self._process is not None and self.is_running:
            limits = (limit, resource.RLIM_INFINITY)
            with suppress(ProcessLookupError):  # it has just ended
                resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, limits)

    def cut_file(self, size: int) -> None:
        """Shorten the append-only file, as it is after a power failure."""
        with self._file().open("r+b") as file:
            file.truncate(size)

    def pause(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        with suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def _file(self) -> Path:
        """Since Redis 7 a file in a folder; its base beside it stays as it is."""
        found = sorted(self._directory.glob("appendonlydir/*.incr.aof"))
        return found[-1] if found else self._directory / "appendonly.aof"


def _as_in_redis_conf(options: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in options.items()}
