"""How long the files that are gone have been missed, by a process that has just started. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_collector.positions import Position


def still_missed(positions: Iterable[Position], now: float) -> list[Position]:
    """Return the positions with the file that went last gone since ``now``, others as long before.

    Time in which the collector did not run does not count, so that a clock that is wrong at its
    start makes it forget no file, and remember none for ever.
    """
    known = list(positions)
    latest = max((each.gone for each in known if each.gone is not None), default=now)
    return [
        each if each.gone is None else replace(each, gone=now - (latest - each.gone))
        for each in known
    ]
