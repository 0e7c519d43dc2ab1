"""Gathers the figures of the state in Redis."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

import redis

from mailtally.doctor.figures import Books, Counted, DayRows, Ledger, Quarantine, Server
from mailtally.report.live import live_days
from mailtally.report.live_day import LiveDay, live_day
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.keys import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailtally_shared.state.keys import Book, StateKeys

_ATTEMPTS = 10
_MALFORMED = b"malformed:"
_REASON = b"reason:"


def read_books(state: State, keys: StateKeys) -> Books:
    """Ledgers and totals, all of one moment.

    Raises:
        Unavailable: Redis does not answer, or days and collectors come and go.
    """
    with unavailable_errors():
        for _ in range(_ATTEMPTS):
            books = _Names(state, keys).read()
            if books is not None:
                return books
    raise Unavailable("The state changed at each of several looks; look again.")


def read_rows(state: State, keys: StateKeys) -> Iterator[DayRows]:
    """Each day's own sums and those of its rows, the late ones too."""
    for book, word in ((keys.totals, ""), (keys.late, "late ")):
        for day in live_days(state, keys, book):
            with unavailable_errors():
                yield _rows(state, book, day, f"{word}{day.day}")


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


class _Names:
    """What there is to read, and reading it while that stays so."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self._state = state
        self._keys = keys
        pipeline = state.pipeline(transaction=True)
        self._ask_names(pipeline)
        self._found = pipeline.execute()
        members, hosts, days, late = self._found
        self._collectors = sorted(name.decode("ascii") for name in members)
        self._hosts = sorted(name.decode("ascii") for name in hosts)
        self._days = [_date(name) for name in days]
        self._late = [_date(name) for name in late]

    def read(self) -> Books | None:
        """Everything in one transaction; ``None`` if the names are others by then."""
        keys, pipeline = self._keys, self._state.pipeline(transaction=True)
        self._ask_names(pipeline)
        for collector in self._collectors:
            pipeline.hgetall(keys.ledger(collector))
            pipeline.hlen(keys.ahead(collector))
        for host in self._hosts:
            pipeline.hget(keys.registration(host), "id")
        for day in self._days:
            pipeline.hgetall(keys.totals.day(day))
        for day in self._late:
            pipeline.hgetall(keys.late.day(day))
        for key in (keys.retired, keys.quarantine_sums):
            pipeline.hgetall(key)
        pipeline.exists(keys.writer_lease)
        answers = pipeline.execute()
        if answers[: len(self._found)] != self._found:
            return None
        return self._books(iter(answers[len(self._found) :]))

    def _ask_names(self, pipeline: Any) -> None:  # noqa: ANN401 - redis-py's is not typed usably
        pipeline.smembers(self._keys.collectors)
        pipeline.smembers(self._keys.hosts)
        pipeline.zrange(self._keys.totals.days, 0, -1)
        pipeline.zrange(self._keys.late.days, 0, -1)

    def _books(self, answers: Iterator[Any]) -> Books:
        """The answers of ``read``, in the order in which they were asked for."""
        ledgers = [(each, next(answers), next(answers)) for each in self._collectors]
        owners = {host: (next(answers) or b"").decode("ascii") for host in self._hosts}
        hosts = {owner: host for host, owner in owners.items()}
        days = tuple(live_day(day, next(answers)) for day in self._days)
        late = tuple(live_day(day, next(answers)) for day in self._late)
        retired = next(answers)
        return Books(
            ledgers=tuple(
                _ledger(each, fields, ahead, hosts.get(each, "a former collector"))
                for each, fields, ahead in ledgers
            ),
            owners=owners,
            days=days,
            late=late,
            retired_days=int(retired.get(b"days", 0)),
            retired_messages=int(retired.get(b"messages", 0)),
            quarantine=_quarantine(next(answers)),
            has_writer=bool(next(answers)),
        )


def _date(name: bytes) -> date:
    return date.fromisoformat(name.decode("ascii"))


def _ledger(collector_id: str, fields: Mapping[bytes, bytes], ahead: int, host: str) -> Ledger:
    def number(name: bytes) -> int:
        return int(fields.get(name, 0))

    return Ledger(
        collector_id=collector_id,
        host=fields.get(b"host", host.encode("ascii")).decode("ascii"),
        hwm=number(b"hwm"),
        ahead=ahead,
        watermark=number(b"watermark"),
        lines=number(b"lines"),
        records=number(b"records"),
        quarantined=number(b"quarantined"),
        malformed=_counts(fields, _MALFORMED),
    )


def _quarantine(fields: Mapping[bytes, bytes]) -> Quarantine:
    return Quarantine(
        batches=int(fields.get(b"batches", 0)),
        records=int(fields.get(b"records", 0)),
        reasons=_counts(fields, _REASON),
    )


def _counts(fields: Mapping[bytes, bytes], prefix: bytes) -> dict[str, int]:
    """The fields ``prefix…``, by what follows it."""
    return {
        name.removeprefix(prefix).decode("ascii"): int(count)
        for name, count in sorted(fields.items())
        if name.startswith(prefix)
    }


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
        for quantity in QUANTITIES:
            pipeline.hvals(book.sums(day.day, host.decode("ascii"), quantity))
    fields, *values = pipeline.execute()
    now = live_day(day.day, fields)
    step = len(QUANTITIES)
    messages, size, extra = (
        sum(sum(map(int, each)) for each in values[place::step]) for place in range(step)
    )
    own = Counted(now.messages, now.bytes, now.transferred)
    return now.changes, DayRows(name, own, Counted(messages, size, size + extra))
