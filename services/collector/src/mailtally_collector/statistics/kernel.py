"""The loops over records and names, as machine code: add up by group, and find names.

Nothing is allocated here; who calls has made the room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled, signed
from mailtally_collector.parse.words import WORD, Words, last_bytes
from mailtally_shared.columns import MAX_SUM

if TYPE_CHECKING:
    from mailtally_collector.parse.names import Key
    from mailtally_collector.statistics.measures import Measures
    from mailtally_shared.columns import Array

#: Bytes before the first name, so that no word reaches out of the text.
PADDING: Final = WORD

HALF: Final = np.uint64(32)
LOW_HALF: Final = np.uint64(2**32 - 1)
LAST_BYTE: Final = np.uint64(56)


class Roll(NamedTuple):
    """Names of all chunks with their sums, in a hash table; room for ``n`` of them."""

    key: Key  # of the hash
    #: uint64 (power of two >= 2 n,): hash of a name, and its index plus 1 in the lower half; or 0.
    slots: Array
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
def add_rows(codes: Array, more: Array, sums: Array) -> None:
    """Add rows of sums, int64 (n, WIDTH), each to the one that its code names."""
    for row in range(len(codes)):
        for figure in range(sums.shape[1]):
            add(more[row, figure], signed(codes[row]), figure, sums)


@compiled
def find_or_enrol(words: Words, start: Array, end: Array, roll: Roll, codes: Array) -> None:
    """The index on the roll of each range of a text; who is not there yet is added.

    All are hashed first: with nothing to wait for between two searches in a table that is larger
    than the processor's cache, it fetches for several of them at once.
    """
    for row in range(len(start)):
        codes[row] = digest_of(words, signed(start[row]), signed(end[row]), roll.key)
    for row in range(len(start)):
        codes[row] = place_of(words, signed(start[row]), signed(end[row]), codes[row], roll)


@compiled
def place_of(words: Words, start: int, end: int, digest: int, roll: Roll) -> int:
    """The index on the roll of one range of a text."""
    last_slot = len(roll.slots) - 1
    slot = signed(digest) & last_slot
    while roll.slots[slot]:
        entry = roll.slots[slot]
        index = signed(entry & LOW_HALF) - 1
        if entry >> HALF == np.uint64(digest) and is_spelled(words, start, end, index, roll):
            return index
        slot = (slot + 1) & last_slot
    index = write_down(words, start, end, roll)
    roll.slots[slot] = np.uint64(digest) << HALF | np.uint64(index + 1)
    return index


@compiled
def digest_of(words: Words, start: int, end: int, key: Key) -> np.uint64:
    """The keyed hash of a range, 0 <= hash < 2^32: one multiplication a word, and one more."""
    digest = key.seed
    while end - start >= WORD:
        end -= WORD
        digest = stirred(digest ^ words[np.uintp(end)], key.factor)
    if start < end:
        digest = stirred(digest ^ last_bytes(words, end, end - start), key.factor)
    return stirred(digest, key.factor) >> HALF


@compiled
def stirred(word: np.uint64, factor: np.uint64) -> np.uint64:
    """The product, its upper half in its lower one as well."""
    product = word * factor
    return product ^ (product >> HALF)


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
def write_down(words: Words, start: int, end: int, roll: Roll) -> int:
    """The index of a new name."""
    index: int = roll.taken[0]
    place = roll.start[index]
    for i in range(start, end):
        roll.text[np.uintp(place + i - start)] = words[np.uintp(i - WORD + 1)] >> LAST_BYTE
    roll.start[index + 1] = place + end - start
    roll.taken[0] = index + 1
    return index


@compiled
def settle(roll: Roll) -> None:
    """Put all names of a roll into its empty slots."""
    last_slot = len(roll.slots) - 1
    for index in range(roll.taken[0]):
        digest = digest_of(roll.words, roll.start[index], roll.start[index + 1], roll.key)
        slot = signed(digest) & last_slot
        while roll.slots[slot]:
            slot = (slot + 1) & last_slot
        roll.slots[slot] = digest << HALF | np.uint64(index + 1)
