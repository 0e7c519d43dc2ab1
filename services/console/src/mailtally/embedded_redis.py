"""A private Redis in a data directory, for one machine with no server of its own.

Two servers on one append-only file would spoil it, and a server may outlive
the process that started it (kill -9). Two locks keep that from happening:

* ``owner.lock`` is held by the process that uses the data directory. A second
  one is refused.
* ``server.lock`` is inherited by the server, so the kernel holds it as long as
  the server lives, whatever became of its owner. Who finds it taken while
  owning the directory has found a left-over server, and stops it first.

A small watcher process makes a left-over rare: it reads from a pipe of which
only the owner has the other end, and stops the server when that closes. (On
Linux PR_SET_PDEATHSIG would do the same, but it fires when the *thread* that
started the server ends, and needs code between fork and exec.)
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mailtally.append_only_file import mend_append_only_file
from mailtally.left_over import settle_left_over, try_lock
from mailtally.redis_program import RedisProgram, find_redis_program
from mailtally_shared.errors import MailtallyError, Refused
from mailtally_shared.process.backoff import Backoff
from mailtally_shared.process.errors_shown import sentence_of
from mailtally_shared.process.logs import event, get_logger

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_logger = get_logger(__name__)

#: Longest path of a unix socket, in bytes: what macOS allows; Linux has four more.
_LONGEST_SOCKET = 103
_ANSWER_TIMEOUT = 20.0  # seconds until a started server must answer anything
_STOP_TIMEOUT = 30.0  # seconds until a server that was asked to stop is killed
_LARGEST_LOG = 4 << 20  # bytes; a longer log is put aside at the next start
_POLL = 0.01  # seconds
#: From this version on the append-only file is a folder, which older ones overlook.
_FOLDER_FORMAT = (7, 0)

#: Stops the process of the given id when standard input ends.
_WATCHER = 'read -r _; kill -TERM "$1"'


class EmbeddedRedis:
    """A Redis server of our own: private socket, append-only file, no network port.

    Use it as a context manager, or ``start`` and ``stop`` it. What it holds
    survives both, and is lost for at most the last second when the machine fails.

    Args:
        data_dir: everything is in its folder ``redis``, made with mode 0700.
        max_memory: bytes; beyond that, writes are refused (nothing is evicted).
    """

    def __init__(self, data_dir: Path, *, max_memory: int = 1 << 30) -> None:
        self._dir = data_dir.absolute() / "redis"
        self._log = self._dir / "redis.log"
        self._socket = self._dir / "redis.sock"
        self._max_memory = max_memory
        self._owner_lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._backoff = Backoff(first=0.5)
        self._next_start = 0.0

    @property
    def broker_url(self) -> str:
        """The server for kombu; valid while it runs."""
        return f"redis+socket://{quote(str(self._socket))}?virtual_host=0"

    @property
    def state_url(self) -> str:
        """The server for redis-py; valid while it runs."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int | None:
        """The server's process id, or ``None`` when it does not run."""
        running = self._server is not None and self._server.poll() is None
        return self._server.pid if running and self._server else None

    def start(self) -> None:
        """Start the server and wait until it answers, its data loaded.

        Raises:
            Refused: another process uses the data directory, a left-over
                server there does not stop, or its data is of a newer Redis.
            MailtallyError: there is no server program, or it does not start.
        """
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._dir.chmod(0o700)
        owner = self._dir / "owner.lock"
        self._owner_lock = try_lock(owner)
        if self._owner_lock is None:
            raise Refused(
                f"Another mailtally uses {self._dir.parent} (process {_first_line(owner)}): "
                "stop it, or name another directory."
            )
        os.ftruncate(self._owner_lock, 0)
        os.pwrite(self._owner_lock, f"{os.getpid()}\n".encode(), 0)
        try:
            self._launch(self._suitable_program())
            self._await_answer()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and wait for its end; its data stays on disk. Idempotent."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        self._dismiss_watcher()
        self._forget_short_socket()
        if self._owner_lock is not None:
            os.close(self._owner_lock)
            self._owner_lock = None

    def watch(self, now: float) -> None:
        """Start the server again if it ended; wait between attempts, and say why it ended.

        Args:
            now: seconds that only grow.
        """
        if self._server is None or self._server.poll() is None or now < self._next_start:
            return
        self._next_start = now + self._backoff.next()
        sentence = f"Redis ended; starting it again. Its last words: {self._last_words()}"
        event(_logger, logging.WARNING, "redis-restarted", sentence, code=self._server.returncode)
        self._dismiss_watcher()
        try:
            self._launch(self._suitable_program())
        except (MailtallyError, OSError) as error:
            event(_logger, logging.WARNING, "redis-does-not-start", sentence_of(error))

    def _suitable_program(self) -> RedisProgram:
        program = find_redis_program()
        if program.version < _FOLDER_FORMAT and (self._dir / "appendonlydir").exists():
            raise Refused(
                f"The data in {self._dir} was written by Redis 7 or newer, and {program.path} is "
                f"older and would start empty: put a newer redis-server on the PATH."
            )
        return program

    def _launch(self, program: RedisProgram) -> None:
        pid_file = self._dir / "redis.pid"
        server_lock = settle_left_over(self._dir / "server.lock", pid_file)
        try:
            if self._server is None:  # of one that ended everybody knows the path
                self._forget_short_socket()
                self._socket = self._socket_path()
            self._put_long_log_aside()
            mend_append_only_file(program.path, self._dir)
            with self._log.open("ab") as log:
                self._server = subprocess.Popen(  # noqa: S603  # the program just found
                    [program.path, *self._options(pid_file)],
                    cwd=self._dir,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(server_lock,),
                    start_new_session=True,  # Ctrl-C is for us; the server stops last
                )
        finally:
            os.close(server_lock)  # from here on the server alone holds it
        self._watcher = subprocess.Popen(  # noqa: S603  # a constant and a number
            ["/bin/sh", "-c", _WATCHER, "sh", str(self._server.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _options(self, pid_file: Path) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._dir),
            "logfile": str(self._log),
            "pidfile": str(pid_file),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory": str(self._max_memory),
            "maxmemory-policy": "noeviction",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _ANSWER_TIMEOUT
        once = Retry(NoBackoff(), 0)
        with redis.Redis.from_url(self.state_url, retry=once, socket_timeout=5) as client:
            while not _is_ready(client):
                if self.pid is None:
                    raise MailtallyError(
                        f"The embedded Redis stopped at once: {self._last_words()}"
                    )
                if time.monotonic() > deadline and not _is_loading(client):
                    raise MailtallyError(f"The embedded Redis does not answer; see {self._log}.")
                time.sleep(_POLL)

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"see {self._log}")

    def _socket_path(self) -> Path:
        """In the data directory, or in a temporary one where that path is too long."""
        path = self._dir / "redis.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET and _is_utf8(path):
            return path
        short = Path(tempfile.mkdtemp(prefix="mailtally-"))  # with mode 0700
        (self._dir / "socket").symlink_to(short)
        sentence = "The data directory's path is too long for a socket: it is in a temporary one."
        event(_logger, logging.INFO, "socket-elsewhere", sentence, directory=short)
        return short / "redis.sock"

    def _forget_short_socket(self) -> None:
        link = self._dir / "socket"
        if self._owner_lock is not None and link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()

    def _put_long_log_aside(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))

    def _dismiss_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _first_line(path: Path) -> str:
    return path.read_text("ascii", "replace").strip() or "unknown"


def _is_utf8(path: Path) -> bool:
    """Return whether it can stand in a URL, as redis-py reads them."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_ready(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def _is_loading(client: redis.Redis) -> bool:
    """Whether it reads its data first, which takes as long as it takes."""
    try:
        client.ping()
    except redis.BusyLoadingError:
        return True
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    return True
