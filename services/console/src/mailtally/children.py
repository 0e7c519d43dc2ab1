"""The services as child processes of one command: started, watched, stopped."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally.left_over import await_services, note_process
from mailtally_shared.errors import MailtallyError
from mailtally_shared.process.logs import event
from mailtally_shared.process.parent import VARIABLE as PARENT_AT_STDIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_log = logging.getLogger(__name__)
#: Seconds that a child may take to finish what it has in hand.
STOP_TIMEOUT = 15.0
#: A child that dies this often, in seconds, is not started again.
_RESTARTS = 5
_PERIOD = 60.0
#: In the directory of the logs: held while any child lives, and the children's process ids.
LOCK, PIDS = ".services.lock", ".services.pids"
_TAIL = 4096  # bytes of a child's log that are looked at for its last words


@dataclass(slots=True)
class Child:
    """One service process.

    Attributes:
        name: for people, e.g. ``aggregator-2``; also its log file's name.
        command: module and arguments, e.g. ``("mailtally_loader", "run")``.
        settings: its environment on top of ours.
        lasting: it should run until it is stopped; otherwise it ends by itself.
        first_options: more arguments, for its first start only.
    """

    name: str
    command: Sequence[str]
    settings: Mapping[str, str]
    lasting: bool = True
    first_options: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """It ended by itself, and well."""
        return self.process is not None and self.process.poll() == 0


class Children:
    """Runs children with their logs in one directory. Leaving it stops them all."""

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
                [sys.executable, "-m", *child.command, *child.first_options],
                env={**os.environ, **child.settings, PARENT_AT_STDIN: "1"},
                stdin=parent,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                # A terminal's Ctrl-C is for the parent, which stops them in order.
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
        """Start again what died by a signal.

        Raises:
            MailtallyError: a child gave up, or dies again and again; the
                sentence holds its last words.
        """
        for child in self._children:
            code = child.process.poll() if child.process else 0
            if code is None or (code == 0 and not child.lasting):
                continue
            if code >= 0:
                raise MailtallyError(f"The {child.name} stopped: {self._last_words(child)}")
            child.deaths = [death for death in child.deaths if now - death < _PERIOD] + [now]
            if len(child.deaths) > _RESTARTS:
                raise MailtallyError(
                    f"The {child.name} dies again and again, by signal {-code}: "
                    f"see {self._log_dir / child.name}.log."
                )
            event(
                _log,
                logging.WARNING,
                "child-restarted",
                f"The {child.name} died by signal {-code}; starting it again.",
                child=child.name,
            )
            self.start(child)

    def stop(self, children: Sequence[Child] | None = None) -> None:
        """Ask children, all by default, to stop, and wait for their end."""
        stopping = [c for c in (children or self._children) if c.process is not None]
        for child in stopping:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        for child in stopping:
            self._await_end(child, deadline)
        self._children = [c for c in self._children if c not in stopping]

    def close(self) -> None:
        """Stop all children, and let the next run have the directory."""
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
                f"The {child.name} did not stop in time and was killed; nothing is lost by that.",
                child=child.name,
            )
            child.process.kill()
            child.process.wait()

    def _last_words(self, child: Child) -> str:
        path = self._log_dir / f"{child.name}.log"
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL))
            lines = log.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"see {path}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()
