"""The busiest names: exact for as many distinct ones as memory is given to, and bounded beyond.

When there are too many names, the quieter half is forgotten. A forgotten name that comes again
begins at zero, so a figure may be too low then, by ``may_lack`` at most. The busiest stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.parse.names import Names
from mailtally_collector.parse.words import words_of
from mailtally_collector.statistics.entries import run_add_up, run_enrol, run_intern, run_settle
from mailtally_collector.statistics.kernel import PADDING, Roll
from mailtally_collector.statistics.measures import WIDTH, Measures, Sums
from mailtally_shared.columns import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_collector.parse.machine import Bytes
    from mailtally_collector.parse.names import Key
    from mailtally_shared.columns import Array

#: Distinct names of one kind that are kept. A name takes some 100 bytes.
MOST_NAMES: Final = 1_000_000


class Named(NamedTuple):
    """The names of one chunk with their sums, int64, shape ``(names, WIDTH)``."""

    names: Names
    sums: Array


def interned(data: Bytes, start: Array, end: Array, key: Key) -> tuple[Names, Array]:
    """The distinct ones of ``n`` ranges of ``data``, and the index of each among them.

    No range begins in the first seven bytes. ``start`` and ``end`` are uint32.
    """
    names = Names.for_at_most(max(1, len(start)), data, key)
    codes = np.empty(len(start), np.uint32)
    with np.errstate(over="ignore"):  # words wrap; where nothing is compiled, numpy would warn
        run_intern(start, end, names, codes)
    return names, codes


def named_ranges(data: Bytes, start: Array, end: Array, measures: Measures, key: Key) -> Named:
    """The names that stand in ``n`` ranges, and what their records add up to."""
    names, codes = interned(data, start, end, key)
    return Named(names, summed(codes, measures, int(names.taken[0])))


def named_texts(texts: Sequence[str], group: Array, measures: Measures, key: Key) -> Named:
    """The same of distinct ASCII texts; ``group`` is the index of each record among them."""
    padded = b" " * PADDING + "".join(texts).encode("ascii")
    end = PADDING + np.cumsum([len(text) for text in texts], dtype=np.uint32)
    start = np.concatenate([[PADDING], end[:-1]]).astype(np.uint32)
    names, _ = interned(np.frombuffer(padded, np.uint8), start, end.astype(np.uint32), key)
    return Named(names, summed(group, measures, len(texts)))


def summed(group: Array, measures: Measures, groups: int) -> Array:
    """The sums of each group, int64, shape ``(groups, WIDTH)``."""
    sums = np.zeros((groups, WIDTH), np.int64)
    run_add_up(group.astype(np.uint32, copy=False), measures, sums)
    return sums


class Ranking:
    """Names with their sums. ``by`` says which figure of ``Sums`` makes a name busy."""

    def __init__(self, by: str, most_names: int = MOST_NAMES) -> None:
        self._by: Final = Sums._fields.index(by)
        self._most = most_names
        self._roll = _empty_roll(1024, 2**15)
        #: What the figure that is ranked by may lack: 0 as long as all names were kept.
        self.may_lack = 0

    def __len__(self) -> int:
        return int(self._roll.taken[0])

    def add(self, named: Named) -> None:
        """Add what a chunk has."""
        names = named.names
        count = int(names.taken[0])
        text = int((names.end[:count] - names.start[:count]).sum())
        self._make_room(len(self) + count, int(self._roll.start[len(self)]) + text)
        run_enrol(names, named.sums, self._roll)
        if len(self) > self._most:
            self._forget_half()

    def top(self, count: int | None) -> list[tuple[bytes, Sums]]:
        """The busiest names, that one first; all of them where ``count`` is ``None``."""
        figure = self._roll.sums[: len(self), self._by]
        chosen = np.arange(len(figure))
        if count is not None and count < len(figure):
            least = np.partition(figure, len(figure) - count)[len(figure) - count]
            chosen = np.flatnonzero(figure >= least)
        rows = [(self._name(i), Sums(*self._roll.sums[i].tolist())) for i in chosen.tolist()]
        rows.sort(key=lambda row: (-row[1][self._by], [-sum_ for sum_ in row[1]], row[0]))
        return rows[:count]

    def _name(self, index: int) -> bytes:
        start, end = self._roll.start[index : index + 2].tolist()
        return self._roll.text[start:end].tobytes()

    def _make_room(self, names: int, text: int) -> None:
        room, text_room = len(self._roll.digest), len(self._roll.text)
        if names > room or text > text_room:
            wider = _empty_roll(_doubled(room, names), _doubled(text_room, text))
            self._roll = _moved(self._roll, np.arange(len(self)), wider)

    def _forget_half(self) -> None:
        figure = self._roll.sums[: len(self), self._by]
        order = np.argsort(-figure, kind="stable")
        kept, forgotten = np.sort(order[: self._most // 2]), order[self._most // 2 :]
        self.may_lack = min(MAX_SUM, self.may_lack + int(figure[forgotten].max()))
        empty = _empty_roll(len(self._roll.digest), len(self._roll.text))
        self._roll = _moved(self._roll, kept, empty)


def _doubled(room: int, needed: int) -> int:
    while room < needed:
        room *= 2
    return room


def _empty_roll(names: int, text: int) -> Roll:
    letters = np.zeros(text, np.uint8)
    start = np.zeros(names + 1, np.int64)
    start[0] = PADDING
    return Roll(
        slots=np.zeros(1 << (2 * names - 1).bit_length(), np.int32),
        digest=np.zeros(names, np.uint64),
        start=start,
        sums=np.zeros((names, WIDTH), np.int64),
        taken=np.zeros(1, np.int64),
        text=letters,
        words=words_of(letters),
    )


def _moved(old: Roll, kept: Array, new: Roll) -> Roll:
    """The kept names of one roll on another, empty one."""
    count = len(kept)
    lengths = old.start[kept + 1] - old.start[kept]
    new.start[1 : count + 1] = PADDING + np.cumsum(lengths)
    places = np.repeat(old.start[kept] - new.start[:count], lengths)
    letters = np.arange(PADDING, PADDING + len(places))
    new.text[letters] = old.text[places + letters]
    new.digest[:count] = old.digest[kept]
    new.sums[:count] = old.sums[kept]
    new.taken[0] = count
    run_settle(new)
    return new
