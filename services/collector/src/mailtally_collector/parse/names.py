"""Names of a chunk (hosts, statuses, domains) as dictionaries: each kept once, by where it stands.

A dictionary is a hash table with open addressing. Names come from outside, so the hash has a
secret key: who does not know it cannot send names that all fall into one slot. A name is hashed
from its end, a word at a time; before it there is always the head of its line, so that no word
reaches out of the chunk.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled, signed
from mailtally_collector.machine.steps import folded
from mailtally_collector.parse.scanning import LETTERS_AND_DIGITS, LINE_FEED, byte_at, one_of
from mailtally_collector.parse.words import WORD, Words, last_bytes, same, words_of

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

#: What a name may be made of, and how long it may be, to need no second look as a domain.
PLAIN: Final = one_of(LETTERS_AND_DIGITS.lower() + b"-_.")
MAX_PLAIN: Final = 253
DOT: Final = ord(".")


class Key(NamedTuple):
    """The secret of the hash: any start, and an odd factor."""

    seed: np.uint64
    factor: np.uint64

    @classmethod
    def fresh(cls) -> Key:
        """A new one; each parser makes its own and keeps it to itself."""
        return cls(np.uint64(secrets.randbits(64)), np.uint64(secrets.randbits(64) | 1))


class Names(NamedTuple):
    """A dictionary under construction, for at most ``n`` names."""

    words: Words  # of the chunk
    key: Key
    slots: Array  # int32 (power of two >= 2 n,): index of a name plus 1, or 0
    start: Array  # int64 (n,): where in the chunk the name stands
    end: Array  # int64 (n,)
    digest: Array  # uint64 (n,)
    taken: Array  # int64 (1,): names there are
    recent: Array  # int64 (1,): index that was asked for last

    @classmethod
    def for_at_most(cls, n: int, data: Bytes, key: Key) -> Names:
        """An empty dictionary of names in ``data``."""
        return cls(
            words=words_of(data),
            key=key,
            slots=np.zeros(1 << (2 * n - 1).bit_length(), np.int32),
            start=np.zeros(n, np.int64),
            end=np.zeros(n, np.int64),
            digest=np.zeros(n, np.uint64),
            taken=np.zeros(1, np.int64),
            recent=np.zeros(1, np.int64),
        )


@compiled
def has_free_slot(names: Names) -> bool:
    """Whether one name more has room."""
    return bool(names.taken[0] < len(names.start))


@compiled
def is_recent(start: int, end: int, names: Names) -> bool:
    """Whether a name, not empty, is the one of last time: neighbouring lines are much alike."""
    recent = names.recent[0]
    return same(names.words, start, end, names.start[recent], names.end[recent])


@compiled
def index_of(start: int, end: int, names: Names) -> int:
    """The index of a name that is not empty; it is added if it is not there yet."""
    digest = hashed(start, end, names)
    slot = slot_of(start, end, digest, names)
    index: int = names.slots[slot] - 1
    if index < 0:
        return added(start, end, digest, slot, names)
    names.recent[0] = index
    return index


@compiled
def known(start: int, end: int, names: Names) -> int:
    """The index of a name that is not empty; -1 where it is not there yet."""
    slot = slot_of(start, end, hashed(start, end, names), names)
    return signed(names.slots[slot]) - 1


@compiled
def slot_of(start: int, end: int, digest: np.uint64, names: Names) -> int:
    """The slot of a name, or the free one where it belongs. Half of the slots are free at least."""
    last_slot = len(names.slots) - 1
    slot = signed(digest) & last_slot
    while names.slots[slot]:
        index: int = names.slots[slot] - 1
        if names.digest[index] == digest and same(
            names.words, start, end, names.start[index], names.end[index]
        ):
            break
        slot = (slot + 1) & last_slot
    return slot


@compiled
def added(start: int, end: int, digest: np.uint64, slot: int, names: Names) -> int:
    """The index of a new name, whose slot is free."""
    index: int = names.taken[0]
    names.taken[0] = index + 1
    names.recent[0] = index
    names.slots[slot] = index + 1
    names.start[index] = start
    names.end[index] = end
    names.digest[index] = digest
    return index


@compiled
def hashed(start: int, end: int, names: Names) -> np.uint64:
    """The keyed hash of a name."""
    digest = names.key.seed
    while end - start >= WORD:
        end -= WORD
        digest = mixed(digest, names.words[np.uintp(end)], names.key.factor)
    if start < end:
        rest = last_bytes(names.words, end, end - start)
        digest = mixed(digest, rest, names.key.factor)
    return digest


@compiled
def mixed(digest: np.uint64, word: np.uint64, factor: np.uint64) -> np.uint64:
    """The digest with a word more in it: both halves of the product go on, none is lost."""
    return folded(digest ^ word, factor)


@compiled
def spell(data: Bytes, names: Names, text: Bytes, odd: Array) -> None:
    r"""Write all names to ``text`` as they stand in the chunk, each with ``\n`` behind it.

    ``odd`` tells which of them may not be the one spelling of a domain: those that are long, end
    with a dot, or hold anything but small letters, digits, ``-``, ``_`` and ``.``.
    """
    place = 0
    for index in range(names.taken[0]):
        start, end = names.start[index], names.end[index]
        odd[index] = end - start > MAX_PLAIN or byte_at(data, end - 1) == DOT
        for i in range(start, end):
            byte = byte_at(data, i)
            odd[index] |= byte_at(PLAIN, byte) == 0
            text[place] = byte
            place += 1
        text[place] = LINE_FEED
        place += 1
