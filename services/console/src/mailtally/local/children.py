"""Start, watch and stop the services as child processes."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally.local.orphaned_processes import await_services, note_process
from mailtally_shared.errors import MailtallyError
from mailtally_shared.runtime.lifecycle import VARIABLE as PARENT_AT_STDIN
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

_log = logging.getLogger(__name__)
#: Seconds for a child to stop.
STOP_TIMEOUT = 15.0
#: A child that dies more often than this within the period, in seconds, is not restarted.
_RESTARTS = 5
_PERIOD = 60.0
#: Files in the log directory: a lock held while any child runs, and the children's process ids.
LOCK, PIDS = ".services.lock", ".services.pids"
_TAIL = 4096  # bytes at the end of a child's log that are searched for its last line


@dataclass(slots=True)
class Child:
    """One service process.

    Attributes:
        name: its name in messages and of its log file, e.g. ``aggregator-2``.
        command: module and arguments, e.g. ``("mailtally_loader", "run")``.
        settings: environment variables in addition to this process's.
        lasting: whether it should run until it is stopped, rather than end when its work is done.
        first_options: further arguments for its first start only.
    """

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    lasting: bool = True
    first_options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    is_asked: bool = False  # to stop: a second signal would end it at once

    @property
    def is_done(self) -> bool:
        """Return whether it ended successfully."""
        return self.process is not None and self.process.poll() == 0


class Children:
    """The child processes, with their logs in one directory. Leaving the context stops them."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._children: list[Child] = []
        self._lock: int | None = None
        self._alive: tuple[int, int] | None = None

    def start(self, child: Child) -> Child:
        """Start a child."""
        lock, parent = self._shared()
        with (self._log_dir / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own modules
                # -P: a module in the present directory must not replace one of the same name.
                [sys.executable, "-P", "-m", *child.command, *child.first_options],
                env={**os.environ, **child.settings, PARENT_AT_STDIN: "1"},
                stdin=parent,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                # Ctrl-C goes to the parent only, which stops the children in order.
                start_new_session=True,
            )
        child.first_options = ()
        note_process(self._log_dir / PIDS, child.process.pid)
        if child not in self._children:
            self._children.append(child)
        return child

    def _shared(self) -> tuple[int, int]:
        """Return what children inherit: the lock, and the pipe that ends with this process."""
        if self._lock is None or self._alive is None:
            self._log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = await_services(self._log_dir / LOCK, self._log_dir / PIDS)
            self._alive = os.pipe()
        return self._lock, self._alive[0]

    def watch(self, now: float) -> None:
        """Restart children that died by a signal.

        Raises:
            MailtallyError: a child stopped with an error, or keeps dying; the sentence has the last
                line of its log.
        """
        for child in self._children:
            code = child.process.poll() if child.process else 0
            if code is None or child.is_asked or (code == 0 and not child.lasting):
                continue
            if code >= 0:
                raise MailtallyError(f"Service {child.name} stopped: {self._last_line(child)}")
            child.deaths = [death for death in child.deaths if now - death < _PERIOD] + [now]
            if len(child.deaths) > _RESTARTS:
                raise MailtallyError(
                    f"Service {child.name} keeps dying by signal {-code}: "
                    f"see {self._log_dir / child.name}.log."
                )
            event(
                _log,
                logging.WARNING,
                "child-restarted",
                f"The {child.name} died by signal {-code}; restarting it.",
                child=child.name,
            )
            self.start(child)

    def request_stop(self, children: Sequence[Child] | None = None) -> None:
        """Ask children to stop, all by default; from then on they are not watched."""
        for child in children or self._children:
            if child.process is not None and not child.is_asked and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
            child.is_asked = True

    def stop(self, children: Sequence[Child] | None = None) -> None:
        """Stop children, all by default, and wait for their end."""
        stopping = [c for c in (children or self._children) if c.process is not None]
        self.request_stop(stopping)
        deadline = time.monotonic() + STOP_TIMEOUT
        for child in stopping:
            self._await_end(child, deadline)
        self._children = [c for c in self._children if c not in stopping]

    def close(self) -> None:
        """Stop all children, and release the directory."""
        self.stop()
        for descriptor in (self._lock, *(self._alive or ())):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._alive = None

    def _await_end(self, child: Child, deadline: float) -> None:
        if child.process is None:
            return
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            event(
                _log,
                logging.WARNING,
                "child-killed",
                f"The {child.name} did not stop in time and was killed. Nothing is lost.",
                child=child.name,
            )
            child.process.kill()
            child.process.wait()

    def _last_line(self, child: Child) -> str:
        path = self._log_dir / f"{child.name}.log"
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL))
            lines = log.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"see {path}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
