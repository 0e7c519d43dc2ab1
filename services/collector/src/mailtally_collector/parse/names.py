"""Names of a chunk (hosts, statuses, domains) as dictionaries: each kept once, by where it stands.

A dictionary is a hash table with open addressing. Names come from outside, so the hash has a
secret key: who does not know it cannot send names that all fall into one slot.
"""

from __future__ import annotations

import secrets
import string
from typing import Final, NamedTuple

import numpy as np

from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.scanning import LINE_FEED, byte_at, same
from mailtally_shared.columns import Array

MASK: Final = 2**32 - 1
DOT: Final = ord(".")
FIRST_FOREIGN: Final = 0x80
#: A domain up to this length needs no second look.
MAX_PLAIN: Final = 253


def alphabet(allowed: bytes) -> Bytes:
    """A table over all bytes: the byte as it is counted, in lower case; 0 where not allowed."""
    table = np.zeros(256, np.uint8)
    table[list(allowed)] = list(allowed.lower())
    return table


_LETTERS_AND_DIGITS = (string.ascii_letters + string.digits).encode()
HOST: Final = alphabet(_LETTERS_AND_DIGITS + b"-_.:")
#: Bytes beyond ASCII are let through: whether IDNA knows the name is asked once a name, later.
DOMAIN: Final = alphabet(_LETTERS_AND_DIGITS + b"-_." + bytes(range(0x80, 0x100)))
#: Printable ASCII, kept as it is written.
STATUS: Final = np.array([b if 0x21 <= b <= 0x7E else 0 for b in range(256)], np.uint8)  # noqa: PLR2004 - "!" and "~"


class Key(NamedTuple):
    """The secret of the hash: a start below 2^32 and an odd factor below 2^31.

    So no product reaches 2^63, and the arithmetic is the same compiled or not.
    """

    seed: int
    factor: int

    @classmethod
    def fresh(cls) -> Key:
        """A new one; a process makes one and keeps it to itself."""
        return cls(secrets.randbits(32), secrets.randbits(31) | 1)


class Names(NamedTuple):
    """A dictionary under construction, for at most ``n`` names."""

    slots: Array  # int32 (power of two >= 2 n,): index of a name plus 1, or 0
    start: Array  # int64 (n,): where in the chunk the name stands
    end: Array  # int64 (n,)
    digest: Array  # int64 (n,)
    count: Array  # int64 (1,): names there are
    recent: Array  # int64 (1,): index that was asked for last

    @classmethod
    def for_at_most(cls, n: int) -> Names:
        """An empty dictionary. Memory that no name reaches is never touched."""
        slots = np.zeros(1 << (2 * n - 1).bit_length(), np.int32)
        start, end, digest = (np.zeros(n, np.int64) for _ in range(3))
        return cls(slots, start, end, digest, np.zeros(1, np.int64), np.zeros(1, np.int64))


@compiled
def index_of(data: Bytes, start: int, end: int, letters: Bytes, key: Key, names: Names) -> int:
    """The index of a name that is not empty, new where need be; -1 if it is not of the alphabet.

    Neighbouring lines mostly name the same host and status: the last name is tried first.
    """
    recent = names.recent[0]
    if same(data, start, end, names.start[recent], names.end[recent]):
        return recent
    digest = hashed(data, start, end, letters, key)
    if digest < 0:
        return -1
    index = looked_up(data, start, end, digest, letters, names)
    names.recent[0] = index
    return index


@compiled
def hashed(data: Bytes, start: int, end: int, letters: Bytes, key: Key) -> int:
    """The keyed hash of a name, 0 <= hash < 2^32; -1 if a byte is not of the alphabet."""
    digest = key.seed
    for i in range(start, end):
        letter = byte_at(letters, byte_at(data, i))
        if letter == 0:
            return -1
        digest = ((digest ^ letter) * key.factor) & MASK
    return digest ^ (digest >> 16)


@compiled
def looked_up(data: Bytes, start: int, end: int, digest: int, letters: Bytes, names: Names) -> int:
    """The index of a name with this hash; it is added if it is not there yet."""
    last_slot = len(names.slots) - 1
    slot = digest & last_slot
    while names.slots[slot]:
        index = names.slots[slot] - 1
        if names.digest[index] == digest and alike(
            data, start, end, names.start[index], names.end[index], letters
        ):
            return index
        slot = (slot + 1) & last_slot
    return added(start, end, digest, slot, names)


@compiled
def alike(data: Bytes, start: int, end: int, other: int, other_end: int, letters: Bytes) -> bool:
    """Whether two names are one, as the alphabet counts them."""
    if end - start != other_end - other:
        return False
    for k in range(end - start):
        if byte_at(letters, byte_at(data, start + k)) != byte_at(letters, byte_at(data, other + k)):
            return False
    return True


@compiled
def added(start: int, end: int, digest: int, slot: int, names: Names) -> int:
    """The index of a new name. Half of the slots at least are free, so one was found."""
    index = names.count[0]
    names.count[0] = index + 1
    names.slots[slot] = index + 1
    names.start[index] = start
    names.end[index] = end
    names.digest[index] = digest
    return index


@compiled
def spell(data: Bytes, letters: Bytes, names: Names, text: Bytes, odd: Array) -> None:
    r"""Write all names to ``text``, as they are counted, each with ``\n`` behind it.

    ``odd`` tells which of them may not be a domain's one spelling: those that are long, or have
    a byte beyond ASCII, or a dot at the end.
    """
    place = 0
    for index in range(names.count[0]):
        start, end = names.start[index], names.end[index]
        odd[index] = end - start > MAX_PLAIN or data[end - 1] == DOT
        for i in range(start, end):
            text[place] = letters[data[i]]
            odd[index] |= data[i] >= FIRST_FOREIGN
            place += 1
        text[place] = LINE_FEED
        place += 1
