"""The state of a queue between chunks, as bytes: written after one chunk, read before the next.

    magic  counts  hosts  messages  recipients  deliveries  text

All numbers are int64, little-endian. ``counts`` are the rows of the four tables:

    hosts       length of the name
    messages    host, number, size, seen, length of the sender's domain or HOST_ITSELF
    recipients  message, whether local, deferrals, length of the address
    deliveries  host, number, recipient

Host 0 is the collector's own, which has no row. The text holds the names of hosts, senders' domains
and recipients' addresses. What is read may be damaged: every number in it is checked.
"""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailtally_kernel.library import library
from mailtally_kernel.queue import DELIVERY, HOST_ITSELF, MESSAGE, RECIPIENT, Queue, Room

if TYPE_CHECKING:
    from mailtally_kernel.malformed import Array
    from mailtally_kernel.queue import Following

MAGIC: Final = b"maillog1"
_INT: Final = np.dtype("<i8")
#: Columns of each table.
_WIDTHS: Final = (1, 5, 4, 3)
_MAX_HOST: Final = 255
#: Ways of a recipient, as ``mt_service``.
_SMTP_IN, _SMTP_OUT = 0, 1


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
    (lengths, *tables), text = _tables(state)
    queue = Queue(own_host, text, max_age, Room.of(chunk, *map(len, tables)), following)
    names = _names_of(text, lengths[:, 0])
    indexes = np.array([0, *map(queue.hosts.index_of, names)], np.uint32)
    begin = int(lengths.sum())
    if (text[begin:] == ord("\n")).any():  # it would end a name in a dictionary
        raise ValueError("The state of a queue is damaged.")
    queue.fill(*_rows(tables, indexes, begin, len(text)))
    return queue


def _tables(state: bytes) -> tuple[list[Array], Array]:
    """Return the tables of a state, and its text."""
    at = len(MAGIC) + len(_WIDTHS) * _INT.itemsize
    if len(state) < at or not state.startswith(MAGIC):
        raise ValueError("This is not the state of a queue.")
    tables = []
    counts = np.frombuffer(state, _INT, len(_WIDTHS), len(MAGIC)).tolist()
    for count, width in zip(counts, _WIDTHS, strict=True):
        size = count * width * _INT.itemsize
        if not 0 <= size <= len(state) - at:
            raise ValueError("The state of a queue is cut short.")
        numbers = np.frombuffer(state, _INT, count * width, at)
        tables.append(numbers.reshape(count, width))
        at += size
    return tables, np.frombuffer(state, np.uint8)[at:]


def _rows(tables: list[Array], hosts: Array, begin: int, end: int) -> tuple[Array, Array, Array]:
    """Return the rows of a queue whose names are ``begin`` to ``end`` of its text."""
    messages, recipients, deliveries = tables
    host, number, size, seen, sender = messages.T
    message, is_local, deferrals, address = recipients.T
    host_of_delivery, delivery, recipient = deliveries.T
    for numbers, least, most in (
        *((host, 0, len(hosts) - 1), (host_of_delivery, 0, len(hosts) - 1)),
        *((message, 0, len(messages) - 1), (recipient, 0, len(recipients) - 1)),
        *((number, 0, None), (size, 0, None), (seen, 0, None), (delivery, 0, None)),
        *((deferrals, 0, None), (sender, HOST_ITSELF, end), (address, 0, end)),
    ):
        if (numbers < least).any() or (most is not None and (numbers > most).any()):
            raise ValueError("The state of a queue is damaged.")
    ends = begin + np.cumsum(np.concatenate([np.maximum(sender, 0), address]))
    if (ends[-1] if len(ends) else begin) != end:
        raise ValueError("The state of a queue is damaged.")
    of_sender, of_address = ends[: len(messages)], ends[len(messages) :]
    is_named = sender != HOST_ITSELF
    return (
        _table(
            MESSAGE,
            number=number,
            size=size,
            seen=seen,
            name=np.where(is_named, of_sender - sender, HOST_ITSELF),
            name_end=np.where(is_named, of_sender, HOST_ITSELF),
            host=hosts[host],
            known=np.ones(len(host), np.uint32),
        ),
        _table(
            RECIPIENT,
            deferrals=deferrals,
            name=of_address - address,
            name_end=of_address,
            message=message,
            way=np.where(is_local != 0, _SMTP_IN, _SMTP_OUT),
        ),
        _table(DELIVERY, number=delivery, host=hosts[host_of_delivery], recipient=recipient + 1),
    )


