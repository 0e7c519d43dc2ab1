"""Parse lines of ``stats`` into rows of sums: the kernel adds the records up as it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.folding import FoldedChunk, Times, joined
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.engine.parsed import Rejects
from mailtally_kernel import StatsFolder
from mailtally_shared.rows import Rows, arranged, fold

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

#: Slots for rows, at least and at most: clearing them costs, and so does filling them twice.
_LEAST: Final = 1 << 10
_MOST: Final = 1 << 18
_GROWTH: Final = 4


class Folder:
    """Folds chunk after chunk into the same rows; see :class:`engine.folding.Folder`.

    There are as many slots as the last rows needed, and more once these are full.
    """

    def __init__(self, step: int) -> None:
        self._step: Final = step
        self._parts: list[Rows] = []
        self._begin(_LEAST)

    def __len__(self) -> int:
        return len(self._folder) + sum(map(len, self._parts))

    def fold(self, chunk: bytes | bytearray | memoryview) -> FoldedChunk:
        r"""Parse whole lines, and add the records up.

        Raises:
            ValueError: The last line has no ``\n``.
        """
        data = bytes_of(chunk)
        rejects: list[dict[str, Array]] = []
        times: Times = None
        lines = nuls = at = 0
        is_full = len(data) > 0
        while is_full:
            done = self._folder.fold(data, at)
            at, is_full = done.read, done.is_full
            lines, nuls = lines + done.lines, nuls + done.nuls
            rejects.append(done.rejects)
            times = joined(times, self._folder.times)
            if is_full:
                self._set_aside()
                self._begin(min(self._slots * _GROWTH, _MOST))
        malformed = _joined(rejects)
        return FoldedChunk(
            rows=Rows.empty(self._step),
            records=lines - len(malformed),
            times=times,
            rejects=malformed,
            lines=lines,
            nuls=nuls,
        )

    def take(self) -> Rows:
        """Return the rows, and begin again."""
        self._set_aside()
        rows = Rows.concatenate(self._parts, self._step)
        rows = fold(rows) if len(self._parts) > 1 else arranged(rows)
        self._parts = []
        if not self._slots // 16 <= len(rows) <= self._slots // 2:
            slots = 1 << (2 * len(rows)).bit_length()
            self._begin(max(_LEAST, min(slots, _MOST)))
        return rows

    def _begin(self, slots: int) -> None:
        self._slots = slots
        self._folder = StatsFolder(normalised, step_seconds=self._step, slots=slots)

    def _set_aside(self) -> None:
        if len(self._folder):
            self._parts.append(_rows(self._folder, self._step))


def _joined(rejects: list[dict[str, Array]]) -> Rejects:
    if not rejects:
        none = np.empty(0, np.int64)
        return Rejects(none, none, none.astype(np.uint8))
    whole = {name: np.concatenate([each[name] for each in rejects]) for name in rejects[0]}
    return Rejects(**whole)


def _rows(folder: StatsFolder, step: int) -> Rows:
    rows, named = folder.take()
    return Rows(
        step=step,
        start=rows["step"].astype(np.int64) * step,
        messages=np.ascontiguousarray(rows["messages"]),
        bytes=np.ascontiguousarray(rows["bytes"]),
        extra=rows["transferred"] - rows["bytes"],
        service=np.ascontiguousarray(rows["service"]),
        host=np.ascontiguousarray(rows["host"]),
        status=np.ascontiguousarray(rows["status"]),
        domain=np.ascontiguousarray(rows["domain"]),
        hosts=named.hosts.texts(),
        statuses=named.statuses.texts(),
        domains=named.domains.texts(),
    )
