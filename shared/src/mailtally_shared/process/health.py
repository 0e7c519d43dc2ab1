"""Whether a process is alive and ready for work."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and the sentence that explains it."""

    ok: bool
    reason: str


class Health:
    """What a process knows about itself; every thread may tell and ask.

    *Alive*: its main loop came round not long ago. *Ready*: it can do its
    work; it begins as not ready. A process that waits for a server is alive
    and not ready.

    Args:
        stale_after: seconds without a ``beat`` after which it counts as stuck.
        clock: seconds that only grow.
    """

    def __init__(
        self, stale_after: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stale_after = stale_after
        self._clock = clock
        self._lock = threading.Lock()
        self._last_beat = clock()
        self._ready = Verdict(ok=False, reason="starting")

    def beat(self) -> None:
        """Say that the main loop came round."""
        with self._lock:
            self._last_beat = self._clock()

    def set_ready(self) -> None:
        """Say that work can be done."""
        with self._lock:
            self._ready = Verdict(ok=True, reason="ready")

    def set_not_ready(self, reason: str) -> None:
        """Say what keeps the process from working."""
        with self._lock:
            self._ready = Verdict(ok=False, reason=reason)

    def alive(self) -> Verdict:
        """Whether the main loop still turns."""
        with self._lock:
            silent = self._clock() - self._last_beat
        if silent > self._stale_after:
            return Verdict(ok=False, reason=f"the main loop has been silent for {silent:.0f} s")
        return Verdict(ok=True, reason="alive")

    def ready(self) -> Verdict:
        """Whether work can be done; a stuck process is not ready either."""
        alive = self.alive()
        if not alive.ok:
            return alive
        with self._lock:
            return self._ready
