"""The clock of a process: steady time to wait by, wall-clock time to state.

A wall clock steps: an operator sets it, a machine starts with a wrong one, NTP corrects it. All
waiting, pausing, timing out and resending uses ``steady``, which starts at the wall clock's time
when the process starts and then follows the monotonic clock. Times shown to people, watermarks and
days are wall-clock time: ``wall``, and ``stated`` for a moment that was noted in steady time.

A fault test shifts the wall clock of a running process: it names a file in
``MAILTALLY_CLOCK_SHIFT`` when the process starts and writes seconds into it (``-3600``) at any
time; a missing or empty file shifts nothing. ``MAILTALLY_REDIS_CLOCK_SHIFT`` likewise shifts the
time that Redis's TIME returns (``mailtally_shared.state.history``).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Variable that names the file whose content shifts this process's wall clock; tests only.
VARIABLE = "MAILTALLY_CLOCK_SHIFT"
#: Variable that names the file whose content shifts Redis's clock as read here; tests only.
REDIS_VARIABLE = "MAILTALLY_REDIS_CLOCK_SHIFT"


class Clock:
    """The time of one process. Safe in any thread."""

    def __init__(self) -> None:
        self._shift = os.environ.get(VARIABLE)
        self._ahead = self.wall() - time.monotonic()

    def wall(self) -> float:
        """Return the time of the machine's clock, in Unix seconds."""
        return time.time() + _shift(self._shift)

    def steady(self) -> float:
        """Return Unix seconds that never step: the wall clock's at the start, then monotonic."""
        return self._ahead + time.monotonic()

    def stated(self, steady: float) -> float:
        """Convert a moment in steady time to the present time of the machine's clock."""
        return self.wall() - (self.steady() - steady)


def redis_shift() -> float:
    """Return the seconds by which a test shifts Redis's clock; 0.0 outside of tests."""
    return _shift(os.environ.get(REDIS_VARIABLE))


def _shift(path: str | None) -> float:
    if not path:
        return 0.0
    try:
        return float(Path(path).read_text(encoding="ascii") or 0)
    except FileNotFoundError:
        return 0.0