def _table(kind: np.dtype[Any], **columns: Array) -> Array:
    made = np.zeros(len(next(iter(columns.values()))), kind)
    for name, column in columns.items():
        made[name] = column
    return made


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
    messages, needed = queue.messages, _needed(queue)
    known = messages["known"] > 0
    # Two rows for each recipient: its own, and a delivery.
    of_recipients = np.bincount(queue.recipients["message"][needed], minlength=len(messages))
    rows = known + 2 * of_recipients
    oldest = (queue.earliest or 0) - limits.max_age
    fresh = known & (messages["seen"] >= oldest)
    kept = _within(queue, fresh, rows, limits.max_entries)
    return Left(
        _saved(queue, chunk, kept, needed),
        too_old=int(np.count_nonzero(known & ~fresh)),
        too_many=int(np.count_nonzero(fresh & ~kept)),
    )


def _needed(queue: Queue) -> Array:
    """Return which recipients of known messages have a delivery in progress or were deferred."""
    messages, recipients = queue.messages, queue.recipients
    needed = recipients["deferrals"] > 0
    started = queue.deliveries["recipient"]
    needed[started[started > 0] - 1] = True
    of = recipients["message"]
    is_current = (messages["known"][of] > 0) & (messages["life"][of] == recipients["life"])
    current: Array = needed & is_current
    return current


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
    """Return the state with the messages kept and their recipients that are needed."""
    if not kept.any():
        return b""
    needed = needed & kept[queue.recipients["message"]]
    messages, recipients = queue.messages[kept], queue.recipients[needed]
    deliveries = queue.deliveries[queue.deliveries["recipient"] > 0]
    deliveries = deliveries[needed[deliveries["recipient"] - 1]]
    named = np.zeros(len(queue.hosts), np.bool_)
    named[0] = named[messages["host"]] = named[deliveries["host"]] = True
    host = np.cumsum(named) - 1
    spelled = queue.hosts.spelled()
    names = [spelled[index] for index in np.flatnonzero(named)[1:].tolist()]
    is_named = messages["name"] != HOST_ITSELF
    tables = (
        ([len(name) for name in names],),
        (
            host[messages["host"]],
            *(messages["number"], messages["size"], messages["seen"]),
            np.where(is_named, messages["name_end"] - messages["name"], HOST_ITSELF),
        ),
        (
            (np.cumsum(kept) - 1)[recipients["message"]],
            *(recipients["way"] == _SMTP_IN, recipients["deferrals"]),
            recipients["name_end"] - recipients["name"],
        ),
        (
            host[deliveries["host"]],
            *(deliveries["number"], (np.cumsum(needed) - 1)[deliveries["recipient"] - 1]),
        ),
    )
    counts = (len(names), len(messages), len(recipients), len(deliveries))
    return b"".join(
        (
            MAGIC,
            np.array(counts, _INT).tobytes(),
            *(np.stack(table, axis=1, dtype=_INT, casting="unsafe").tobytes() for table in tables),
            *names,
            _text(queue, chunk, messages[is_named], recipients),
        )
    )


def _text(queue: Queue, chunk: Array, messages: Array, recipients: Array) -> bytes:
    """Return the names of messages and recipients, one after the other."""
    names = ("name", "name_end")
    bounds = np.concatenate(
        [np.stack([rows[name] for name in names], axis=1) for rows in (messages, recipients)]
    )
    text = np.empty(int((bounds[:, 1] - bounds[:, 0]).sum()), np.uint8)
    library().mt_copy_names(
        *(byref(queue.table), chunk.ctypes.data, len(chunk)),
        *(bounds.ctypes.data, len(bounds), text.ctypes.data, len(text)),
    )
    return text.tobytes()
