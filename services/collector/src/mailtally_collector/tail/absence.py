"""The absence of vanished files, carried across a restart. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.tail.positions import Position


def still_missed(positions: Iterable[Position], now: float) -> list[Position]:
    """Shift the absences so that the last file to vanish did so at ``now``.

    Time in which the collector did not run does not count. So a clock that is wrong at the start
    neither drops a file nor keeps one forever.
    """
    known = list(positions)
    latest = max((each.gone for each in known if each.gone is not None), default=now)
    return [
        each if each.gone is None else replace(each, gone=now - (latest - each.gone))
        for each in known
    ]
