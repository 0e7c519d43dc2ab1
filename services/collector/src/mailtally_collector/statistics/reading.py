"""Read some logs to their end, and count on all cores: this thread reads and adds up, others parse.

The parser holds no interpreter lock, so threads are enough. Parts are added in the order of the
logs, whichever was ready first, so the same logs always give the same figures.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.part import Part, part_of
from mailtally_collector.statistics.source import Buffers, Stream, open_raw
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from typing import Self

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.part import Wanted
    from mailtally_collector.statistics.piece import BadLine, Piece

#: Pieces under way for each thread.
_DEPTH: Final = 2
_STATS: Final = "stats"
#: Bytes of a line that tell its format.
_FIRST_BYTES: Final = 4096
#: Parameters of glibc's ``mallopt``, and their values; it takes no larger threshold for mmap.
_MALLOC: Final = {-3: 32 * 2**20, -1: 2**30, -8: 1}  # mmap threshold, trim threshold, arenas


def read_whole(
    paths: Iterable[str],
    figures: Figures,
    wanted: Wanted,
    *,
    tell: Callable[[int], None],
    warn: Callable[[str], None],
) -> None:
    """Add all that is in some logs to the figures.

    Args:
        paths: files, or ``-`` for standard input.
        figures: to add to.
        wanted: what is to be found out.
        tell: hears how many bytes of the files are read.
        warn: hears a sentence for each file that cannot be read, or not to its end.
    """
    buffers = Buffers()
    done = 0
    with Counting(figures, wanted, buffers) as counting:
        for path in paths:
            try:
                stream = Stream(path, open_raw(path))
            except OSError as error:
                warn(f"{path} cannot be read: {error.strerror}.")
                continue
            try:
                counting.count(of_stats(_reported(stream, buffers, tell, done)))
                counting.finish()
                done += stream.position()
                _end(stream, figures, warn)
            except Refused as error:
                warn(str(error))
            stream.close()


def add_unfinished(figures: Figures, line: BadLine | None) -> None:
    """Count the last line of a log that has ended, if it never got its line feed."""
    if line is not None:
        part = Part(lines=1, records=0)
        part.add_malformed([line])
        figures.add(part)


def of_stats(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the same pieces; check by its beginning that a log is not of another format.

    Another format's lines would all seem malformed.

    Raises:
        Refused: it is.
    """
    for piece in pieces:
        other = _other_format(piece.data) if piece.offset == 0 else None
        if other is not None:
            raise Refused(
                f"{piece.path} has the format {other}, of which this command shows nothing: it "
                "reads the format stats. 'mailtally analyze' counts all formats."
            )
        yield piece


def _other_format(lines: memoryview) -> str | None:
    first = bytes(lines[:_FIRST_BYTES]).partition(b"\n")[0]
    if b"|" in first:
        return None  # as in each line of stats
    # Not above: the other formats' code takes long to load, and is not wanted with stats.
    from mailtally_collector.formats.engine.log_format import Setting  # noqa: PLC0415 - see above
    from mailtally_collector.formats.registry import made, recognised  # noqa: PLC0415 - see above

    found = recognised(lines, made(Setting()))
    return None if found == _STATS else found


def _reported(
    stream: Stream, buffers: Buffers, tell: Callable[[int], None], before: int
) -> Iterator[Piece]:
    for piece in stream.pieces(buffers):
        tell(before + stream.position())
        yield piece


def _end(stream: Stream, figures: Figures, warn: Callable[[str], None]) -> None:
    if stream.damage is None:
        add_unfinished(figures, stream.unfinished())
    else:
        warn(f"{stream.path} cannot be read to its end: {stream.damage}.")


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

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def keep_memory() -> None:
    """Keep the memory that a piece needed for the next, and have no collection look at modules.

    Otherwise glibc hands it back to the kernel, which hands it out again page by page, cleared: a
    quarter of the processor time (docs/explanation/performance.md). Elsewhere nothing changes.
    """
    gc.freeze()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            for parameter, value in _MALLOC.items():
                mallopt(parameter, value)
