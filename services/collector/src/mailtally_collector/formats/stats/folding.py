"""Parse lines of ``stats`` into rows of sums: the kernel adds the records up as it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.folding import FoldedChunk, Times, joined
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.engine.parsed import Rejects
from mailtally_kernel import StatsFolder
from mailtally_shared.rows import Rows, fold

if TYPE_CHECKING:
    from mailtally_shared.columns import Array


class Folder:
    """Folds chunk after chunk into the same rows; see :class:`engine.folding.Folder`."""

    def __init__(self, step: int) -> None:
        self._step: Final = step
        self._folder: Final = StatsFolder(normalised, step_seconds=step)
        #: Rows whose sums are as large as sums can be.
        self._parts: list[Rows] = []

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
        rows = fold(rows) if len(self._parts) > 1 else rows
        self._parts = []
        return rows

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
    sums, named = folder.take()
    return Rows(
        step=step,
        **sums,
        hosts=named.hosts.texts(),
        statuses=named.statuses.texts(),
        domains=named.domains.texts(),
    )
