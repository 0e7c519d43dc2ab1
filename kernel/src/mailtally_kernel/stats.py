"""Reading lines of ``stats``: each record a row of columns, or folded into rows of sums."""

from __future__ import annotations

import secrets
import threading
from ctypes import byref
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_kernel.chunk import need_bytes
from mailtally_kernel.interface import ColumnsTable, Progress, RowsTable, Stop, SumsTable
from mailtally_kernel.library import library
from mailtally_kernel.malformed import Array, Malformed, places_of
from mailtally_kernel.names import Dictionaries

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_THREAD: Final = threading.local()

#: Offsets of addresses are 32 bits wide.
_MOST_ADDRESSED: Final = 2**32
#: No line that is a record is shorter.
_SHORTEST: Final = 32
COLUMNS: Final = {
    "time": np.int64,
    "size": np.int64,
    "attempts": np.int64,
    "service": np.uint8,
    "host": np.uint16,
    "status": np.uint8,
    "domain": np.uint32,
}
_ADDRESSES: Final = {
    "outgoing": np.uint8,
    "sender": np.uint32,
    "separator": np.uint32,
    "recipient_end": np.uint32,
}
#: The earliest and the latest time of no records.
_NO_TIMES: Final = 2**63 - 1, -1
#: Bytes of a row of sums, ``mt_row``.
ROW_SIZE: Final = 40
#: Rows as columns.
SUMS: Final = {
    "start": np.int64,
    "messages": np.int64,
    "bytes": np.int64,
    "extra": np.int64,
    "service": np.uint8,
    "host": np.uint16,
    "status": np.uint8,
    "domain": np.uint32,
}


@cache
def best_level() -> int:
    """Return the best instruction set of this processor: 0 for the baseline, 1 for AVX2."""
    return int(library().mt_best_level())


@dataclass(frozen=True, slots=True)
class Lines:
    """What a chunk was read to. ``columns`` are by name, and so are the ``rejects``."""

    columns: dict[str, Array]
    rejects: dict[str, Array]
    hosts: tuple[str, ...]
    statuses: tuple[str, ...]
    domains: tuple[str, ...]
    lines: int
    nuls: int
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """How far a chunk was folded.

    Attributes:
        rejects: malformed lines.
        read: bytes of the chunk.
        lines: records and malformed lines.
        nuls: bytes skipped before lines.
        is_full: the next line would exceed 63 bits of a sum. Take the rows, and continue there.
    """

    rejects: dict[str, Array]
    read: int
    lines: int
    nuls: int
    is_full: bool


class _Reader:
    """Reads one chunk; makes room and settles spellings whenever the kernel stops for that."""

    def __init__(self, chunk: Array, dictionaries: Dictionaries, level: int | None) -> None:
        need_bytes(chunk)
        self._chunk: Final = chunk
        self._dictionaries: Final = dictionaries
        self._level: Final = best_level() if level is None else level
        if not 0 <= self._level <= best_level():
            raise ValueError(f"This processor has no instruction set {level}.")
        self._workspace: Final = _workspace()
        self.malformed: Final = Malformed(len(chunk))
        self.progress: Final = Progress()

    def read(self, target: ColumnsTable | RowsTable) -> bool:
        """Read the rest of the chunk, and return false if the target is full before its end.

        Raises:
            ValueError: The last line has no line feed.
        """
        while (stop := Stop(self._call(target))) is not Stop.FULL_ROWS:
            if stop is Stop.DONE:
                return True
            if stop is Stop.UNFINISHED:
                raise ValueError("A chunk has to end with a line feed.")
            if stop is Stop.REFUSED:
                raise ValueError("Rows need steps of a minute at least.")
            if stop is Stop.FULL_REJECTS:
                self.malformed.make_room()
            elif stop is Stop.FULL_NAMES:
                self._dictionaries.grow()
            else:
                self._dictionaries.settle()
        return False

    def _call(self, target: ColumnsTable | RowsTable) -> int:
        chunk, workspace = self._chunk, self._workspace
        return int(
            library().mt_read_stats(
                self._level,
                chunk.ctypes.data,
                len(chunk),
                byref(self._dictionaries.table),
                byref(target) if isinstance(target, ColumnsTable) else None,
                byref(target) if isinstance(target, RowsTable) else None,
                byref(self.malformed.table),
                workspace.ctypes.data,
                len(workspace),
                byref(self.progress),
            )
        )


