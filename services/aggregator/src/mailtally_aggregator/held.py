"""Held records: those too far ahead of time, kept under their collector until they are counted.

A held day is moved into the totals by an ordinary commit, or dropped, in one script that does
nothing where the day changed since it was read. So it happens once, whoever does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgpack

from mailtally_aggregator.foreign import COLLECTOR, names
from mailtally_aggregator.live_day import live_day
from mailtally_aggregator.merge import HostIncrement, Increments
from mailtally_aggregator.scripts import declared_keys, source
from mailtally_aggregator.totals import Totals, check_conservation
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.day_files import DayRows
    from mailtally_shared.state.keys import StateKeys


class Held(NamedTuple):
    """A day that is held under a collector, as a list shows it."""

    collector_id: str
    day: date
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class HeldDay:
    """A held day with all that it holds; ``changes`` tells of which moment."""

    collector_id: str
    day: date
    changes: int
    messages: int
    hosts: tuple[str, ...]
    names: int
    increments: Increments

    def entry(self, keys: StateKeys) -> dict[str, Any]:
        """Return what held.lua needs of it."""
        book, day = keys.held(self.collector_id), self.day
        sums = [book.sums(day, host) for host in self.hosts]
        return {
            "collector": self.collector_id,
            "day": book.day(day),
            "iso": day.isoformat(),
            "days_key": book.days,
            "changes": str(self.changes),
            "messages": str(self.messages),
            "names": str(self.names),
            "records_key": keys.held_records,
            "names_key": keys.held_names,
            "totals": [
                {"key": key}
                for key in (*sums, book.hosts(day), book.names(day), book.statuses(day))
            ],
        }


def held(state: State, keys: StateKeys) -> list[Held]:
    """Return every held day, by collector, oldest first.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        collectors = names(cast("list[bytes]", state.hkeys(keys.held_records)), COLLECTOR)
        found = []
        for collector_id in collectors:
            book = keys.held(collector_id)
            days = cast("list[bytes]", state.zrange(book.days, 0, -1))
            pipeline = state.pipeline(transaction=False)
            for name in days:
                pipeline.hgetall(book.day(date.fromisoformat(name.decode("ascii"))))
            for name, fields in zip(days, pipeline.execute(), strict=True):
                sums = live_day(date.fromisoformat(name.decode("ascii")), fields)
                found.append(Held(collector_id, sums.day, sums.messages, sums.bytes))
    return found


def read_held(state: State, keys: StateKeys, collector_id: str, day: date) -> HeldDay | None:
    """Read a held day whole, all of one moment; ``None`` where it is gone.

    Raises:
        Unavailable: Redis does not answer.
        Refused: its rows do not add up to its own sums.
    """
    totals, book = Totals(state, keys), keys.held(collector_id)
    hosts = totals.hosts(day, book)
    found = totals.read(day, book)
    if not found.changes:
        return None
    check_conservation(f"{day} (held)", found)
    increments = _increments(found.rows)
    return HeldDay(
        collector_id=collector_id,
        day=day,
        changes=found.changes,
        messages=found.messages,
        hosts=tuple(hosts),
        names=sum(len(increment.names()) for increment in increments.values()),
        increments={day: increments},
    )


def drop_held(state: State, keys: StateKeys, day: HeldDay) -> bool:
    """Drop a held day uncounted; false where it changed since it was read.

    Raises:
        Unavailable: Redis does not answer.
    """
    request = {
        "held": day.entry(keys),
        "dropped_key": keys.held_dropped,
        "history": keys.history,
    }
    script = state.register_script(source("ledger.lua", "held.lua", "drop_held.lua"))
    with unavailable_errors():
        done = script(keys=declared_keys(request, keys.tag), args=[msgpack.packb(request)])
    return bool(done)


def _increments(rows: DayRows) -> dict[str, HostIncrement]:
    by_host: dict[str, dict[str, tuple[int, int, int]]] = {}
    for row in rows:
        sums = (row.messages, row.bytes, row.transferred - row.bytes)
        by_host.setdefault(row.host, {})[f"{row.domain}|{row.service}|{row.status}"] = sums
    return {host: HostIncrement.of(sums) for host, sums in by_host.items()}
