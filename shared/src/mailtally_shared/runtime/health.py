"""Whether a process is alive and ready."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: The part of a process that waits before any of its loops runs.
START = "start"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer and the sentence that explains it."""

    ok: bool
    reason: str


class Health:
    """The liveness and readiness of a process. Safe in any thread.

    *Alive*: its main loop completed a round recently. *Ready*: it can do its
    work; it starts as not ready. A process of which a part waits for a server
    is alive and not ready.

    Args:
        stale_after: seconds without a ``beat`` after which the process counts as stuck.
        clock: seconds that never decrease.
    """

    def __init__(
        self, stale_after: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stale_after = stale_after
        self._clock = clock
        self._lock = threading.Lock()
        self._last_beat = clock()
        #: What each part of the process waits for.
        self._waits = {START: "starting"}

    def beat(self) -> None:
        """Record that the main loop completed a round."""
        with self._lock:
            self._last_beat = self._clock()

    def set_ready(self, part: str = "") -> None:
        """Record that a part of the process can do its work, which ends the start."""
        with self._lock:
            self._waits.pop(START, None)
            self._waits.pop(part, None)

    def set_not_ready(self, reason: str, part: str = "") -> None:
        """Record what keeps a part of the process from working."""
        with self._lock:
            self._waits.pop(START, None)
            self._waits[part] = reason

    def alive(self) -> Verdict:
        """Return whether the main loop still turns."""
        with self._lock:
            silent = self._clock() - self._last_beat
        if silent > self._stale_after:
            return Verdict(ok=False, reason=f"the main loop has been silent for {silent:.0f} s")
        return Verdict(ok=True, reason="alive")

    def ready(self) -> Verdict:
        """Return whether the process can work; a stuck one is not ready either."""
        alive = self.alive()
        if not alive.ok:
            return alive
        with self._lock:
            reason = next(iter(self._waits.values()), None)
        return Verdict(ok=reason is None, reason=reason or "ready")
