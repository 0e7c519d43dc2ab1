"""Reading the log of a queue: events of messages, joined to a record for each delivery."""

from __future__ import annotations

import secrets
from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailtally_kernel.chunk import need_bytes
from mailtally_kernel.clock import UTC, Clock, faces_of
from mailtally_kernel.interface import ColumnsTable, Progress, QueueTable, Stop
from mailtally_kernel.library import library
from mailtally_kernel.log_state import LONGEST_LINE, MOST_HOSTS, LogState
from mailtally_kernel.malformed import Array, Malformed, places_of
from mailtally_kernel.names import Dictionaries, Names
from mailtally_kernel.stats import COLUMNS, Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailtally_kernel.interface import Table
    from mailtally_kernel.program import Program

#: The start of a name that is the line's host.
HOST_ITSELF: Final = -1
#: Rows of the tables, as ``mt_message``, ``mt_recipient`` and ``mt_delivery``.
MESSAGE: Final = np.dtype(
    [
        *(("number", "i8"), ("size", "i8"), ("seen", "i8"), ("life", "i8")),
        *(("name", "i8"), ("name_end", "i8"), ("host", "u4"), ("known", "u4")),
    ]
)
RECIPIENT: Final = np.dtype(
    [
        *(("life", "i8"), ("deferrals", "i8"), ("name", "i8"), ("name_end", "i8")),
        *(("message", "u4"), ("way", "u4")),
    ]
)
#: ``recipient`` is a row plus 1, or 0.
DELIVERY: Final = np.dtype([("number", "i8"), ("host", "u4"), ("recipient", "u4")])

#: Bytes of a log for a row, about, and for a record.
_BYTES_A_ROW: Final = 512
_BYTES_A_RECORD: Final = 256
_GROWTH: Final = 4
_NO_TIME: Final = 2**63 - 1
#: Largest host, in bytes.
_MAX_HOST: Final = 255
#: Records that repeated lines may add to a chunk.
_MOST_REPEATS: Final = 1_000_000
_NO_LINE: Final = -1


class _Rows:
    """A table that grows: rows, and an index of them that the kernel fills."""

    def __init__(self, table: Table, kind: np.dtype[Any], room: int) -> None:
        self.table: Final = table
        self._make_room(np.zeros(0, kind), room)

    def all(self) -> Array:
        """Return the rows that are taken."""
        return self._rows[: self.table.count]

    def fill(self, rows: Array) -> None:
        """Take rows for which there is room; the index stays empty."""
        self._rows[: len(rows)] = rows
        self.table.count = len(rows)

    def is_full(self) -> bool:
        """Return whether the next row may have no room."""
        return bool(self.table.count >= self.table.room)

    def grow(self) -> None:
        """Make room for four times as many rows; the index is empty then."""
        self._make_room(self.all(), _GROWTH * int(self.table.room))

    def _make_room(self, rows: Array, room: int) -> None:
        made = np.zeros(max(room, 1), rows.dtype)
        made[: len(rows)] = rows
        slots = np.zeros(1 << (2 * len(made)).bit_length(), np.uint32)
        self._rows, self._slots = made, slots
        self.table.rows, self.table.room = made.ctypes.data, len(made)
        self.table.slots, self.table.slot_count = slots.ctypes.data, len(slots)

    def clear_index(self) -> None:
        """Empty the index."""
        self._slots[:] = 0


@dataclass(frozen=True, slots=True)
class Room:
    """Numbers of rows."""

    messages: int
    recipients: int
    deliveries: int

    @classmethod
    def of(cls, chunk: Array, messages: int = 0, recipients: int = 0, deliveries: int = 0) -> Room:
        """Return room for these rows, and for those that a chunk may add."""
        more = len(chunk) // _BYTES_A_ROW + 64
        return cls(messages + more, recipients + more, deliveries + more)


@dataclass(frozen=True, slots=True)
class Following:
    """A log whose lines are of several programs, and depend on earlier lines.

    Attributes:
        clock: gives the stamps their moments.
        programs: how many programs lines are counted under, with those of ``Outcomes``.
        last_lines: see :class:`LogState`.
    """

    clock: Clock
    programs: int
    last_lines: Mapping[bytes, bytes]


