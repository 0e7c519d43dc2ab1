"""Held records: those too far ahead of time, kept under their collector until they are counted.

A held day is moved into the totals by an ordinary commit, or dropped, in one script that does
nothing where the day changed since it was read. It thus happens once, whichever process asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mailtally_shared.schema import PLACE, place_of
from mailtally_shared.state.commit.merge import Increments, PlaceIncrement
from mailtally_shared.state.hours.counted import CountedHours
from mailtally_shared.state.keys import parts_of
from mailtally_shared.state.read.totals import Totals, check_conservation
from mailtally_shared.state.scripts import Script

if TYPE_CHECKING:
    from datetime import date

    from mailtally_shared.days import DayRows
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


class Held(NamedTuple):
    """A day held under a collector, as a list shows it."""

    collector_id: str
    day: date
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class HeldDay:
    """A held day with its records, at the moment that ``changes`` identifies."""

    collector_id: str
    day: date
    changes: int
    messages: int
    places: tuple[str, ...]
    names: int
    increments: Increments
    hours: CountedHours | None = None  # of all of its records, or of none

    def entry(self, keys: StateKeys) -> dict[str, Any]:
        """Return the values that held.lua needs of it."""
        book, day = keys.held(self.collector_id), self.day
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
            "totals": [{"key": key} for key in parts_of(book, day, self.places)],
        }


def held(state: State, keys: StateKeys) -> list[Held]:
    """Return every held day, by collector, oldest first.

    Raises:
        Unavailable: Redis does not answer.
    """
    totals = Totals(state, keys)
    return [
        Held(holder, day.day, day.messages, day.bytes)
        for holder in totals.holders()
        for day in totals.days(keys.held(holder))
    ]


def read_held(state: State, keys: StateKeys, collector_id: str, day: date) -> HeldDay | None:
    """Read a held day, all of one moment; ``None`` where it is gone.

    Raises:
        Unavailable: Redis does not answer.
        Refused: its rows do not add up to its own sums.
    """
    totals, book = Totals(state, keys), keys.held(collector_id)
    places = totals.places(day, book)
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
        places=tuple(places),
        names=sum(len(increment.names()) for increment in increments.values()),
        increments={day: increments},
        hours=CountedHours.of(found.hours.rows) if found.hours and found.hours.whole else None,
    )


def drop_held(state: State, keys: StateKeys, day: HeldDay) -> bool:
    """Drop a held day uncounted; return false where it changed since it was read.

    Raises:
        Unavailable: Redis does not answer.
    """
    request = {
        "held": day.entry(keys),
        "dropped_key": keys.held_dropped,
        "history": keys.history,
    }
    return bool(Script(state, keys, "ledger.lua", "held.lua", "drop_held.lua").run(request))


def _increments(rows: DayRows) -> dict[str, PlaceIncrement]:
    by_place: dict[str, dict[str, tuple[int, int, int]]] = {}
    for row in rows:
        sums = (row.messages, row.bytes, row.transferred - row.bytes)
        place = place_of(*(getattr(row, name) for name in PLACE))
        by_place.setdefault(place, {})[f"{row.domain}|{row.service}|{row.status}"] = sums
    return {place: PlaceIncrement.of(sums) for place, sums in by_place.items()}
