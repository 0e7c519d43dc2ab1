"""Service processes that are killed, stopped and paused at will."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from mailtally_shared.runtime import crash_points

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.preloaded", "pytest"])

_STOP_TIMEOUT = 15.0  # seconds; a service promises 10 on an idle machine
_NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Process:
    """A service, or a command, that may be started many times; its output is in ``log``."""

    def __init__(
        self, command: str, arguments: tuple[str, ...], settings: Mapping[str, str], log: Path
    ) -> None:
        self.settings = dict(settings)
        self._given = (command, arguments, self.settings, str(log))
        self.log = log
        self._process: ForkServerProcess | None = None
        self._is_asked = False

    def upgrade(self) -> None:
        """Have its next start be of the made-up next version; see ``next_version``."""
        command, arguments, settings, log = self._given
        self._given = (f"next-{command}", arguments, settings, log)

    @property
    def exit_code(self) -> int | None:
        """How it ended; negative for a signal, ``None`` while it runs."""
        return self._process.exitcode if self._process else 0

    def start(self, crash_at: str = "") -> None:
        """Start it anew; ``crash_at`` names the crash point that it dies at."""
        assert self.exit_code is not None, f"{self.log.stem} runs already"
        process = _context.Process(target=_serve, args=(*self._given, crash_at), daemon=True)
        process.start()
        self._process, self._is_asked = process, False

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.join()

    def stop(self) -> None:
        """SIGTERM, but once: a second one would end it at once."""
        if not self._is_asked:
            self._is_asked = True
            self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send any signal, if it runs."""
        if self._process is not None and self._process.pid and self._process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def wait(self, timeout: float = _STOP_TIMEOUT) -> int:
        """Wait for its end."""
        assert self._process is not None
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise AssertionError(f"{self.log.stem} did not end within {timeout:g} s")
        return code

    def last_words(self) -> str:
        """The last line that it wrote."""
        return self.log.read_text("utf-8", "replace").rstrip().rpartition("\n")[2]

    def limit_files(self, size: int | None) -> None:
        """Let no file that it writes grow beyond ``size`` bytes: the disk is full."""
        if self._process is not None and self._process.pid and self._process.is_alive():
            limits = _NO_LIMIT if size is None else (size, resource.RLIM_INFINITY)
            with suppress(ProcessLookupError):
                resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, limits)


def _serve(
    command: str, arguments: tuple[str, ...], settings: Mapping[str, str], log: str, crash_at: str
) -> None:
    from tests.faults.preloaded import COMMANDS  # noqa: PLC0415 - only where it is preloaded

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.update(settings)
    if crash_at:
        # The variable is read once, when the program is loaded.
        os.environ[crash_points.VARIABLE] = crash_at
        os.execv(  # noqa: S606 - our own program
            sys.executable,
            [sys.executable, "-m", f"mailtally_{command}", *arguments],
        )
    sys.exit(COMMANDS[command](args=list(arguments), standalone_mode=True))
