"""The state of a queue between chunks, as bytes: written after one chunk, read before the next.

    magic  counts  hosts  messages  recipients  deliveries  text

All numbers are int64, little-endian. ``counts`` are the rows of the four tables; those of hosts are
the lengths of their names, the others are as in ``mt_saved``. Host 0 is the collector's own, which
has no row. The text holds the names of hosts, senders' domains and recipients' addresses.
"""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_kernel.interface import SavedRows, SavedTables, Saving
from mailtally_kernel.library import library
from mailtally_kernel.queue import Queue, Room

if TYPE_CHECKING:
    from mailtally_kernel.malformed import Array
    from mailtally_kernel.queue import Following

MAGIC: Final = b"maillog1"
_INT: Final = np.dtype("<i8")
#: Columns of each table.
_WIDTHS: Final = (1, 5, 4, 3)
_MAX_HOST: Final = 255


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    Attributes:
        max_age: seconds between a message's last event and the earliest one of the chunk: the
            earliest, so that one wrong clock does not make all others look old.
        max_entries: most rows to keep; the messages with the latest events stay.
    """

    max_age: int
    max_entries: int


@dataclass(frozen=True, slots=True)
class Left:
    """What a chunk leaves: the state, and how many messages were dropped before their end."""

    state: bytes
    too_old: int
    too_many: int


def restored(
    state: bytes,
    own_host: bytes,
    chunk: Array,
    max_age: int,
    following: Following | None = None,
) -> Queue:
    """Return the queue before a chunk is read; no bytes are an empty one.

    Raises:
        ValueError: The state is damaged, or was written by something else.
    """
    if not state:
        return Queue(own_host, np.zeros(0, np.uint8), max_age, Room.of(chunk), following)
    data = np.frombuffer(state, np.uint8)
    counts, places = _places(state)
    hosts, _, _, _ = counts
    lengths = np.frombuffer(state, _INT, hosts, places[0])
    text = data[places[-1] :]
    queue = Queue(own_host, text, max_age, Room.of(chunk, *counts[1:]), following)
    names = _names_of(text, lengths)
    indexes = np.array([0, *map(queue.hosts.index_of, names)], np.uint32)
    tables = _tables(data.ctypes.data, counts, places)
    if library().mt_restore_queue(
        *(byref(queue.table), byref(tables)),
        *(indexes.ctypes.data, len(indexes), int(lengths.sum())),
    ):
        raise ValueError("The state of a queue is damaged.")
    return queue


def _places(state: bytes) -> tuple[list[int], list[int]]:
    """Return the rows of each table, and where each of them and the text begin."""
    begin = len(MAGIC) + len(_WIDTHS) * _INT.itemsize
    if len(state) < begin or not state.startswith(MAGIC):
        raise ValueError("This is not the state of a queue.")
    counts = np.frombuffer(state, _INT, len(_WIDTHS), len(MAGIC)).tolist()
    places = [begin]
    for count, width in zip(counts, _WIDTHS, strict=True):
        places.append(places[-1] + count * width * _INT.itemsize)
    if min(counts) < 0 or places[-1] > len(state):
        raise ValueError("The state of a queue is cut short.")
    return counts, places


def _tables(address: int, counts: list[int], places: list[int]) -> SavedTables:
    """Return the tables of a state at an address; hosts are none of them."""
    rows = [
        SavedRows(address + place, count)
        for place, count in zip(places[1:-1], counts[1:], strict=True)
    ]
    return SavedTables(*rows)


def _names_of(text: Array, lengths: Array) -> list[bytes]:
    """Return the names of hosts, which the text begins with."""
    if ((lengths < 1) | (lengths > _MAX_HOST)).any() or lengths.sum() > len(text):
        raise ValueError("The state of a queue has a name without an end.")
    ends = np.cumsum(lengths)
    names = [text[end - n : end].tobytes() for end, n in zip(ends, lengths, strict=True)]
    if any(b"\n" in name for name in names):
        raise ValueError("The state of a queue has a name of two lines.")
    return names


def left_by(queue: Queue, chunk: Array, limits: Limits) -> Left:
    """Return what later chunks need of a queue: the messages in progress, within limits.

    Raises:
        ValueError: The chunk is not the one that was read.
    """
    queue.need_chunk(chunk)
    rows = np.empty(len(queue.messages), np.uint32)
    needed = np.empty(len(queue.recipients), np.uint8)
    library().mt_weigh_queue(byref(queue.table), rows.ctypes.data, needed.ctypes.data)
    oldest = (queue.earliest or 0) - limits.max_age
    known = rows > 0
    fresh = known & (queue.messages["seen"] >= oldest)
    kept = _within(queue, fresh, rows, limits.max_entries)
    return Left(
        _saved(queue, chunk, kept, needed),
        too_old=int(np.count_nonzero(known & ~fresh)),
        too_many=int(np.count_nonzero(fresh & ~kept)),
    )


def _within(queue: Queue, fresh: Array, rows: Array, most: int) -> Array:
    """Return the fresh messages that fit, the latest ones."""
    if int(rows[fresh].sum(dtype=np.int64)) <= most:
        return fresh
    newest_first = np.argsort(-queue.messages["seen"], kind="stable")
    newest_first = newest_first[fresh[newest_first]]
    within = np.zeros(len(fresh), np.bool_)
    within[newest_first[np.cumsum(rows[newest_first], dtype=np.int64) <= most]] = True
    return within


def _saved(queue: Queue, chunk: Array, kept: Array, needed: Array) -> bytes:
    """Return the state: counted first, then written."""
    if not kept.any():
        return b""
    message_row = np.empty(len(kept), np.uint32)
    recipient_row = np.empty(len(needed), np.uint32)
    hosts = np.zeros(len(queue.hosts), np.uint32)
    arrays = (kept, needed, message_row, recipient_row, hosts)
    saving = Saving(*(array.ctypes.data for array in arrays))
    counted = SavedTables()
    _save(queue, chunk, saving, counted)
    hosts[0] = 0
    named = np.flatnonzero(hosts)
    hosts[named] = np.arange(1, len(named) + 1)
    names = [queue.hosts.spelled()[index] for index in named.tolist()] if len(named) else []
    return _written(queue, chunk, saving, counted, names)


def _written(
    queue: Queue, chunk: Array, saving: Saving, counted: SavedTables, names: list[bytes]
) -> bytes:
    tables = (counted.messages, counted.recipients, counted.deliveries)
    counts = [len(names), *(int(table.count) for table in tables)]
    head = np.array([*counts, *map(len, names)], _INT).tobytes()
    places = [len(MAGIC) + len(head)]
    for count, width in zip(counts[1:], _WIDTHS[1:], strict=True):
        places.append(places[-1] + count * width * _INT.itemsize)
    text = b"".join(names)
    made = np.empty(places[-1] + len(text) + int(counted.text_length), np.uint8)
    made[: places[0]] = np.frombuffer(MAGIC + head, np.uint8)
    made[places[-1] : places[-1] + len(text)] = np.frombuffer(text, np.uint8)
    address = made.ctypes.data
    written = _tables(address, [0, 0, 0, 0], [0, *places])
    written.text = address + places[-1] + len(text)
    _save(queue, chunk, saving, written)
    return made.tobytes()


def _save(queue: Queue, chunk: Array, saving: Saving, tables: SavedTables) -> None:
    library().mt_save_queue(
        *(byref(queue.table), chunk.ctypes.data, len(chunk)),
        *(byref(saving), byref(tables)),
    )
