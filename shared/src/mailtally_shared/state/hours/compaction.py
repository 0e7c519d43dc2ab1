"""Keeping the list of a day's hours short: neighbours are replaced by their sum.

Parts are added up from the newest on, as far as each is not much larger than those behind it
together. A part is thus written again about as often as its size doubles, and not with each step.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.hours.counted import joined
from mailtally_shared.state.hours.crash_at import CrashAt
from mailtally_shared.state.hours.packed import IDENTITY, DamagedHoursError, pack, unpack
from mailtally_shared.state.scripts import source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from mailtally_shared.state.hours.counted import CountedHours
    from mailtally_shared.state.keys import Book
    from mailtally_shared.state.lease import Lease

_log = logging.getLogger(__name__)
#: Parts of a day from which on the newest are added up, and the least of them.
MANY, LEAST = 32, 16
#: A part that is this much larger than those behind it together stays.
_LARGER = 2


def first_to_add(sizes: Sequence[int], least: int) -> int:
    """Return the number of the first part from which on all are added up.

    Args:
        sizes: of the parts, in bytes, the newest last.
        least: number of parts that are added up whatever their sizes.
    """
    first, total = len(sizes), 0
    while first and (len(sizes) - first < least or sizes[first - 1] <= _LARGER * total):
        first -= 1
        total += sizes[first]
    return first


def compact(state: State, lease: Lease, book: Book, day: date, *, is_over: bool) -> bool:
    """Shorten the list of a day's hours, if it is long; return false without the lease.

    Args:
        state: the state.
        lease: the day writer's.
        book: the book with the day.
        day: the traffic day.
        is_over: nothing is expected to be added, so that a short list is shortened too.

    Raises:
        Unavailable: Redis does not answer; the list is as it was, or shortened.
    """
    key = book.hours(day)
    with unavailable_errors():
        if state.llen(key) < (2 if is_over else MANY):
            return True
        sizes = cast("list[int]", state.register_script(source("sizes.lua"))(keys=[key]))
        first = first_to_add(sizes, 1 if is_over else LEAST)
        if len(sizes) - first < 2:  # noqa: PLR2004 - one part alone is its sum
            return True
        parts = cast("list[bytes]", state.lrange(key, first, len(sizes) - 1))
    total = pack(joined(list(unpacked(parts, day))))
    crash_point(CrashAt.HOURS_ADDED_UP)
    done = lease.compact_hours(book, day, first, [part[:IDENTITY] for part in parts], total)
    crash_point(CrashAt.HOURS_COMPACTED)
    return done


def unpacked(parts: Sequence[bytes], day: date) -> Iterator[CountedHours]:
    """Yield the hours of parts; log one that is damaged, which the day's sums then lack."""
    for part in parts:
        try:
            yield unpack(part)
        except DamagedHoursError as error:
            event(
                _log,
                logging.ERROR,
                "hours-damaged",
                f"Hours of {day} in Redis are damaged and left out: {error}. The day's totals are "
                "not affected.",
                day=day.isoformat(),
            )
