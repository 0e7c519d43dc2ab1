"""The daily totals in memory: what the aggregators keep in the state, for one run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_aggregator.merge import HostIncrement, Increments, rename
from mailtally_aggregator.request import NEVER_CAPPED, OVERFLOW, RESERVED_NAMES, Caps
from mailtally_shared.columns import OTHER_STATUS
from mailtally_shared.day_files import Sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

#: ``key`` → messages, bytes, extra.
_Quantities = dict[str, list[int]]


class Accounts:
    """Totals by day and host, with the same caps on distinct names as a cluster has."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._totals: dict[date, dict[str, _Quantities]] = {}
        self._names: dict[date, set[str]] = {}
        self._statuses: dict[date, set[str]] = {}

    def add(self, increments: Increments) -> None:
        """Add what a merge gave."""
        for day, hosts in increments.items():
            for host, increment in hosts.items():
                self._add_host(day, host, self._admitted(day, increment))

    def days(self) -> list[date]:
        """The days with totals, oldest first."""
        return sorted(self._totals)

    def sums(self, day: date) -> Iterator[Sums]:
        """A day's breakdown, in no particular order."""
        for host, quantities in self._totals[day].items():
            for key, (messages, size, extra) in quantities.items():
                domain, service, status = key.split("|")
                yield Sums(domain, host, service, status, messages, size, size + extra)

    def _add_host(self, day: date, host: str, increment: HostIncrement) -> None:
        totals = self._totals.setdefault(day, {}).setdefault(host, {})
        for key, messages, size, extra in increment.rows():
            found = totals.get(key)
            if found is None:
                totals[key] = [messages, size, extra]
            else:
                found[0] += messages
                found[1] += size
                found[2] += extra

    def _admitted(self, day: date, increment: HostIncrement) -> HostIncrement:
        """The increment with names beyond the caps charged to ``(overflow)`` and ``other``."""
        names = increment.names() - RESERVED_NAMES
        statuses = increment.statuses() - NEVER_CAPPED
        refused = _admit(self._names.setdefault(day, set()), names, self._caps.names)
        others = _admit(self._statuses.setdefault(day, set()), statuses, self._caps.statuses)
        if not refused and not others:
            return increment

        def new_key(key: str) -> str:
            name, service, status = key.split("|")
            name = OVERFLOW if name in refused else name
            return f"{name}|{service}|{OTHER_STATUS if status in others else status}"

        return rename(increment, new_key)


def _admit(known: set[str], asked: set[str], cap: int) -> set[str]:
    """Let new names in while there is room; returns those that found none."""
    new = sorted(asked - known)
    room = max(0, cap - len(known))
    known.update(new[:room])
    return set(new[room:])
