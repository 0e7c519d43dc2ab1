"""Count pieces on all cores: this thread reads and adds up, others parse.

The parser holds no interpreter lock, so threads are enough. Parts are added in the order of the
logs, whichever was ready first, so the same logs always give the same figures.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.part import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from mailtally_collector.statistics.buffers import Buffers
    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.part import Part, Wanted
    from mailtally_collector.statistics.piece import Piece

#: Pieces under way for each thread.
_DEPTH: Final = 2


class Counting:
    """Adds pieces to figures. Use it as a context manager, from one thread."""

    def __init__(self, figures: Figures, wanted: Wanted, buffers: Buffers) -> None:
        self._figures = figures
        self._wanted = wanted
        self._buffers = buffers
        threads = os.cpu_count() or 1
        self._most = threads * _DEPTH
        self._pool = ThreadPoolExecutor(threads)
        self._pending: deque[tuple[Piece, Future[Part]]] = deque()

    def count(self, pieces: Iterable[Piece]) -> None:
        """Have these counted; the last of them may be under way still."""
        for piece in pieces:
            self._pending.append((piece, self._pool.submit(part_of, piece, self._wanted)))
            if len(self._pending) >= self._most:
                self._add_next()

    def finish(self) -> None:
        """Wait until all that was handed in is in the figures."""
        while self._pending:
            self._add_next()

    def _add_next(self) -> None:
        piece, future = self._pending.popleft()
        self._figures.add(future.result())
        self._buffers.give(piece.buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
