"""The loops over records and names, as machine code: add up by group, intern, and enrol.

Nothing is allocated here; who calls has made the room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.parse.machine import Bytes, compiled, signed
from mailtally_collector.parse.names import index_of
from mailtally_collector.parse.words import WORD, Words, last_bytes
from mailtally_shared.columns import MAX_SUM

if TYPE_CHECKING:
    from mailtally_collector.parse.names import Names
    from mailtally_collector.statistics.measures import Measures
    from mailtally_shared.columns import Array

#: Bytes before the first name, so that no word reaches out of the text.
PADDING: Final = WORD


class Roll(NamedTuple):
    """Names of all chunks with their sums, in a hash table; room for ``n`` of them."""

    slots: Array  # int32 (power of two >= 2 n,): index of a name plus 1, or 0
    digest: Array  # uint64 (n,): the hash that the chunks' dictionaries have, too
    start: Array  # int64 (n + 1,): where in the text each name begins; it ends at the next
    sums: Array  # int64 (n, WIDTH)
    taken: Array  # int64 (1,): names there are
    text: Bytes
    words: Words  # of the text


@compiled
def add_up(group: Array, measures: Measures, sums: Array) -> None:
    """Add each record to the sums of its group; ``group`` is uint32, shape ``(n,)``."""
    for row in range(len(group)):
        k = signed(group[row])
        sums[k, 0] += 1
        add(measures.size[row], k, 1, sums)
        add(measures.wasted[row], k, 2, sums)
        add(measures.again[row], k, 3, sums)


@compiled
def add(amount: int, group: int, figure: int, sums: Array) -> None:
    """Add to one sum, which stops at its limit."""
    if sums[group, figure] > MAX_SUM - amount:
        sums[group, figure] = MAX_SUM
    else:
        sums[group, figure] += amount


@compiled
def intern(start: Array, end: Array, names: Names, codes: Array) -> None:
    """The index of each range of the chunk among the names; ``codes`` is uint32."""
    for row in range(len(start)):
        codes[row] = index_of(signed(start[row]), signed(end[row]), names)


@compiled
def enrol(names: Names, sums: Array, roll: Roll) -> None:
    """Add a chunk's names to the roll, with their sums; one without messages is left out."""
    for name in range(names.taken[0]):
        if sums[name, 0]:
            index = place_of(name, names, roll)
            for figure in range(sums.shape[1]):
                add(sums[name, figure], index, figure, roll.sums)


@compiled
def place_of(name: int, names: Names, roll: Roll) -> int:
    """The index on the roll; the name is added if it is not there yet."""
    digest = names.digest[name]
    start: int = names.start[name]
    end: int = names.end[name]
    last_slot = len(roll.slots) - 1
    slot = signed(digest) & last_slot
    while roll.slots[slot]:
        index: int = roll.slots[slot] - 1
        if roll.digest[index] == digest and is_spelled(names.words, start, end, index, roll):
            return index
        slot = (slot + 1) & last_slot
    roll.slots[slot] = roll.taken[0] + 1
    return write_down(digest, names.words, start, end, roll)


@compiled
def is_spelled(words: Words, start: int, end: int, index: int, roll: Roll) -> bool:
    """Whether a name on the roll is that of a chunk; compared from the end, a word at a time."""
    other_end = roll.start[index + 1]
    if end - start != other_end - roll.start[index]:
        return False
    while end - start >= WORD:
        end -= WORD
        other_end -= WORD
        if words[np.uintp(end)] != roll.words[np.uintp(other_end)]:
            return False
    left = end - start
    return left == 0 or last_bytes(words, end, left) == last_bytes(roll.words, other_end, left)


@compiled
def write_down(digest: np.uint64, words: Words, start: int, end: int, roll: Roll) -> int:
    """The index of a new name."""
    index: int = roll.taken[0]
    place = roll.start[index]
    for i in range(start, end):
        roll.text[np.uintp(place + i - start)] = words[np.uintp(i - WORD + 1)] >> np.uint64(56)
    roll.start[index + 1] = place + end - start
    roll.digest[index] = digest
    roll.taken[0] = index + 1
    return index


@compiled
def settle(roll: Roll) -> None:
    """Put all names of a roll into its empty slots."""
    last_slot = len(roll.slots) - 1
    for index in range(roll.taken[0]):
        slot = signed(roll.digest[index]) & last_slot
        while roll.slots[slot]:
            slot = (slot + 1) & last_slot
        roll.slots[slot] = index + 1
