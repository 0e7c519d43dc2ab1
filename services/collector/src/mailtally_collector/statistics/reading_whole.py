"""Read some logs from their beginning to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_collector.statistics.buffers import Buffers
from mailtally_collector.statistics.counting import Counting
from mailtally_collector.statistics.of_stats import of_stats
from mailtally_collector.statistics.opening import open_raw
from mailtally_collector.statistics.part import Part
from mailtally_collector.statistics.stream import Stream
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.part import Wanted
    from mailtally_collector.statistics.piece import BadLine, Piece


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
                counting.count(of_stats(_told(stream, buffers, tell, done)))
            except Refused as error:
                warn(str(error))
                stream.close()
                continue
            counting.finish()
            done += stream.position()
            _end(stream, figures, warn)


def add_unfinished(figures: Figures, line: BadLine | None) -> None:
    """Count the last line of a log that has ended, if it never got its line feed."""
    if line is not None:
        part = Part(lines=1, records=0)
        part.malformed[line.reason] = 1
        part.examples.append(line)
        figures.add(part)


def _told(
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
    stream.close()