def read_stats(
    chunk: Array,
    normalised: Callable[[bytes], str | None],
    *,
    with_addresses: bool = False,
    level: int | None = None,
) -> Lines:
    """Read whole lines into columns.

    Args:
        chunk: Bytes that end with a line feed; below 4 GiB if addresses are wanted.
        normalised: See :class:`Dictionaries`.
        with_addresses: Return also the direction of each record and the places of its addresses.
        level: The instruction set; the processor's best if ``None``.

    Raises:
        ValueError: The last line has no line feed, or the chunk is too large or no array of bytes.
    """
    if with_addresses and len(chunk) >= _MOST_ADDRESSED:
        raise ValueError("A chunk with addresses has to be below 4 GiB.")
    kinds = COLUMNS | _ADDRESSES if with_addresses else COLUMNS
    room = len(chunk) // _SHORTEST + 1
    columns = {name: np.empty(room, kind) for name, kind in kinds.items()}
    table = ColumnsTable(room=room, **places_of(columns))
    dictionaries = Dictionaries(normalised, len(chunk) // 4096)
    reader = _Reader(chunk, dictionaries, level)
    if not reader.read(table):
        raise AssertionError("There is a record shorter than any can be.")
    return Lines(
        columns={name: column[: table.count] for name, column in columns.items()},
        rejects=reader.malformed.all(),
        hosts=dictionaries.hosts.texts(),
        statuses=dictionaries.statuses.texts(),
        domains=dictionaries.domains.texts(),
        lines=int(reader.progress.lines),
        nuls=int(reader.progress.nuls),
    )


class StatsFolder:
    """Folds chunk after chunk into rows of one step, host, domain, service and status each.

    Args:
        normalised: See :class:`Dictionaries`.
        step_seconds: The length of a step, a divisor of the hour.
        room: Rows to make room for at first, a power of two; there is more when they need it.
        level: The instruction set; the processor's best if ``None``.
    """

    def __init__(
        self,
        normalised: Callable[[bytes], str | None],
        *,
        step_seconds: int = 3600,
        room: int = 1 << 10,
        level: int | None = None,
    ) -> None:
        self._normalised: Final = normalised
        self._least: Final = room
        self._level: Final = level
        self._table: Final = RowsTable(step_seconds=step_seconds)
        self._table.key[:] = [secrets.randbits(64) for _ in range(2)]
        self._rows: Array = np.empty((0, ROW_SIZE), np.uint8)
        self._make_room(room)
        self._forget_times()
        self.dictionaries = Dictionaries(normalised, 1 << 10)

    def fold(self, chunk: Array, offset: int = 0) -> Folded:
        """Fold whole lines from an offset on, up to the end or until a sum is full.

        Raises:
            ValueError: The last line has no line feed, the chunk is no array of bytes, or the
                offset is not in it.
        """
        if not 0 <= offset <= len(chunk):
            raise ValueError(f"The offset {offset} is not in a chunk of {len(chunk)} bytes.")
        reader = _Reader(chunk, self.dictionaries, self._level)
        reader.progress.read = offset
        table = self._table
        while not (is_whole := reader.read(table)) and table.count == table.room:
            self._make_room(2 * int(table.room))
        done = reader.progress
        rejects = reader.malformed.all()
        return Folded(
            rejects, int(done.read), int(done.lines), int(done.nuls), is_full=not is_whole
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._table.count)

    @property
    def times(self) -> tuple[int, int] | None:
        """The earliest and the latest time of the records in the rows; ``None`` without any."""
        table = self._table
        return (int(table.earliest), int(table.latest)) if table.count else None

    def take(self) -> tuple[dict[str, Array], Dictionaries]:
        """Return the rows as columns, and their names; the table is empty then.

        The columns are those of ``SUMS``, ordered by step, service, status, host and domain.
        """
        count, named = len(self), self.dictionaries
        sums = {name: np.empty(count, kind) for name, kind in SUMS.items()}
        order = np.empty(2 * count, np.uint32)
        table = SumsTable(room=count, **places_of(sums))
        library().mt_take_rows(byref(self._table), order.ctypes.data, byref(table))
        self._table.count = 0
        if count < self._table.room // 8:
            self._make_room(max(self._least, self._table.room // 8))
        else:
            self._slots.fill(0)
        self._forget_times()
        self.dictionaries = Dictionaries(self._normalised, len(named.domains))
        return sums, named

    def _make_room(self, room: int) -> None:
        """Move the rows to where there is room for so many."""
        # Both or none, as names have it.
        rows, slots = np.empty((room, ROW_SIZE), np.uint8), np.zeros(2 * room, np.uint64)
        table, count = self._table, len(self)
        rows[:count] = self._rows[:count]
        self._rows, self._slots = rows, slots
        table.rows, table.room = rows.ctypes.data, room
        table.slots, table.slot_count = slots.ctypes.data, len(slots)
        library().mt_index_rows(byref(table))

    def _forget_times(self) -> None:
        self._table.earliest, self._table.latest = _NO_TIMES


def _workspace() -> Array:
    """Return the workspace of this thread: nothing in it is kept from call to call."""
    if not hasattr(_OF_THREAD, "workspace"):
        _OF_THREAD.workspace = np.empty(library().mt_workspace_size(), np.uint8)
    workspace: Array = _OF_THREAD.workspace
    return workspace
