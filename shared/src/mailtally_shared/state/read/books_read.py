"""Reading ledgers and totals from the state, all of one moment."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.metrics.metric import OTHER
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import pair
from mailtally_shared.state.keys import host_mark
from mailtally_shared.state.read.books import Books, Ledger, Quarantine, Registered
from mailtally_shared.state.read.live_day import live_day
from mailtally_shared.state.read.went_back import lost_hours
from mailtally_shared.state.untrusted import (
    COLLECTOR,
    HOST,
    REASON,
    Place,
    ask_sizes,
    check_size,
    hours,
    names,
    read_up_to,
    said,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailtally_shared.state.keys import StateKeys


#: Limit of collectors without a ledger that count for a host; it could make any number up.
MOST_FORMER = 100


def host_of(collector_id: str, named: bytes | None) -> str:
    """Return the host that a collector states, empty if its id is not one of that host's."""
    (host, *_) = names([named or b""], HOST) or [""]
    return host if host and collector_id.startswith(host_mark(host)) else ""


def never_applied(silent: Iterable[str], words: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the hosts of collectors that left an id and no ledger, by id.

    Args:
        silent: ids that have no ledger and own no host name.
        words: the host that the collector with an id states, as it wrote it.
    """
    left, found = Counter[str](), dict[str, str]()
    for each in silent:
        host = host_of(each, words.get(each))
        left[host] += 1
        if host and left[host] <= MOST_FORMER:
            found[each] = host
    return found


#: Seconds of attempts to read one moment. A day or a collector that comes between the names and
#: their values spoils one attempt, and a day of catching up brings many.
_PATIENCE = 10.0
_MALFORMED = b"malformed:"
_REASON = b"reason:"
#: The fields that are read of a registration, in this order.
_REGISTRATION = ("id", "nonce", "machine", "rival", "rival_at")


def read_books(state: State, keys: StateKeys) -> Books:
    """Read ledgers and totals, all of one moment.

    Raises:
        Unavailable: Redis does not answer, or days and collectors change at each attempt.
    """
    end = time.monotonic() + _PATIENCE
    with unavailable_errors():
        while time.monotonic() < end:
            books = _Names(state, keys).read()
            if books is not None:
                return books
    raise Unavailable(
        f"The state changed during each attempt of {_PATIENCE:.0f} s to read it; try again."
    )


class Said(NamedTuple):
    """The collectors' own statements: registrations by host; histories and hosts by collector."""

    registrations: Mapping[str, list[bytes | None]]
    acknowledged: Mapping[str, bytes | None]
    hosts: Mapping[str, bytes | None]


class _Names:
    """The names to read, and reading their values while the names stay the same."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self._state = state
        self._keys = keys
        pipeline = state.pipeline(transaction=True)
        ask_sizes(pipeline, (keys.collectors, keys.hosts))
        for key, size in zip((keys.collectors, keys.hosts), pipeline.execute(), strict=True):
            check_size(key, size)
        self._ask_names(pipeline)
        self._found = pipeline.execute()
        members, hosts, days, late = self._found
        self._collectors = names(members, COLLECTOR)
        self._hosts = names(hosts, HOST)
        self._foreign = len(members) + len(hosts) - len(self._collectors) - len(self._hosts)
        self._days = [_date(name) for name in days]
        self._late = [_date(name) for name in late]
        self._hours = hours(state, keys, self._collectors)
        self._said = self._what_is_said()

    def _what_is_said(self) -> Said:
        """Read what collectors write themselves, which is not part of what must add up."""
        keys = self._keys
        registered = [
            Place(keys.registration(host), field) for host in self._hosts for field in _REGISTRATION
        ]
        words = [
            Place(keys.said(collector), field)
            for field in ("history", "host")
            for collector in self._collectors
        ]
        found = iter(said(self._state, [*registered, *words]))
        fields = {host: [next(found) for _ in _REGISTRATION] for host in self._hosts}
        histories = {collector: next(found) for collector in self._collectors}
        return Said(fields, histories, dict(zip(self._collectors, found, strict=True)))

    def read(self) -> Books | None:
        """Read everything in one transaction; ``None`` if the names have changed by then."""
        keys, pipeline = self._keys, self._state.pipeline(transaction=True)
        self._ask_names(pipeline)
        for collector in self._collectors:
            pipeline.hgetall(keys.ledger(collector))
            pipeline.hlen(keys.ahead(collector))
            pipeline.hget(keys.held_records, collector)
            pipeline.hget(keys.held_dropped, collector)
            pipeline.zrange(keys.held(collector).days, 0, -1)
        for day in self._days:
            pipeline.hgetall(keys.totals.day(day))
        for day in self._late:
            pipeline.hgetall(keys.late.day(day))
        for key in (keys.retired, keys.quarantine_sums):
            pipeline.hgetall(key)
        pipeline.exists(keys.writer_lease)
        for key in (keys.stopped, keys.pinned):
            pipeline.hgetall(key)
        pipeline.hmget(keys.history, "id", "commits")
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
        """Return the books from the answers of ``read``, in the order of its commands."""
        ledgers = [
            (each, next(answers), next(answers), _held(answers)) for each in self._collectors
        ]
        registered = self._said.registrations
        owners = {host: text(fields[0]) for host, fields in registered.items() if fields[0]}
        days = tuple(live_day(day, next(answers)) for day in self._days)
        late = tuple(live_day(day, next(answers)) for day in self._late)
        retired = next(answers)
        owned = {owner: host for host, owner in owners.items()}
        silent = [each for each, fields, *_ in ledgers if not fields and each not in owned]
        host_of_id = never_applied(silent, self._said.hosts) | owned
        known = [each for each in ledgers if each[1] or each[0] in host_of_id]
        return Books(
            ledgers=tuple(
                replace(
                    _ledger(each, fields, ahead, registered.get(owned.get(each, ""), [])[1:2]),
                    host=host_of_id.get(each) or _former_host(each, fields),
                    lost_hours=lost_hours(self._hours.get(each, [])),
                    acknowledged=text(self._said.acknowledged[each] or b""),
                    held=held.records,
                    held_days=held.days,
                    dropped=held.dropped,
                )
                for each, fields, ahead, held in known
            ),
            foreign=self._foreign + len(ledgers) - len(known) + len(registered) - len(owners),
            owners=owners,
            registered={host: _registered(*fields[2:]) for host, fields in registered.items()},
            days=days,
            late=late,
            retired_days=int(retired.get(b"days", 0)),
            retired_messages=int(retired.get(b"messages", 0)),
            quarantine=_quarantine(next(answers)),
            has_writer=bool(next(answers)),
            stopped={_date(day): text(why) for day, why in sorted(next(answers).items())},
            pinned={_date(day): whole(pin.split()[0]) for day, pin in next(answers).items()},
            state=pair(next(answers)),
        )


class _Held(NamedTuple):
    """The held records of a collector."""

    records: int
    dropped: int
    days: tuple[date, ...]


def _held(answers: Iterator[Any]) -> _Held:
    records, dropped, days = next(answers), next(answers), next(answers)
    return _Held(whole(records), whole(dropped), tuple(map(_date, days)))


def _date(name: bytes) -> date:
    return date.fromisoformat(name.decode("ascii"))


def _former_host(collector_id: str, fields: Mapping[bytes, bytes]) -> str:
    """Return the host of a collector that owns none now: its ledger's, if its id agrees."""
    return host_of(collector_id, fields.get(b"host")) or "a former collector"


def _registered(machine: bytes | None, rival: bytes | None, rival_at: bytes | None) -> Registered:
    return Registered(text(machine or b""), text(rival or b""), whole(rival_at))


def _ledger(
    collector_id: str, fields: Mapping[bytes, bytes], ahead: int, start: Sequence[bytes | None]
) -> Ledger:
    def number(name: bytes) -> int:
        return whole(fields.get(name))

    (registered,) = start or (None,)

    return Ledger(
        collector_id=collector_id,
        host="",
        hwm=number(b"hwm"),
        ahead=ahead,
        watermark=read_up_to(registered, fields.get(b"nonce"), fields.get(b"watermark")),
        lines=number(b"lines"),
        records=number(b"records"),
        quarantined=number(b"quarantined"),
        malformed=_counts(fields, _MALFORMED),
        status=fields.get(b"status", b""),
        clock=number(b"clock"),
        state_clock=number(b"state_clock"),
        different=number(b"different"),
        different_at=number(b"different_at"),
    )


def _quarantine(fields: Mapping[bytes, bytes]) -> Quarantine:
    return Quarantine(
        batches=int(fields.get(b"batches", 0)),
        records=int(fields.get(b"records", 0)),
        reasons=_counts(fields, _REASON),
    )


def _counts(fields: Mapping[bytes, bytes], prefix: bytes) -> dict[str, int]:
    """Return the fields ``prefix…`` by their suffix; those that are no reason count as OTHER."""
    counts = Counter[str]()
    for name, count in sorted(fields.items()):
        if name.startswith(prefix):
            reason = name.removeprefix(prefix)
            counts[text(reason) if REASON.fullmatch(reason) else OTHER] += whole(count)
    return dict(counts)
