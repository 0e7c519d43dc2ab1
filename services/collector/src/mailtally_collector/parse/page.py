"""The page the kernel writes on: one row a record, one dictionary a kind of name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_collector.parse.names import Key, Names
from mailtally_collector.parse.reasons import MAX_LINE
from mailtally_collector.parse.words import Words, words_of

if TYPE_CHECKING:
    from mailtally_collector.machine.marks import Bytes
    from mailtally_shared.columns import Array


class Addresses(NamedTuple):
    """Where the addresses of each row stand in the chunk; no room is not to be told."""

    outgoing: Array  # uint8 (n,): 1 where msg_type is ``out``
    sender: Array  # uint32 (n,): where it begins
    split: Array  # uint32 (n,): the ``|`` between the two
    end: Array  # uint32 (n,): where the recipient ends

    @classmethod
    def blank(cls, rows: int) -> Addresses:
        """Room for ``rows`` lines of a chunk below 4 GiB."""
        sender, split, end = (np.empty(rows, np.uint32) for _ in range(3))
        return cls(np.empty(rows, np.uint8), sender, split, end)


class Room(NamedTuple):
    """How much a page holds. Most chunks need no more than the first guess."""

    rows: int  # records, and as many malformed lines
    names: int  # of each kind

    @classmethod
    def guessed(cls, length: int) -> Room:
        """Enough for a chunk of ``length`` bytes, its lines not short and not all of strangers."""
        rows = length // 64 + 64
        return cls(rows, rows // 8 + 64)

    def larger(self) -> Room:
        """Four times as much: what was read in vain is a third of the whole at most."""
        return Room(4 * self.rows, 4 * self.names)


class Page(NamedTuple):
    """Rows for up to ``n`` records. A row that turns out malformed is written over by the next."""

    start: Array  # int64 (n,): offset of the line in the chunk
    end: Array  # int64 (n,): its end, without the line feed
    time: Array  # int64 (n,)
    size: Array  # int64 (n,)
    attempts: Array  # int64 (n,)
    service: Array  # uint8 (n,)
    host: Array  # uint32 (n,): indices into the dictionaries
    status: Array  # uint32 (n,)
    domain: Array  # uint32 (n,)
    hosts: Names
    statuses: Names
    domains: Names
    words: Words  # of the chunk
    #: The first word of the last line with a good head, 0 before there is one: uint64 (1,).
    day: Array
    #: Of the line at hand, behind its timestamp: offset of each ``|``, and of the line's end.
    pipe: Array  # int64
    #: The same of each ``@``.
    at: Array  # int64
    addresses: Addresses

    @classmethod
    def blank(cls, room: Room, data: Bytes, key: Key, *, with_addresses: bool = False) -> Page:
        """A page for the lines of ``data``."""
        names = (Names.for_at_most(room.names, data, key) for _ in range(3))
        addressed = room.rows if with_addresses else 0
        return cls.with_names(room.rows, data, *names, marks=MAX_LINE + 64, addressed=addressed)

    @classmethod
    def with_names(
        cls,
        rows: int,
        data: Bytes,
        hosts: Names,
        statuses: Names,
        domains: Names,
        *,
        marks: int = 0,
        addressed: int = 0,
    ) -> Page:
        """A page for so many records that takes its names from these dictionaries.

        ``marks`` is the room for what is noted of a line while it is read, and ``addressed`` the
        records whose addresses are.
        """
        start, end, time, size, attempts = (np.empty(rows, np.int64) for _ in range(5))
        host, status, domain = (np.empty(rows, np.uint32) for _ in range(3))
        return cls(
            start=start,
            end=end,
            time=time,
            size=size,
            attempts=attempts,
            service=np.empty(rows, np.uint8),
            host=host,
            status=status,
            domain=domain,
            hosts=hosts,
            statuses=statuses,
            domains=domains,
            words=words_of(data),
            day=np.zeros(1, np.uint64),
            pipe=np.empty(marks, np.int64),
            at=np.empty(marks, np.int64),
            addresses=Addresses.blank(addressed),
        )


class Margin(NamedTuple):
    """The malformed lines, for up to ``n`` of them."""

    start: Array  # int64 (n,): offset of the line in the chunk
    end: Array  # int64 (n,): its end, without the line feed
    reason: Array  # uint8 (n,)

    @classmethod
    def blank(cls, room: Room) -> Margin:
        """An empty margin."""
        rows = room.rows
        return cls(np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.uint8))
