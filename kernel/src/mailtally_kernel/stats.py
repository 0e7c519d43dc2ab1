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
from mailtally_kernel.interface import ColumnsTable, Progress, RowsTable, Stop
from mailtally_kernel.library import library
from mailtally_kernel.malformed import Array, Malformed, places_of
from mailtally_kernel.names import Dictionaries

if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import Structure

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
#: A row of sums, as ``mt_row``.
ROW: Final = np.dtype(
    {
        "names": [
            *("messages", "bytes", "transferred"),
            *("step", "domain", "host", "service", "status"),
        ],
        "formats": ["i8", "i8", "i8", "u4", "u4", "u2", "u1", "u1"],
        "offsets": [0, 8, 16, 24, 28, 32, 34, 35],
        "itemsize": 64,
    }
)


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
        is_full: the rows had no room for more.
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

    def read(self, function: str, target: Structure) -> bool:
        """Read the rest of the chunk, and return false if the target is full before its end.

        Raises:
            ValueError: The last line has no line feed.
        """
        call = getattr(library(), function)
        while (stop := Stop(self._call(call, target))) is not Stop.FULL_ROWS:
            if stop is Stop.DONE:
                return True
            if stop is Stop.UNFINISHED:
                raise ValueError("A chunk has to end with a line feed.")
            if stop is Stop.REFUSED:
                raise ValueError("Rows need a power of two of slots, and steps a minute at least.")
            if stop is Stop.FULL_REJECTS:
                self.malformed.make_room()
            elif stop is Stop.FULL_NAMES:
                self._dictionaries.grow()
            else:
                self._dictionaries.settle()
        return False

    def _call(self, call: Callable[..., int], target: Structure) -> int:
        chunk, workspace = self._chunk, self._workspace
        return call(
            self._level,
            chunk.ctypes.data,
            len(chunk),
            byref(self._dictionaries.table),
            byref(target),
            byref(self.malformed.table),
            workspace.ctypes.data,
            len(workspace),
            byref(self.progress),
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
    if not reader.read("mt_read_stats", table):
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
        slots: Three quarters of them can be taken by rows; a power of two.
        level: The instruction set; the processor's best if ``None``.
    """

    def __init__(
        self,
        normalised: Callable[[bytes], str | None],
        *,
        step_seconds: int = 3600,
        slots: int = 1 << 18,
        level: int | None = None,
    ) -> None:
        self._normalised: Final = normalised
        self._slots: Final = np.zeros(slots, ROW)
        self._level: Final = level
        self._table: Final = RowsTable(
            slots=self._slots.ctypes.data, slot_count=slots, step_seconds=step_seconds
        )
        self._table.key[:] = [secrets.randbits(64) for _ in range(2)]
        self._forget_times()
        self.dictionaries = Dictionaries(normalised, 1 << 10)

    def fold(self, chunk: Array, offset: int = 0) -> Folded:
        """Fold whole lines from an offset on, up to the end or until the rows are full.

        Raises:
            ValueError: The last line has no line feed, the chunk is no array of bytes, or the
                offset is not in it.
        """
        if not 0 <= offset <= len(chunk):
            raise ValueError(f"The offset {offset} is not in a chunk of {len(chunk)} bytes.")
        reader = _Reader(chunk, self.dictionaries, self._level)
        reader.progress.read = offset
        is_whole = reader.read("mt_fold_stats", self._table)
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

    def take(self) -> tuple[Array, Dictionaries]:
        """Return the rows, whose names are indices into the dictionaries, and begin anew."""
        taken = np.flatnonzero(self._slots["messages"])
        rows, named = self._slots[taken], self.dictionaries
        for name in ("messages", "bytes", "transferred"):  # all that a free slot needs
            self._slots[name][taken] = 0
        self._table.count = 0
        self._forget_times()
        self.dictionaries = Dictionaries(self._normalised, len(named.domains))
        return rows, named

    def _forget_times(self) -> None:
        self._table.earliest, self._table.latest = _NO_TIMES


def _workspace() -> Array:
    """Return the workspace of this thread: nothing in it is kept from call to call."""
    if not hasattr(_OF_THREAD, "workspace"):
        _OF_THREAD.workspace = np.empty(library().mt_workspace_size(), np.uint8)
    workspace: Array = _OF_THREAD.workspace
    return workspace
