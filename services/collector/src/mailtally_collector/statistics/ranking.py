"""The busiest names: exact for as many distinct ones as memory is given to, and bounded beyond.

When there are too many names, the quieter half is forgotten. A forgotten name that comes again
begins at zero, so a figure may be too low then, by ``may_lack`` at most. The busiest stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.parse.names import Key
from mailtally_collector.parse.words import words_of
from mailtally_collector.statistics.entries import (
    run_add_rows,
    run_add_up,
    run_find_or_enrol,
    run_settle,
)
from mailtally_collector.statistics.kernel import PADDING, Roll
from mailtally_collector.statistics.measures import WIDTH, Measures, Sums
from mailtally_shared.columns import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_collector.machine.marks import Bytes
    from mailtally_shared.columns import Array

#: Distinct names of one kind that are kept. A name takes some 100 bytes.
MOST_NAMES: Final = 1_000_000


class Found(NamedTuple):
    """Names in a text, one for each of ``n`` ranges, and what each adds.

    No range begins in the first seven bytes of the text. A name may be in it more than once.
    """

    text: Bytes
    start: Array  # uint32 (n,)
    end: Array  # uint32 (n,)
    adds: Measures | Array  # of one message each, or rows of sums, int64 (n, WIDTH)


def found_texts(texts: Sequence[str], sums: Array) -> Found:
    """ASCII texts with their sums, int64, shape ``(len(texts), WIDTH)``; none without messages."""
    chosen = np.flatnonzero(sums[:, 0])
    letters = [texts[k] for k in chosen.tolist()]
    padded = b" " * PADDING + "".join(letters).encode("ascii")
    bounds = PADDING + np.cumsum([0, *map(len, letters)])
    start, end = bounds[:-1].astype(np.uint32), bounds[1:].astype(np.uint32)
    return Found(np.frombuffer(padded, np.uint8), start, end, sums[chosen])


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
        self._roll = _empty_roll(Key.fresh(), 1024, 2**15)
        #: What the figure that is ranked by may lack: 0 as long as all names were kept.
        self.may_lack = 0

    def __len__(self) -> int:
        return int(self._roll.taken[0])

    def add(self, found: Found) -> None:
        """Add what a piece has."""
        start, end = found.start, found.end
        text = int(end.sum(dtype=np.int64) - start.sum(dtype=np.int64))
        self._make_room(len(self) + len(start), int(self._roll.start[len(self)]) + text)
        codes = np.empty(len(start), np.uint32)
        with np.errstate(over="ignore"):  # words wrap; where nothing is compiled, numpy would warn
            run_find_or_enrol(words_of(found.text), start, end, self._roll, codes)
        if isinstance(found.adds, Measures):
            run_add_up(codes, found.adds, self._roll.sums)
        else:
            run_add_rows(codes, found.adds, self._roll.sums)
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
        room, text_room = len(self._roll.sums), len(self._roll.text)
        if names > room or text > text_room:
            wider = _empty_roll(self._roll.key, _doubled(room, names), _doubled(text_room, text))
            self._roll = _copied(self._roll, wider)

    def _forget_half(self) -> None:
        figure = self._roll.sums[: len(self), self._by]
        order = np.argsort(-figure, kind="stable")
        kept, forgotten = np.sort(order[: self._most // 2]), order[self._most // 2 :]
        self.may_lack = min(MAX_SUM, self.may_lack + int(figure[forgotten].max()))
        empty = _empty_roll(self._roll.key, len(self._roll.sums), len(self._roll.text))
        self._roll = _moved(self._roll, kept, empty)


def _doubled(room: int, needed: int) -> int:
    while room < needed:
        room *= 2
    return room


def _empty_roll(key: Key, names: int, text: int) -> Roll:
    letters = np.zeros(text, np.uint8)
    start = np.zeros(names + 1, np.int64)
    start[0] = PADDING
    return Roll(
        key=key,
        slots=np.zeros(1 << (2 * names - 1).bit_length(), np.uint64),
        start=start,
        sums=np.zeros((names, WIDTH), np.int64),
        taken=np.zeros(1, np.int64),
        text=letters,
        words=words_of(letters),
    )


def _copied(old: Roll, new: Roll) -> Roll:
    """All names of one roll on another, empty one."""
    count = int(old.taken[0])
    end = int(old.start[count])
    new.text[:end] = old.text[:end]
    new.start[: count + 1] = old.start[: count + 1]
    new.sums[:count] = old.sums[:count]
    new.taken[0] = count
    run_settle(new)
    return new


def _moved(old: Roll, kept: Array, new: Roll) -> Roll:
    """The kept names of one roll on another, empty one."""
    count = len(kept)
    lengths = old.start[kept + 1] - old.start[kept]
    new.start[1 : count + 1] = PADDING + np.cumsum(lengths)
    places = np.repeat(old.start[kept] - new.start[:count], lengths)
    letters = np.arange(PADDING, PADDING + len(places))
    new.text[letters] = old.text[places + letters]
    new.sums[:count] = old.sums[kept]
    new.taken[0] = count
    run_settle(new)
    return new
