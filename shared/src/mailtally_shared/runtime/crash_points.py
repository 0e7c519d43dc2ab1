"""Points at which a fault test may kill the process.

Each service lists its points, and the cost of a crash at each, in one enum, and
passes them with ``crash_point``:

    class CrashAt(StrEnum):
        BATCH_SPOOLED = "batch-spooled"  # on disk, not yet sent

    declare(CrashAt)
    ...
    crash_point(CrashAt.BATCH_SPOOLED)

``MAILTALLY_CRASH_AT=batch-spooled`` kills the process with SIGKILL there,
``batch-spooled:3`` at the third passing. Without the variable, which is
read once at import, passing a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import StrEnum

VARIABLE = "MAILTALLY_CRASH_AT"


@dataclass(slots=True)
class _Armed:
    name: str
    passings_left: int


def _parse(setting: str | None) -> _Armed | None:
    if not setting:
        return None
    name, _, count = setting.partition(":")
    return _Armed(name, int(count or 1))


_armed = _parse(os.environ.get(VARIABLE))
_declared: set[str] = set()


def declare(points: type[StrEnum]) -> None:
    """Register the crash points of a service."""
    _declared.update(points)


def crash_point(name: str) -> None:
    """Kill this process here if the environment asks for it."""
    if _armed is not None:
        _pass_by(_armed, name)


def is_misspelt() -> bool:
    """Return whether the environment names a point that no service of this process has.

    Otherwise a fault test that never crashes would look like a pass.
    """
    return _armed is not None and _armed.name not in _declared


def _pass_by(armed: _Armed, name: str) -> None:
    if name not in _declared:
        raise LookupError(f"the crash point {name!r} is not declared")
    if name == armed.name:
        armed.passings_left -= 1
        if armed.passings_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
