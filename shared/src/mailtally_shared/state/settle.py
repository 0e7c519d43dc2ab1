"""Settling a rebuilt day: its files are pinned, and the state's records of it are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.keys import parts_of
from mailtally_shared.state.read.late_days import pinned_days
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.read.went_back import days_of_hours
from mailtally_shared.state.scripts import Script
from mailtally_shared.state.uncounted.held import HeldDay, held, read_held
from mailtally_shared.state.untrusted import collectors, hours, text, whole

if TYPE_CHECKING:
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import StateKeys

#: Limit of arguments to one command: Lua's stack is bounded.
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The state's records of a day before its logs were read.

    ``live`` and ``late`` are the counters of changes of both books, empty for none; ``held`` are
    the records of the day that are held under each collector.
    """

    live: str = ""
    late: str = ""
    held: tuple[HeldDay, ...] = ()


def unsettled(state: State, keys: StateKeys, day: date) -> Unsettled:
    """Return the state's records of a day, to be compared when it is settled."""
    with unavailable_errors():
        found = [state.hget(book.day(day), "changes") for book in (keys.totals, keys.late)]
    live, late = (cast("bytes", each or b"").decode("ascii") for each in found)
    holders = [each.collector_id for each in held(state, keys) if each.day == day]
    days = [read_held(state, keys, holder, day) for holder in holders]
    return Unsettled(live, late, tuple(each for each in days if each))


def settle(
    state: State, keys: StateKeys, calendar: Calendar, day: date, *, pin: str, before: Unsettled
) -> bool:
    """Replace the state's records of a day by its files.

    Args:
        state: the state, in which the day may be live, late, stopped, or touched by lost batches.
        keys: its keys.
        calendar: the accounting calendar.
        day: the traffic day.
        pin: revision and hash of the rebuilt files; see ``late_days.pin_of``.
        before: the state's records before the logs were read.

    Returns:
        False, with nothing changed, if something was counted for the day in the meantime.
    """
    totals = Totals(state, keys)
    books = [
        {
            "day": book.day(day),
            "days": book.days,
            "opened": book.opened,
            "changes": changes,
            "keys": parts_of(book, day, totals.places(day, book)),
        }
        for book, changes in ((keys.totals, before.live), (keys.late, before.late))
    ]
    request: dict[str, Any] = {
        "books": books,
        "held": [each.entry(keys) for each in before.held],
        "was_live": bool(before.live),
        "iso": day.isoformat(),
        "pinned": keys.pinned,
        "pin": pin,
        "stopped": keys.stopped,
        "retired": keys.retired,
        "missing": _missing(state, keys, calendar, day),
    }
    listed = [key for book in books for key in book["keys"]]
    script = Script(state, keys, "ledger.lua", "held.lua", "settle.lua")
    return bool(script.run(request, keys=listed))


def _missing(state: State, keys: StateKeys, calendar: Calendar, day: date) -> list[dict[str, Any]]:
    """Return the hours that lost batches touched, but not those that reach into an open day."""
    pinned, found = {*pinned_days(state, keys)}, []
    for collector, fields in hours(state, keys, collectors(state, keys)).items():
        key = keys.missing(collector)
        of_day = []
        for field in fields:
            days = days_of_hours([whole(field)], calendar)
            if day in days and days <= pinned | {day}:
                of_day.append(text(field))
        found += [
            {"key": key, "hours": of_day[first : first + _AT_ONCE]}
            for first in range(0, len(of_day), _AT_ONCE)
        ]
    return found
