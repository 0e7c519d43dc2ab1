"""Settle a day that a person rebuilt: its files are pinned, and what the state had of it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import msgpack

from mailtally_aggregator.foreign import text, whole
from mailtally_aggregator.held import HeldDay, held, read_held
from mailtally_aggregator.said import collectors, hours
from mailtally_aggregator.scripts import declared_keys, source
from mailtally_aggregator.went_back import days_of_hours
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.keys import Book, StateKeys

#: Lua's stack bounds how many arguments a command may get.
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What the state had of a day before its logs were read.

    ``live`` and ``late`` are the changes of both books, empty for none; ``held`` is what is held
    of the day under each collector.
    """

    live: str = ""
    late: str = ""
    held: tuple[HeldDay, ...] = ()


def unsettled(state: State, keys: StateKeys, day: date) -> Unsettled:
    """Return what the state has of a day, to be compared when it is settled."""
    with unavailable_errors():
        found = [state.hget(book.day(day), "changes") for book in (keys.totals, keys.late)]
    live, late = (cast("bytes", each or b"").decode("ascii") for each in found)
    holders = [each.collector_id for each in held(state, keys) if each.day == day]
    days = [read_held(state, keys, holder, day) for holder in holders]
    return Unsettled(live, late, tuple(each for each in days if each))


def settle(
    state: State, keys: StateKeys, calendar: Calendar, day: date, *, pin: str, before: Unsettled
) -> bool:
    """Let the files of a day stand for all that was counted of it.

    Args:
        state: where the day may be live, late, stopped, or touched by lost batches.
        keys: its keys.
        calendar: where days begin and end.
        day: the traffic day.
        pin: revision and hash of the rebuilt files; see ``late_days.pin_of``.
        before: what the state had before the logs were read.

    Returns:
        False where something was counted for the day meanwhile; nothing is changed then.
    """
    with unavailable_errors():
        request: dict[str, Any] = {
            "books": [
                _book(state, keys.totals, day, before.live),
                _book(state, keys.late, day, before.late),
            ],
            "held": [each.entry(keys) for each in before.held],
            "was_live": bool(before.live),
            "iso": day.isoformat(),
            "pinned": keys.pinned,
            "pin": pin,
            "stopped": keys.stopped,
            "retired": keys.retired,
            "missing": _missing(state, keys, calendar, day),
        }
        script = state.register_script(source("ledger.lua", "held.lua", "settle.lua"))
        named = declared_keys(request, keys.tag)
        listed = [key for book in request["books"] for key in book["keys"]]
        return bool(script(keys=[*named, *listed], args=[msgpack.packb(request)]))


def _book(state: State, book: Book, day: date, changes: str) -> dict[str, Any]:
    hosts = sorted(text(name) for name in cast("set[bytes]", state.smembers(book.hosts(day))))
    sums = [book.sums(day, host) for host in hosts]
    return {
        "day": book.day(day),
        "days": book.days,
        "changes": changes,
        "keys": [*sums, book.hosts(day), book.names(day), book.statuses(day)],
    }


def _missing(state: State, keys: StateKeys, calendar: Calendar, day: date) -> list[dict[str, Any]]:
    """The hours of the day that lost batches touched; one stays that reaches into an open day."""
    pinned = {
        date.fromisoformat(text(name)) for name in cast("list[bytes]", state.hkeys(keys.pinned))
    }
    found = []
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