class Queue:
    """The messages in progress of one log. A queue is for one chunk: its names are ranges of it.

    Args:
        own_host: The host of lines that name none; ASCII, at most 255 bytes.
        text: The names that earlier chunks left; names of rows are ranges of it.
        max_age: Seconds after its last event when a message is ignored.
        room: How many rows there is room for at first.
        following: How lines depend on earlier ones, if they do.

    Raises:
        ValueError: The host is no name of ASCII, or too long.
    """

    def __init__(
        self,
        own_host: bytes,
        text: Array,
        max_age: int,
        room: Room,
        following: Following | None = None,
    ) -> None:
        if not own_host.isascii() or not 0 < len(own_host) <= _MAX_HOST or b"\n" in own_host:
            raise ValueError(f"{own_host!r} is not the name of a host.")
        if following is not None:
            lines = b"".join(following.last_lines.values())
            text = np.concatenate([text, np.frombuffer(lines, np.uint8)])
        self._following: Final = following
        self._clock: Final = following.clock if following else Clock(UTC)
        self.table: Final = QueueTable(
            text=text.ctypes.data,
            text_length=len(text),
            max_age=max_age,
            earliest=_NO_TIME,
            clock=self._clock.table(),
            repeats_left=_MOST_REPEATS,
        )
        self.table.key[:] = [secrets.randbits(64) for _ in range(4)]
        self._text: Final = text
        self._chunk: Array | None = None
        self.hosts: Final = Names(self.table.hosts, 64)
        self.hosts.index_of(own_host)
        self._messages = _Rows(self.table.messages, MESSAGE, room.messages)
        self._recipients = _Rows(self.table.recipients, RECIPIENT, room.recipients)
        self._deliveries = _Rows(self.table.deliveries, DELIVERY, room.deliveries)
        self._outcomes = np.zeros((following.programs if following else 0, 3), np.uint64)
        self.table.outcomes = self._outcomes.ctypes.data
        self.table.programs = len(self._outcomes)
        self._last_lines = np.zeros((0, 2), np.int64)
        if following is not None:
            self._place_last_lines(own_host, following.last_lines)

    def _place_last_lines(self, own_host: bytes, lines: Mapping[bytes, bytes]) -> None:
        """Note where the last line of each host is: at the end of the text."""
        indexes = [self.hosts.index_of(host or own_host) for host in lines]
        self._make_room_for_lines()
        end = len(self._text)
        for index, line in reversed([*zip(indexes, lines.values(), strict=True)]):
            self._last_lines[index] = end - len(line), end
            end -= len(line)

    def _make_room_for_lines(self) -> None:
        """Make room for a last line of each host."""
        room = max(64, _GROWTH * len(self.hosts))
        made = np.full((room, 2), _NO_LINE, np.int64)
        made[: len(self._last_lines)] = self._last_lines
        self._last_lines = made
        self.table.last_lines, self.table.last_lines_room = made.ctypes.data, room

    @property
    def outcomes(self) -> Array:
        """Lines by program and outcome: counted, passed, malformed.

        Those without framing come first, then those of other programs.
        """
        return self._outcomes

    def state_after(self, chunk: Array) -> LogState:
        """Return what the next chunk of the log needs, besides messages.

        If too many hosts have a last line, those of the latest lines are kept.
        """
        has_line = self._last_lines[: len(self.hosts), 0] != _NO_LINE
        short = np.diff(self._last_lines[: len(self.hosts)]).ravel() <= LONGEST_LINE
        kept = np.flatnonzero(has_line & short)
        latest = np.argsort(-self._last_lines[kept, 0], kind="stable")[:MOST_HOSTS]
        names, lines = self.hosts.spelled(), {}
        for index in np.sort(kept[latest]).tolist():
            start, end = self._last_lines[index].tolist()
            lines[names[index] if index else b""] = self._bytes_between(chunk, start, end)
        return LogState(*faces_of(self.table.clock), lines)

    def _bytes_between(self, chunk: Array, start: int, end: int) -> bytes:
        saved = len(self._text)
        if start < saved:
            return bytes(self._text[start:end])
        return bytes(chunk[start - saved : end - saved])

    @property
    def earliest(self) -> int | None:
        """The earliest time of the events that were read, if there was one."""
        return None if self.table.earliest == _NO_TIME else int(self.table.earliest)

    @property
    def messages(self) -> Array:
        """The rows of messages, of type ``MESSAGE``."""
        return self._messages.all()

    @property
    def recipients(self) -> Array:
        """The rows of recipients, of type ``RECIPIENT``."""
        return self._recipients.all()

    @property
    def deliveries(self) -> Array:
        """The rows of deliveries, of type ``DELIVERY``."""
        return self._deliveries.all()

    def fill(self, messages: Array, recipients: Array, deliveries: Array) -> None:
        """Take the rows that an earlier chunk left, for which there is room."""
        self._messages.fill(messages)
        self._recipients.fill(recipients)
        self._deliveries.fill(deliveries)

    def read(
        self, chunk: Array, program: Program, normalised: Callable[[bytes], str | None]
    ) -> Lines:
        """Read whole lines into columns, and update the rows.

        Args:
            chunk: Bytes that end with a line feed.
            program: How its lines are read.
            normalised: See :class:`Dictionaries`.

        Raises:
            ValueError: The last line has no line feed, the chunk is no array of bytes, or another
                one was read before.
        """
        need_bytes(chunk)
        if self._chunk is None:
            self._chunk = chunk
        self.need_chunk(chunk)
        self._index(chunk)
        dictionaries = Dictionaries(normalised, len(chunk) // 4096)
        reader = _Reader(self, chunk, program, dictionaries)
        return reader.read()

    def need_chunk(self, chunk: Array) -> None:
        """Check that this is the chunk that was read, if one was: rows name ranges of it.

        Raises:
            ValueError: Another chunk was read.
        """
        read = self._chunk
        if read is not None and (read.ctypes.data, len(read)) != (chunk.ctypes.data, len(chunk)):
            raise ValueError("A queue is for one chunk, and another one was read.")

    def make_room(self, chunk: Array) -> None:
        """Make room in each table that is full."""
        if self.hosts.is_full():
            self.hosts.grow()
        if self._following and len(self.hosts) > len(self._last_lines):
            self._make_room_for_lines()
        for rows in (self._messages, self._recipients, self._deliveries):
            if rows.is_full():
                rows.grow()
            else:
                rows.clear_index()
        self._index(chunk)

    def _index(self, chunk: Array) -> None:
        library().mt_index_queue(byref(self.table), chunk.ctypes.data, len(chunk))


class _Reader:
    """Reads one chunk; makes room and settles spellings whenever the kernel stops for that."""

    def __init__(
        self, queue: Queue, chunk: Array, program: Program, dictionaries: Dictionaries
    ) -> None:
        self._queue: Final = queue
        self._chunk: Final = chunk
        self._program: Final = program
        self._dictionaries: Final = dictionaries
        self._malformed: Final = Malformed(len(chunk))
        room = len(chunk) // _BYTES_A_RECORD + 64
        self._columns = {name: np.empty(room, kind) for name, kind in COLUMNS.items()}
        self._table: Final = ColumnsTable(room=room, **places_of(self._columns))

    def read(self) -> Lines:
        """Read the chunk to its end."""
        progress = Progress()
        while (stop := Stop(self._call(progress))) is not Stop.DONE:
            if stop is Stop.UNFINISHED:
                raise ValueError("A chunk has to end with a line feed.")
            if stop is Stop.REFUSED:
                raise AssertionError("The kernel refuses a program or a queue that was made here.")
            if stop is Stop.FULL_REJECTS:
                self._malformed.make_room()
            elif stop is Stop.FULL_ROWS:
                self._make_room()
            elif stop is Stop.FULL_NAMES:
                self._dictionaries.grow()
            elif stop is Stop.FULL_QUEUE:
                self._queue.make_room(self._chunk)
            else:
                self._dictionaries.settle()
        named = self._dictionaries
        return Lines(
            columns={name: column[: self._table.count] for name, column in self._columns.items()},
            rejects=self._malformed.all(),
            hosts=named.hosts.texts(),
            statuses=named.statuses.texts(),
            domains=named.domains.texts(),
            lines=int(progress.lines),
            nuls=int(progress.nuls),
            passed=int(progress.passed),
        )

    def _call(self, progress: Progress) -> int:
        return int(
            library().mt_read_queue(
                *(self._chunk.ctypes.data, len(self._chunk)),
                *(byref(self._program.table), byref(self._queue.table)),
                *(byref(self._dictionaries.table), byref(self._table)),
                *(byref(self._malformed.table), byref(progress)),
            )
        )

    def _make_room(self) -> None:
        room = _GROWTH * int(self._table.room)
        for name, column in self._columns.items():
            larger = np.empty(room, column.dtype)
            larger[: len(column)] = column
            self._columns[name] = larger
            setattr(self._table, name, larger.ctypes.data)
        self._table.room = room
