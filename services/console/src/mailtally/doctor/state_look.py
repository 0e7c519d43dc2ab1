"""Gathers the figures of the state in Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import redis

from mailtally.doctor.charged import Names
from mailtally.doctor.figures import Counted, DayRows, Server
from mailtally.report.live import live_days
from mailtally_aggregator.foreign import COLLECTOR, names, text
from mailtally_aggregator.live_day import LiveDay, live_day
from mailtally_aggregator.packed_sums import unpack
from mailtally_shared.day_files.day_rows import exact_sum
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.moments import redis_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.keys import Book, StateKeys

_ATTEMPTS = 10


def read_rows(state: State, keys: StateKeys) -> Iterator[DayRows]:
    """Each day's own sums and those of its rows, the late and the held ones too."""
    with unavailable_errors():
        holders = names(cast("list[bytes]", state.hkeys(keys.held_records)), COLLECTOR)
    held_books = [(keys.held(holder), "held ") for holder in holders]
    for book, word in ((keys.totals, ""), (keys.late, "late "), *held_books):
        for day in live_days(state, keys, book):
            with unavailable_errors():
                yield _rows(state, book, day, f"{word}{day.day}")


def read_names(state: State, keys: StateKeys) -> Names:
    """What the days with records name: statuses that are not known, and domains."""
    book, statuses, domains = keys.totals, set[str](), 0
    days = [day.day for day in live_days(state, keys) if day.messages]
    with unavailable_errors():
        for day in days:
            found = cast("set[bytes]", state.smembers(book.statuses(day)))
            statuses |= {text(name) for name in found}
            domains += state.scard(book.names(day))
    return Names(len(days), frozenset(statuses), domains)


def read_server(state: State) -> Server:
    """How the server is set up; what it does not tell stays unknown."""
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
    """What Redis's clock shows, and why the day writer closes no day, empty where it does."""
    redis_shows = redis_time(state)
    with unavailable_errors():
        found = cast("bytes | None", state.get(keys.writer_clocks))
    return redis_shows, str(json.loads(found)["why"]) if found else ""


def _rows(state: State, book: Book, day: LiveDay, name: str) -> DayRows:
    """Piece by piece while nothing changes meanwhile; else in one, which holds up commits."""
    for _ in range(_ATTEMPTS):
        found = _read_rows(state, book, day, name, at_once=False)
        changes = cast("bytes | None", state.hget(book.day(day.day), "changes"))
        if found[0] == int(changes or 0):
            return found[1]
    return _read_rows(state, book, day, name, at_once=True)[1]


def _read_rows(
    state: State, book: Book, day: LiveDay, name: str, *, at_once: bool
) -> tuple[int, DayRows]:
    hosts = cast("set[bytes]", state.smembers(book.hosts(day.day)))
    pipeline = state.pipeline(transaction=at_once)
    pipeline.hgetall(book.day(day.day))
    for host in hosts:
        pipeline.hvals(book.sums(day.day, host.decode("ascii")))
    fields, *hosts_values = pipeline.execute()
    now = live_day(day.day, fields)
    hosts_sums = [map(exact_sum, unpack(values).quantities) for values in hosts_values]
    messages, size, extra = map(sum, zip((0, 0, 0), *hosts_sums, strict=True))
    own = Counted(now.messages, now.bytes, now.transferred)
    return now.changes, DayRows(name, own, Counted(messages, size, size + extra))
