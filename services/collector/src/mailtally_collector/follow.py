"""The reading loop: wait for the logs to grow, read them, see that batches go out."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mailtally_shared.errors import Unavailable
from mailtally_shared.process.backoff import Backoff, keep_trying
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.reading import Reading
    from mailtally_collector.tail import LogsFound, StoppedLog, Tailer
    from mailtally_collector.watch import Watcher
    from mailtally_shared.process.clock import Clock
    from mailtally_shared.process.health import Health
    from mailtally_shared.process.lifecycle import Stop

_log = logging.getLogger(__name__)

#: Seconds between two looks at the request to stop while waiting for something else.
_PATIENCE = 0.5


class Follower:
    """Reads until asked to stop, or to the end of what is there.

    Waiting is of three kinds. With nothing begun, a change in the directories
    ends it. With a batch begun, only its age does: a log that grows line by
    line is read some times a second, not once a line. With the window full,
    only an applied batch does.

    Every moment is one of ``clock.steady``: a wall clock that is set back or forward changes
    nothing of when logs are read.
    """

    def __init__(
        self,
        *,
        tailer: Tailer,
        reading: Reading,
        watcher: Watcher,
        stop: Stop,
        health: Health,
        rescan: float,
        clock: Clock,
        spooled: Callable[[], None],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._tailer = tailer
        self._reading = reading
        self._watcher = watcher
        self._stop = stop
        self._health = health
        self._rescan = rescan
        self._now = clock.steady
        self._spooled = spooled
        self._settle = settle
        self._room = threading.Event()
        #: Bytes of log known to be unread, some seconds ago; any thread may look.
        self.unread_bytes = 0
        #: The files whose reading was stopped, some seconds ago; any thread may look.
        self.stopped: tuple[StoppedLog, ...] = ()

    @property
    def found(self) -> LogsFound:
        """What the last look at the directories showed; any thread may ask."""
        return self._tailer.found()

    def applied(self) -> None:
        """Say that batches were applied, from any thread: there may be room again."""
        self._room.set()

    def run(self) -> None:
        """Follow the logs until asked to stop; what was read is then in the spool."""
        while not self._stop.requested:
            self._insist(self._read_all)
            self._wait()
        try:
            self._reading.flush(self._now())
        except Unavailable as error:
            sentence = f"{error} What is not in the spool is read again at the next start."
            event(_log, logging.WARNING, "not-spooled", sentence)

    def run_to_end(self, all_applied: Callable[[], bool], end_known: Callable[[], bool]) -> None:
        """Read what is there, wait until it is applied, and say that the input has ended."""
        self._insist(self._read_all)
        self._tailer.finish(self._now())
        self._insist(self._read_all)
        self._insist(lambda: self._reading.flush(self._now()))
        self._wait_until(all_applied)
        if not self._stop.requested:
            self._reading.end()
            self._wait_until(end_known)

    def _read_all(self) -> None:
        """Read what is there, waiting for room where there is none.

        What is written meanwhile is left for the next time, or reading would
        run after a busy log line by line.
        """
        began = scanned = self._now()
        self._scan(began)
        while not self._stop.requested and self._tailer.caught_up_to() < began:
            now = self._now()
            self._health.beat()
            if now - scanned >= self._rescan:
                self._scan(now)
                scanned = now
            if self._reading.is_held_up:
                self._wait_for_room()
            elif not self._reading.turn(now):
                break
            self._spooled()
        self._reading.pause(self._now())
        self._tailer.take_note()
        self.unread_bytes = self._tailer.backlog()
        self._spooled()

    def _scan(self, now: float) -> None:
        self._settle()
        self._tailer.scan(now)
        self.unread_bytes = self._tailer.backlog()
        self.stopped = self._tailer.stopped()

    def _insist(self, action: Callable[[], None]) -> None:
        """Try until the disk takes it, or until asked to stop."""

        def tell(error: Unavailable, pause: float) -> None:
            self._health.beat()
            self._health.set_not_ready(str(error))
            event(
                _log, logging.WARNING, "waiting", f"{error} Trying again.", seconds=round(pause, 2)
            )

        keep_trying(action, stop=self._stop, backoff=Backoff(cap=5.0), tell=tell)

    def _wait_for_room(self) -> None:
        self._room.clear()
        self._spooled()
        if self._reading.is_held_up:
            self._room.wait(_PATIENCE)

    def _wait(self) -> None:
        begun = self._reading.waits(self._now())
        if begun is None:
            self._watcher.wait(self._rescan)
        else:
            self._stop.wait(begun)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not self._stop.requested and not condition():
            self._health.beat()
            self._spooled()
            self._room.clear()
            self._room.wait(_PATIENCE / 10)
