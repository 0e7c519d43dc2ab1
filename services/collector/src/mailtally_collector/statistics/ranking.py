"""The busiest names: exact for as many distinct ones as memory is given to, and bounded beyond.

When there are too many names, the quieter half is forgotten. A forgotten name that comes again
begins at zero, so a figure may be too low then, by ``may_lack`` at most. The busiest stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.statistics.sums import Measures, Sums
from mailtally_kernel import RankedNames
from mailtally_shared.schema import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.columns import Array

#: Distinct names of one kind that are kept. A name takes some 100 bytes.
MOST_NAMES: Final = 1_000_000


class Found(NamedTuple):
    """Names in a text, one for each of ``n`` ranges, and what each adds."""

    text: Array  # uint8
    start: Array  # uint32 (n,)
    end: Array  # uint32 (n,)
    adds: Measures


def found_texts(texts: Sequence[str], sums: Array) -> Found:
    """Return ASCII texts with their sums, int64 ``(len(texts), 4)``; none without messages."""
    chosen = np.flatnonzero(sums[:, 0])
    letters = [texts[k] for k in chosen.tolist()]
    text = np.frombuffer("".join(letters).encode("ascii"), np.uint8)
    bounds = np.cumsum([0, *map(len, letters)]).astype(np.uint32)
    messages, size, wasted, again = sums[chosen].T
    return Found(text, bounds[:-1], bounds[1:], Measures(size, wasted, again, messages))


class Ranking:
    """Names with their sums. ``by`` says which figure of ``Sums`` makes a name busy."""

    def __init__(self, by: str, most_names: int = MOST_NAMES) -> None:
        self._by: Final = Sums._fields.index(by)
        self._most = most_names
        self._names = RankedNames()
        #: The amount that the figure ranked by may lack: 0 as long as all names were kept.
        self.may_lack = 0

    def __len__(self) -> int:
        return len(self._names)

    def add(self, found: Found) -> None:
        """Add the names of a piece."""
        self._names.add(*found)
        if len(self) > self._most:
            self._forget_half()

    def top(self, count: int | None) -> list[tuple[bytes, Sums]]:
        """Return the busiest names, busiest first; all of them if ``count`` is ``None``."""
        sums = self._names.sums
        figure = sums[:, self._by]
        chosen = np.arange(len(figure))
        if count is not None and count < len(figure):
            least = np.partition(figure, len(figure) - count)[len(figure) - count]
            chosen = np.flatnonzero(figure >= least)
        rows = [(self._names.name(i), Sums(*sums[i].tolist())) for i in chosen.tolist()]
        rows.sort(key=lambda row: (-row[1][self._by], [-sum_ for sum_ in row[1]], row[0]))
        return rows[:count]

    def _forget_half(self) -> None:
        figure = self._names.sums[:, self._by]
        order = np.argsort(-figure, kind="stable")
        kept, forgotten = np.sort(order[: self._most // 2]), order[self._most // 2 :]
        self.may_lack = min(MAX_SUM, self.may_lack + int(figure[forgotten].max()))
        self._names.keep(kept)
