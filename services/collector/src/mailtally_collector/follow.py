"""The reading loop: wait until the logs grow, read them, and get batches sent."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.reading import Reading
    from mailtally_collector.tail import LogsFound, StoppedLog, Tailer
    from mailtally_collector.watch import Watcher
    from mailtally_shared.runtime.clock import Clock
    from mailtally_shared.runtime.lifecycle import Stop

_log = logging.getLogger(__name__)

#: Seconds between two checks of the stop request while waiting for something else.
_PATIENCE = 0.5


class Follower:
    """The loop that reads the logs: turn by turn, or once to their end.

    It waits in three ways. With no batch begun, a change in the directories wakes it. With a
    batch begun, only the batch's age does: a log that grows line by line is read a few times a
    second, not once a line. With the window full, only an applied batch does.

    All times are those of ``clock.steady``: setting the wall clock back or forward does not change
    when logs are read.
    """

    def __init__(
        self,
        *,
        tailer: Tailer,
        reading: Reading,
        watcher: Watcher,
        stop: Stop,
        insist: Callable[[Callable[[], None]], object],
        beat: Callable[[], None],
        rescan: float,
        clock: Clock,
        spooled: Callable[[], None],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._tailer = tailer
        self._reading = reading
        self._watcher = watcher
        self._stop = stop
        self._insist = insist
        self._beat = beat
        self._pausing: Watcher | Stop = stop
        self._rescan = rescan
        self._now = clock.steady
        self._spooled = spooled
        self._settle = settle
        self._room = threading.Event()
        #: Bytes of log known to be unread, a few seconds old; any thread may read it.
        self.unread_bytes = 0
        #: The files whose reading is stopped, a few seconds old; any thread may read it.
        self.stopped: tuple[StoppedLog, ...] = ()

    @property
    def found(self) -> LogsFound:
        """Return what the last scan of the directories found; any thread may call this."""
        return self._tailer.found()

    def applied(self) -> None:
        """Note that batches were applied, so that the window may have room; from any thread."""
        self._room.set()

    def turn(self) -> float:
        """Read the logs to their present end; return the seconds to ``wait``."""
        self._read_all()
        begun = self._reading.waits(self._now())
        self._pausing = self._watcher if begun is None else self._stop
        return self._rescan if begun is None else begun

    def wait(self, seconds: float) -> None:
        """Wait for the logs to grow, or for the batch that was begun."""
        self._pausing.wait(seconds)

    def last(self) -> None:
        """Spool what was read."""
        try:
            self._reading.flush(self._now())
        except Unavailable as error:
            sentence = f"{error} What is not in the spool is read again at the next start."
            event(_log, logging.WARNING, "not-spooled", sentence)

    def run_to_end(self, all_applied: Callable[[], bool], end_known: Callable[[], bool]) -> None:
        """Read the logs to their end, wait until all is applied, and announce the end of input."""
        self._insist(self._read_all)
        self._tailer.finish(self._now())
        self._insist(self._read_all)
        self._insist(lambda: self._reading.flush(self._now()))
        self._wait_until(all_applied)
        if not self._stop.requested:
            self._reading.end()
            self._wait_until(end_known)

    def _read_all(self) -> None:
        """Read the logs to their present end, waiting whenever the window is full.

        What is written meanwhile is left for the next round: reading would otherwise chase a busy
        log line by line.
        """
        began = scanned = self._now()
        self._scan(began)
        while not self._stop.requested and self._tailer.caught_up_to() < began:
            now = self._now()
            self._beat()
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

    def _wait_for_room(self) -> None:
        self._room.clear()
        self._spooled()
        if self._reading.is_held_up:
            self._room.wait(_PATIENCE)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not self._stop.requested and not condition():
            self._beat()
            self._spooled()
            self._room.clear()
            self._room.wait(_PATIENCE / 10)
