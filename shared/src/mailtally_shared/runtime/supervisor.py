"""The supervisor of a process's loops: it runs, repeats, watches and stops them, all in one way.

A service names its loops. One runs in the thread of the service, the others in threads of their
own. A turn that raises ``Unavailable`` is repeated with growing pauses, and meanwhile the process
is not ready. Any other error stops the process, which ends with it.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mailtally_shared.runtime.backoff import Backoff, keep_trying
from mailtally_shared.runtime.health import START
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from mailtally_shared.errors import Unavailable
    from mailtally_shared.runtime.health import Health
    from mailtally_shared.runtime.lifecycle import Stop

T = TypeVar("T")

_logger = logging.getLogger(__name__)

#: Longest pause between two attempts, in seconds.
_LONGEST_PAUSE = 2.0
#: Seconds until an outage that lasts is logged again; each further line takes twice as long …
_SAID_AGAIN = 10.0
#: … up to this.
_SAID_AT_LEAST = 600.0


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of a process.

    Attributes:
        name: its name in the log and of its thread.
        turn: does the work of one round; returns the seconds until the next one.
        wait: waits up to that number of seconds; by default until a stop is requested.
        wake: ends a ``wait`` that does not itself end when a stop is requested.
        reset: is called after a turn that raised ``Unavailable``; closes what failed.
        last: is called in the loop's thread after its last turn, unless an error ended the loop.
        cut: ends a turn that takes longer than ``grace`` at a stop; errors are then ignored.
        grace: seconds at a stop after which ``cut`` is called.
        is_vital: whether the process counts as not ready while this loop waits for a server.
    """

    name: str
    turn: Callable[[], float]
    _: KW_ONLY
    wait: Callable[[float], object] | None = None
    wake: Callable[[], object] = _nothing
    reset: Callable[[], object] = _nothing
    last: Callable[[], object] = _nothing
    cut: Callable[[], object] | None = None
    grace: float = 3.0
    is_vital: bool = True


class Supervisor:
    """The loops of one process. Leaving its context stops all of them, and waits for their end."""

    def __init__(
        self, stop: Stop, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stop = stop
        self._health = health
        self._clock = clock
        self._threads: list[_Thread] = []
        #: Liveness is that of this thread; the others may be long at one turn.
        self._main = threading.get_ident()

    def insist(
        self,
        action: Callable[[], T],
        name: str = START,
        *,
        reset: Callable[[], object] = _nothing,
        is_vital: bool = True,
    ) -> T | None:
        """Repeat an action until the servers and disks that it needs work.

        Returns:
            Its result, or ``None`` if a stop was requested first.
        """
        outage = _Outage(name, self._clock)

        def tell(error: Unavailable, _pause: float) -> None:
            reset()
            self._beat()
            outage.log(str(error))
            if is_vital:
                self._health.set_not_ready(str(error), name)

        backoff = Backoff(cap=_LONGEST_PAUSE)
        done = keep_trying(action, stop=self._stop, backoff=backoff, tell=tell)
        self._beat()
        if not self._stop.requested:
            outage.log_end()
            if name == START:  # the process is ready once a loop of it is
                self._health.set_not_ready("starting", START)
            elif is_vital:
                self._health.set_ready(name)
        return done

    def run(self, loop: Loop) -> None:
        """Run a loop in this thread, until a stop is requested."""
        wait = loop.wait or self._stop.wait
        while not self._stop.requested:
            pause = self.insist(loop.turn, loop.name, reset=loop.reset, is_vital=loop.is_vital)
            if pause:
                wait(pause)
        loop.last()

    def start(self, loop: Loop) -> None:
        """Run a loop in a thread of its own."""
        self._threads.append(_Thread(loop, self.run, self._stop))
        self._threads[-1].start()

    def _beat(self) -> None:
        if threading.get_ident() == self._main:
            self._health.beat()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._stop.request()
        for thread in self._threads:
            thread.loop.wake()
        for thread in self._threads:
            thread.end()
        failed = next((thread.error for thread in self._threads if thread.error), None)
        if failed is not None and error is None:
            raise failed


class _Thread(threading.Thread):
    """The thread of a loop; an error of the loop requests the stop of the process."""

    def __init__(self, loop: Loop, run: Callable[[Loop], None], stop: Stop) -> None:
        super().__init__(name=loop.name)
        self.loop = loop
        self.error: Exception | None = None
        self._loop_until_stopped = run
        self._stop_request = stop

    def run(self) -> None:
        try:
            self._loop_until_stopped(self.loop)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error
            self._stop_request.request()

    def end(self) -> None:
        """Wait for the end of the thread; cut off what takes too long."""
        cut = self.loop.cut
        self.join(self.loop.grace if cut else None)
        if cut and self.is_alive():
            cut()
            self.join()
            _logger.debug("%s was cut off: %s", self.name, self.error)
            self.error = None


@dataclass(slots=True)
class _Outage:
    """The log lines of one outage: one for each reason, and one now and then while it lasts."""

    loop: str
    clock: Callable[[], float]
    _began: float = field(init=False)
    _again: float = _SAID_AGAIN
    _next: float = field(init=False)
    _said: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = self._next = self.clock()

    def log(self, reason: str) -> None:
        """Log why the loop waits, unless that was said a short time ago."""
        now = self.clock()
        if now >= self._next:
            self._said.clear()
            self._next = now + self._again
            self._again = min(2 * self._again, _SAID_AT_LEAST)
        if reason not in self._said:
            self._said.add(reason)
            text = reason.rstrip()
            ended = text if text.endswith((".", "?", "!")) else f"{text}."
            sentence, seconds = f"{ended} Trying again.", self._seconds()
            event(_logger, logging.WARNING, "waiting", sentence, loop=self.loop, seconds=seconds)

    def log_end(self) -> None:
        """Log that the outage is over, if there was one."""
        if self._said:
            sentence, seconds = "What was waited for works again.", self._seconds()
            event(_logger, logging.INFO, "resumed", sentence, loop=self.loop, seconds=seconds)

    def _seconds(self) -> float:
        return round(self.clock() - self._began, 1)
