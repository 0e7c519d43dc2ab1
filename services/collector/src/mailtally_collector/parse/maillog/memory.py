"""What is remembered of messages under way: three tables, each with a hash index over its rows.

A message is found by its host and number, a delivery by its host and number, a recipient by its
message and address. Rows are never taken out within a chunk, only marked; what is still needed
behind the chunk is written down by ``state``. Names are ranges of the data, which begins with those
that earlier chunks left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled, signed
from mailtally_collector.parse.names import Key, Names, hashed, mixed
from mailtally_collector.parse.words import same

if TYPE_CHECKING:
    from mailtally_shared.columns import Array


class Index(NamedTuple):
    """A hash index: slots that point to rows by their number plus 1, or are 0."""

    slots: Array  # int32 (power of two >= 2 n,)
    taken: Array  # int64 (1,): rows there are
    key: Key

    @classmethod
    def for_at_most(cls, n: int, key: Key) -> Index:
        """An empty index over ``n`` rows at most."""
        slots = np.zeros(1 << (2 * n + 1).bit_length(), np.int32)
        return cls(slots, np.zeros(1, np.int64), key)


class Messages(NamedTuple):
    """One row a message number; the message that has it now."""

    ways: Index
    host: Array  # int64 (n,): index into the hosts
    number: Array  # int64 (n,)
    life: Array  # int64 (n,): counts the messages that had the number
    known: Array  # bool (n,): whether there is one now
    size: Array  # int64 (n,): bytes
    seen: Array  # int64 (n,): Unix seconds of the last event
    name: Array  # int64 (n,): the sender's domain; see ``domain_of``
    name_end: Array  # int64 (n,)


class Recipients(NamedTuple):
    """One row a recipient of a message."""

    ways: Index
    message: Array  # int64 (n,): row of the message
    life: Array  # int64 (n,): which one of its number
    local: Array  # bool (n,)
    name: Array  # int64 (n,): the address
    name_end: Array  # int64 (n,)
    deferrals: Array  # int64 (n,): since its last delivery that ended for good


class Deliveries(NamedTuple):
    """One row a delivery number; the delivery that has it now."""

    ways: Index
    host: Array  # int64 (n,)
    number: Array  # int64 (n,)
    recipient: Array  # int64 (n,): row of the recipient, -1 while there is no delivery


class Memory(NamedTuple):
    """All of it."""

    messages: Messages
    recipients: Recipients
    deliveries: Deliveries
    names: Names  # lends its hash and the words of the data; holds nothing

    @classmethod
    def blank(
        cls, messages: int, recipients: int, deliveries: int, data: Bytes, key: Key
    ) -> Memory:
        """Room for so many rows of each."""
        return cls(
            _blank_messages(messages, key),
            _blank_recipients(recipients, key),
            _blank_deliveries(deliveries, key),
            Names.for_at_most(1, data, key),
        )


def _blank_messages(n: int, key: Key) -> Messages:
    host, number, life, size, seen, name, name_end = (np.zeros(n, np.int64) for _ in range(7))
    known = np.zeros(n, np.bool_)
    ways = Index.for_at_most(n, key)
    return Messages(ways, host, number, life, known, size, seen, name, name_end)


def _blank_recipients(n: int, key: Key) -> Recipients:
    message, life, name, name_end, deferrals = (np.zeros(n, np.int64) for _ in range(5))
    local = np.zeros(n, np.bool_)
    return Recipients(Index.for_at_most(n, key), message, life, local, name, name_end, deferrals)


def _blank_deliveries(n: int, key: Key) -> Deliveries:
    host, number, recipient = (np.zeros(n, np.int64) for _ in range(3))
    return Deliveries(Index.for_at_most(n, key), host, number, recipient)


@compiled
def slot_of(host: int, number: int, table: Messages | Deliveries) -> int:
    """The slot of a number of a host: that of its row, or a free one."""
    index = table.ways
    digest = mixed(index.key.seed, np.uint64(number), index.key.factor)
    digest = mixed(digest, np.uint64(host), index.key.factor)
    last_slot = len(index.slots) - 1
    slot = signed(digest) & last_slot
    while index.slots[slot]:
        row = index.slots[slot] - 1
        if table.number[row] == number and table.host[row] == host:
            break
        slot = (slot + 1) & last_slot
    return slot


@compiled
def row_of(host: int, number: int, table: Messages | Deliveries) -> int:
    """The row of a number of a host; -1 where there is none."""
    return int(table.ways.slots[slot_of(host, number, table)]) - 1


@compiled
def row_for(host: int, number: int, table: Messages | Deliveries) -> int:
    """The row of a number of a host; it is added if it is not there yet."""
    slot = slot_of(host, number, table)
    row = int(table.ways.slots[slot]) - 1
    if row < 0:
        row = new_row(slot, table.ways)
        table.host[row] = host
        table.number[row] = number
    return row


@compiled
def recipient_of(message: int, local: bool, name: int, name_end: int, memory: Memory) -> int:  # noqa: FBT001 - what tells recipients apart
    """The row of a recipient of the message at hand; it is added if it is not there yet."""
    table, index = memory.recipients, memory.recipients.ways
    life = memory.messages.life[message]
    digest = mixed(hashed(name, name_end, memory.names), np.uint64(message), index.key.factor)
    last_slot = len(index.slots) - 1
    slot = signed(digest) & last_slot
    while index.slots[slot]:
        row: int = index.slots[slot] - 1
        if (
            table.message[row] == message
            and table.life[row] == life
            and table.local[row] == local
            and same(memory.names.words, name, name_end, table.name[row], table.name_end[row])
        ):
            return row
        slot = (slot + 1) & last_slot
    row = new_row(slot, index)
    table.message[row] = message
    table.life[row] = life
    table.local[row] = local
    table.name[row] = name
    table.name_end[row] = name_end
    table.deferrals[row] = 0
    return row


@compiled
def new_row(slot: int, index: Index) -> int:
    """The next row, to which ``slot`` points from now on."""
    row: int = index.taken[0]
    index.taken[0] = row + 1
    index.slots[slot] = row + 1
    return row
