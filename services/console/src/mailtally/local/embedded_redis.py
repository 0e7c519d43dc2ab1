"""A private Redis in a data directory, for one machine with no server of its own.

Two servers on one append-only file would corrupt it, and a server may outlive the process that
started it (kill -9). Two locks prevent that:

* ``owner.lock`` is held by the process that uses the data directory. A second process is refused.
* ``server.lock`` is inherited by the server, so the kernel holds it as long as the server runs,
  whatever happens to its owner. An owner of the directory that finds it held has found an orphaned
  server, and stops it first.

A small watcher process makes orphans rare: it reads from a pipe whose other end only the owner has,
and stops the server when that closes. (On Linux PR_SET_PDEATHSIG would do the same, but it fires
when the *thread* that started the server ends, and needs code between fork and exec.)
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailtally.local.orphaned_processes import settle_left_over, try_lock
from mailtally.local.redis_program import RedisProgram, find_redis_program, mend_append_only_file
from mailtally_shared.errors import MailtallyError, Refused
from mailtally_shared.runtime.backoff import Backoff
from mailtally_shared.runtime.errors_shown import sentence_of
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from typing import Self

_logger = logging.getLogger(__name__)

#: Longest path of a unix socket in bytes: the limit of macOS; that of Linux is four more.
_LONGEST_SOCKET = 103
_ANSWER_TIMEOUT = 20.0  # seconds until a started server must answer
_STOP_TIMEOUT = 30.0  # seconds until a server that was asked to stop is killed
_LARGEST_LOG = 4 << 20  # bytes; a longer log is rotated at the next start
_PING_TIMEOUT = 5.0  # seconds
_POLL = 0.01  # seconds
#: The file that names the server that wrote the data.
_WRITER = "server-version"
#: From this version on the append-only file is a directory, which older versions ignore.
_FOLDER_FORMAT = (7, 0)

#: Stops the process with the given id when standard input ends.
_WATCHER = 'read -r _; kill -TERM "$1"'


class EmbeddedRedis:
    """A private Redis server: private socket, append-only file, no network port.

    Use it as a context manager, or call ``start`` and ``stop``. Its data survives both; a failure
    of the machine loses at most the last second.

    Args:
        data_dir: the data directory; all files are in its directory ``redis``, of mode 0700.
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
        """Return the URL for kombu; valid while the server runs."""
        return f"redis+socket://{quote(str(self._socket))}?virtual_host=0"

    @property
    def state_url(self) -> str:
        """Return the URL for redis-py; valid while the server runs."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int | None:
        """Return the server's process id, or ``None`` if it does not run."""
        running = self._server is not None and self._server.poll() is None
        return self._server.pid if running and self._server else None

    def start(self) -> None:
        """Start the server, and wait until its data is loaded and it answers.

        Raises:
            Refused: another process uses the data directory, an orphaned server there does not
                stop, or its data was written by a newer Redis.
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
        """Stop the server, and wait for its end; its data stays on disk. Idempotent."""
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
        """Restart the server if it ended, with pauses between attempts, and log why it ended.

        Args:
            now: monotonic seconds.
        """
        if self._server is None or self._server.poll() is None or now < self._next_start:
            return
        self._next_start = now + self._backoff.next()
        sentence = f"Redis ended; restarting it. The last line of its log: {self._last_line()}"
        event(_logger, logging.WARNING, "redis-restarted", sentence, code=self._server.returncode)
        self._dismiss_watcher()
        try:
            self._launch(self._suitable_program())
        except (MailtallyError, OSError) as error:
            event(_logger, logging.WARNING, "redis-does-not-start", sentence_of(error))

    def _suitable_program(self) -> RedisProgram:
        """Return a server that can load the data, and note it as the one that wrote it."""
        program = find_redis_program(self._writer())
        text = f"{program.name} {program.version[0]}.{program.version[1]}\n"
        (self._dir / _WRITER).write_text(text, "ascii")
        return program

    def _writer(self) -> RedisProgram | None:
        """Return the server that wrote the data, as far as known."""
        with suppress(OSError, ValueError):
            name, version = (self._dir / _WRITER).read_text("ascii").split()
            major, minor = map(int, version.split("."))
            return RedisProgram(self._dir, (major, minor), name)
        # An older server would overlook the folder, and start empty.
        has_folder = (self._dir / "appendonlydir").exists()
        return RedisProgram(self._dir, _FOLDER_FORMAT, "Redis") if has_folder else None

    def _launch(self, program: RedisProgram) -> None:
        pid_file = self._dir / "redis.pid"
        server_lock = settle_left_over(self._dir / "server.lock", pid_file)
        try:
            if self._server is None:  # after a restart, the path stays the same
                self._forget_short_socket()
                self._socket = self._socket_path()
            self._rotate_long_log()
            mend_append_only_file(program.path, self._dir)
            with self._log.open("ab") as log:
                self._server = subprocess.Popen(  # noqa: S603  # the program just found
                    [program.path, *self._options(pid_file)],
                    cwd=self._dir,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(server_lock,),
                    start_new_session=True,  # Ctrl-C is for this process; the server stops last
                )
        finally:
            os.close(server_lock)  # from here on only the server holds it
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
        while not (answer := _ping(self._socket)).startswith(b"+PONG"):
            if self.pid is None:
                raise MailtallyError(f"The embedded Redis stopped at once: {self._last_line()}")
            # Loading its data has no time limit.
            if time.monotonic() > deadline and not answer.startswith(b"-LOADING"):
                raise MailtallyError(f"The embedded Redis does not answer; see {self._log}.")
            time.sleep(_POLL)

    def _last_line(self) -> str:
        lines = self._log.read_text("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"see {self._log}")

    def _socket_path(self) -> Path:
        """Return a path in the data directory, or in a temporary one if that is too long."""
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

    def _rotate_long_log(self) -> None:
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

    def __exit__(self, *_error: object) -> None:
        self.stop()


def _first_line(path: Path) -> str:
    return path.read_text("ascii", "replace").strip() or "unknown"


def _is_utf8(path: Path) -> bool:
    """Return whether a path can be part of a URL, as redis-py parses it."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _ping(path: Path) -> bytes:
    """Return a server's answer; empty if there is none. The client library takes long to import."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PING_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64)
    except OSError:
        return b""
