"""Reading the figures of the state in Redis for the audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import redis

from mailtally_shared.audit.gathered import Counted, DaySums, Server
from mailtally_shared.audit.settings import Names
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import redis_time
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.untrusted import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.keys import StateKeys


def read_rows(state: State, keys: StateKeys) -> Iterator[DaySums]:
    """Yield the sums of each day, its rows and its hours, for late and held records too."""
    totals = Totals(state, keys)
    held = [(keys.held(holder), "held ") for holder in totals.holders()]
    for book, word in ((keys.totals, ""), (keys.late, "late "), *held):
        for day in totals.days(book):
            found = totals.read(day.day, book)
            own = Counted(found.messages, found.bytes, found.transferred)
            rows, hours = Counted(*found.rows.sums()), None
            if found.hours and found.hours_whole:
                hours = Counted(*found.hours.rows.sums())
            yield DaySums(f"{word}{day.day}", own, rows, hours)


def read_names(state: State, keys: StateKeys) -> Names:
    """Return the names in the days with records: unknown statuses, and the number of domains."""
    book, statuses, domains = keys.totals, set[str](), 0
    days = [day.day for day in Totals(state, keys).days() if day.messages]
    with unavailable_errors():
        for day in days:
            found = cast("set[bytes]", state.smembers(book.statuses(day)))
            statuses |= {text(name) for name in found}
            domains += state.scard(book.names(day))
    return Names(len(days), frozenset(statuses), domains)


def read_server(state: State) -> Server:
    """Return the server's configuration; values that it does not state are unknown."""
    try:
        with unavailable_errors():
            found = state.info()
    except redis.ResponseError:
        return Server()
    append_only = found.get("aof_enabled")
    return Server(
        version=str(found.get("redis_version", "")),
        eviction=found.get("maxmemory_policy"),
        append_only=None if append_only is None else bool(append_only),
        last_write_failed=bool(append_only) and found.get("aof_last_write_status") != "ok",
        used_memory=int(found.get("used_memory", 0)),
        max_memory=int(found.get("maxmemory", 0)),
    )


def read_clocks(state: State, keys: StateKeys) -> tuple[float, str]:
    """Return Redis's time, and why the day writer closes no day; empty where it does."""
    redis_shows = redis_time(state)
    with unavailable_errors():
        found = cast("bytes | None", state.get(keys.writer_clocks))
    return redis_shows, str(json.loads(found)["why"]) if found else ""
