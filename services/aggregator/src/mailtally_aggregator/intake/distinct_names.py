"""The distinct names of a group of batches, by day and place. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.adding import compact
from mailtally_shared.calendar import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.commit.batch import Batch


class Names:
    """The distinct names of some batches, by day and place: what Redis pays for.

    Each is a field of a hash that is read and written once a commit, whatever it is the sums of.
    Days are those of UTC: as many as those of another zone. Names are compared only when there
    may be too many, because that costs as much as merging them.
    """

    def __init__(self) -> None:
        self._of_place: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        self._uncompared: list[Batch] = []
        self._most = 0

    def add(self, batch: Batch) -> None:
        """Add the names of a batch."""
        self._uncompared.append(batch)
        self._most += _most_names(batch)

    def reach(self, limit: int) -> bool:
        """Return whether the number of names is at least a limit."""
        if self._most < limit:
            return False
        for batch in self._uncompared:
            for place, names in _names_of(batch):
                self._of_place[place].update(names)
        self._uncompared = []
        self._most = sum(map(len, self._of_place.values()))
        return self._most >= limit


def _most_names(batch: Batch) -> int:
    """Return a number that the names of a batch do not exceed."""
    rows = batch.rows
    if not len(rows):
        return 0
    days = int(rows.start.max()) // DAY - int(rows.start.min()) // DAY + 1
    return min(len(rows), days * len(rows.hosts) * len(rows.domains))


def _names_of(batch: Batch) -> Iterator[tuple[tuple[str, str, int], list[str]]]:
    """Yield the names of a batch by collector, host and day."""
    rows, domains = batch.rows, batch.rows.domains
    if not len(rows):
        return
    day = rows.start // DAY
    first, hosts = int(day.min()), len(rows.hosts)
    shape = (int(day.max()) - first + 1, hosts, len(domains))
    codes, _ = compact(((day - first) * hosts + rows.host) * len(domains) + rows.domain, shape)
    at, domain = np.divmod(codes, len(domains))
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    for start, names in zip(starts.tolist(), np.split(domain, starts[1:]), strict=True):
        number, host = divmod(int(at[start]), hosts)
        place = (batch.header.host, rows.hosts[host], first + number)
        yield place, [domains[code] for code in names.tolist()]
