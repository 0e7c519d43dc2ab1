"""Gathers ledgers and totals from the state, all of one moment."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from mailtally_aggregator.books import Books, Ledger, Quarantine
from mailtally_aggregator.foreign import text, whole
from mailtally_aggregator.live_day import live_day
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailtally_shared.state.keys import StateKeys

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


class _Names:
    """What there is to read, and reading it while that stays so."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self._state = state
        self._keys = keys
        pipeline = state.pipeline(transaction=True)
        self._ask_names(pipeline)
        self._found = pipeline.execute()
        members, hosts, days, late = self._found
        self._collectors = sorted(map(text, members))
        self._hosts = sorted(map(text, hosts))
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
        owners = {host: text(next(answers) or b"") for host in self._hosts}
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
        return whole(fields.get(name))

    return Ledger(
        collector_id=collector_id,
        host=text(fields[b"host"]) if b"host" in fields else host,
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
        text(name.removeprefix(prefix)): whole(count)
        for name, count in sorted(fields.items())
        if name.startswith(prefix)
    }
