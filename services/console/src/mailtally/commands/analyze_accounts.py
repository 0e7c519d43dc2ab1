"""Daily totals in memory, as the aggregators keep them in Redis, for one run. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np

from mailtally_shared.days import Gathering
from mailtally_shared.days.hour_rows import Hours
from mailtally_shared.errors import Refused
from mailtally_shared.schema import MAX_SUM, names_of
from mailtally_shared.state.commit.request import (
    NEVER_CAPPED,
    OVERFLOW,
    RESERVED_NAMES,
    Caps,
    capped,
)
from mailtally_shared.state.hours.counted import joined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mailtally_shared.columns import Array
    from mailtally_shared.days import DayRows
    from mailtally_shared.state.commit.merge import KindIncrement, PlaceIncrement
    from mailtally_shared.state.commit.request import Additions
    from mailtally_shared.state.hours.counted import CountedHours

_FEWEST = 64
#: Parts of a day's hours that are held before they are added up.
_MOST_PARTS = 32


class Accounts:
    """Totals by day and place, with the same caps on distinct names as in a cluster."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._days: dict[date, _Day] = {}

    def add(self, added: Additions) -> None:
        """Add the result of a merge.

        Raises:
            Refused: the sizes of a day add up to more than 63 bits.
        """
        for day, places in added.increments.items():
            account = self._days.setdefault(day, _Day())
            for place, increment in places.items():
                account.add(place, increment, self._caps)
        for day, hours in added.hours.items():
            self._days[day].add_hours(hours, self._caps)

    def days(self) -> list[date]:
        """Return the days with totals, oldest first."""
        return sorted(self._days)

    def rows(self, day: date) -> DayRows:
        """Return the breakdown of a day."""
        return self._days[day].rows()

    def hours(self, day: date) -> Hours | None:
        """Return all hours of a day; ``None`` where they were not counted."""
        return self._days[day].hours()


class _Day:
    """The totals of one day, and the names and statuses admitted."""

    def __init__(self) -> None:
        self._totals: defaultdict[tuple[str, str], _Totals] = defaultdict(_Totals)
        self._names: set[str] = set()
        self._statuses: set[str] = set()
        self._hours: list[CountedHours] = []
        self._transferred = 0

    def add(self, place: str, increment: PlaceIncrement, caps: Caps) -> None:
        _, size, extra = increment.sums()
        self._transferred += size + extra
        if self._transferred > MAX_SUM:
            raise Refused("The sizes in the logs add up to more than 2^63 bytes.")
        for kind, part in self._admitted(increment, caps).kinds.items():
            self._totals[place, kind].add(part)

    def add_hours(self, hours: CountedHours, caps: Caps) -> None:
        """Add what was counted by hour of the same records, whose names were admitted before."""
        is_full = len(self._names) >= caps.names
        refused = {*hours.names} - self._names - RESERVED_NAMES if is_full else set[str]()
        self._hours.append(hours.renamed(refused, OVERFLOW))
        if len(self._hours) > _MOST_PARTS:
            self._hours = [joined(self._hours)]

    def hours(self) -> Hours | None:
        return Hours(joined(self._hours).rows(), whole=True) if self._hours else None

    def rows(self) -> DayRows:
        gathered = Gathering()
        for (place, kind), totals in self._totals.items():
            whole = (*names_of(place), *kind.split("|"))
            names, messages, size, extra = totals.columns()
            sums = cast("Sequence[Sequence[int]]", (messages, size, size + extra))
            gathered.add(names, [whole] * len(names), sums)
        return gathered.rows()

    def _admitted(self, increment: PlaceIncrement, caps: Caps) -> PlaceIncrement:
        """Charge names beyond the caps to ``(overflow)``, and statuses to ``other``."""
        names = increment.names() - RESERVED_NAMES
        statuses = increment.statuses() - NEVER_CAPPED
        refused = _admit(self._names, names, caps.names)
        return capped(increment, refused, _admit(self._statuses, statuses, caps.statuses))


class _Totals:
    """Messages, bytes and extra by name."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, int] = defaultdict(count().__next__)
        self._sums = np.zeros((3, _FEWEST), np.int64)

    def add(self, part: KindIncrement) -> None:
        names, *quantities = part
        rows = np.fromiter(map(self._rows.__getitem__, names), np.int64, len(names))
        self._make_room()
        self._sums[:, rows] += quantities  # each name occurs once in it

    def columns(self) -> tuple[list[str], Array, Array, Array]:
        messages, size, extra = self._sums[:, : len(self._rows)]
        return list(self._rows), messages, size, extra

    def _make_room(self) -> None:
        room = self._sums.shape[1]
        if len(self._rows) > room:
            more = np.zeros((3, max(room, len(self._rows) - room)), np.int64)
            self._sums = np.concatenate([self._sums, more], axis=1)


def _admit(known: set[str], asked: set[str], cap: int) -> set[str]:
    """Admit new names up to the cap, and return those beyond it."""
    new = sorted(asked - known)
    room = max(0, cap - len(known))
    known.update(new[:room])
    return set(new[room:])
