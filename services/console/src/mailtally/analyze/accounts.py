"""The daily totals in memory: what the aggregators keep in the state, for one run. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np

from mailtally_aggregator.merge import HostIncrement, Increments, rename
from mailtally_aggregator.request import NEVER_CAPPED, OVERFLOW, RESERVED_NAMES, Caps
from mailtally_shared.columns import MAX_SUM, OTHER_STATUS
from mailtally_shared.day_files import Gathering
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mailtally_aggregator.merge import KindIncrement
    from mailtally_shared.columns import Array
    from mailtally_shared.day_files import DayRows

_FEWEST = 64


class Accounts:
    """Totals by day and host, with the same caps on distinct names as a cluster has."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._days: dict[date, _Day] = {}

    def add(self, increments: Increments) -> None:
        """Add what a merge gave.

        Raises:
            Refused: the sizes of a day do not add up within 63 bits.
        """
        for day, hosts in increments.items():
            account = self._days.setdefault(day, _Day())
            for host, increment in hosts.items():
                account.add(host, increment, self._caps)

    def days(self) -> list[date]:
        """The days with totals, oldest first."""
        return sorted(self._days)

    def rows(self, day: date) -> DayRows:
        """A day's breakdown."""
        return self._days[day].rows()


class _Day:
    """The totals of one day, and which names and statuses have found room."""

    def __init__(self) -> None:
        self._totals: defaultdict[tuple[str, str], _Totals] = defaultdict(_Totals)
        self._names: set[str] = set()
        self._statuses: set[str] = set()
        self._transferred = 0

    def add(self, host: str, increment: HostIncrement, caps: Caps) -> None:
        _, size, extra = increment.sums()
        self._transferred += size + extra
        if self._transferred > MAX_SUM:
            raise Refused("The sizes in the logs add up to more than 2^63 bytes.")
        for kind, part in self._admitted(increment, caps).kinds.items():
            self._totals[host, kind].add(part)

    def rows(self) -> DayRows:
        gathered = Gathering()
        for (host, kind), totals in self._totals.items():
            service, _, status = kind.partition("|")
            names, messages, size, extra = totals.columns()
            sums = cast("Sequence[Sequence[int]]", (messages, size, size + extra))
            gathered.add(names, [(host, service, status)] * len(names), sums)
        return gathered.rows()

    def _admitted(self, increment: HostIncrement, caps: Caps) -> HostIncrement:
        """The increment with names beyond the caps charged to ``(overflow)`` and ``other``."""
        names = increment.names() - RESERVED_NAMES
        statuses = increment.statuses() - NEVER_CAPPED
        refused = _admit(self._names, names, caps.names)
        others = _admit(self._statuses, statuses, caps.statuses)
        if not refused and not others:
            return increment

        def new_key(key: str) -> str:
            name, service, status = key.split("|")
            name = OVERFLOW if name in refused else name
            return f"{name}|{service}|{OTHER_STATUS if status in others else status}"

        return rename(increment, new_key)


class _Totals:
    """Messages, bytes and extra by name."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, int] = defaultdict(count().__next__)
        self._sums = np.zeros((3, _FEWEST), np.int64)

    def add(self, part: KindIncrement) -> None:
        names, *quantities = part
        rows = np.fromiter(map(self._rows.__getitem__, names), np.int64, len(names))
        self._make_room()
        self._sums[:, rows] += quantities  # each name stands once in it

    def columns(self) -> tuple[list[str], Array, Array, Array]:
        messages, size, extra = self._sums[:, : len(self._rows)]
        return list(self._rows), messages, size, extra

    def _make_room(self) -> None:
        room = self._sums.shape[1]
        if len(self._rows) > room:
            more = np.zeros((3, max(room, len(self._rows) - room)), np.int64)
            self._sums = np.concatenate([self._sums, more], axis=1)


def _admit(known: set[str], asked: set[str], cap: int) -> set[str]:
    """Let new names in while there is room; returns those that found none."""
    new = sorted(asked - known)
    room = max(0, cap - len(known))
    known.update(new[:room])
    return set(new[room:])
