"""Offsets of time zones from UTC, also of the zone that this machine is set to."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable


def offsets_of(name: str | None) -> Callable[[int], int]:
    """Return the offset in seconds east as a function of Unix seconds.

    Args:
        name: of an IANA zone; without one, the machine's zone is meant.
    """
    if name is None:
        return _of_this_machine
    zone = ZoneInfo(name)

    def offset_at(seconds: int) -> int:
        offset = datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
        return round(offset.total_seconds()) if offset is not None else 0

    return offset_at


def _of_this_machine(seconds: int) -> int:
    return time.localtime(seconds).tm_gmtoff
