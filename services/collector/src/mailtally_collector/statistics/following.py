"""Read some logs as they grow, as ``tail -F`` does, and show their figures again and again.

A file is what its inode says: a log that is renamed is read to its end under its new name, and a
new file under the old name from its beginning. One that shrank was emptied and is read from its
beginning. This is for display, not for billing: what is copied and then emptied (copytruncate)
counts twice if the copy is named, too.
"""

from __future__ import annotations

import json
import os
import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from mailtally_collector.statistics.documents import document
from mailtally_collector.statistics.naming import NothingMatchesError, files_named
from mailtally_collector.statistics.page import table
from mailtally_collector.statistics.reading import Counting, add_unfinished, of_stats
from mailtally_collector.statistics.source import STANDARD_INPUT, Buffers, Stream, open_raw
from mailtally_collector.statistics.terminal import look_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mailtally_collector.statistics.figures import Figures
    from mailtally_collector.statistics.part import Wanted
    from mailtally_collector.statistics.piece import BadLine, Piece
    from mailtally_collector.statistics.summary import Summary

#: Files that match no more and are read still, as their writers may not have let go of them.
_MOST_RENAMED: Final = 8
#: Seconds between two pictures, and between two looks at files that do not grow.
PERIOD: Final = 0.5
_CLEAR, _HOME, _TO_LINE_END, _TO_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"


def follow(
    source: GrowingFiles | GrowingInput, figures: Figures, wanted: Wanted, show: Callable[[], None]
) -> None:
    """Count what comes until the source ends; ``show`` is called when there is something new.

    Raises:
        Refused: a log is of another format.
    """
    buffers = Buffers()
    shown_at, shown = float("-inf"), -1
    with Counting(figures, wanted, buffers) as counting:

        def show_if_due() -> None:
            nonlocal shown_at, shown
            if time.monotonic() - shown_at >= PERIOD:
                counting.finish()
                if figures.lines != shown:
                    show()
                    shown = figures.lines
                shown_at = time.monotonic()

        def watched() -> Iterator[Piece]:
            for piece in of_stats(source.pieces(buffers)):
                yield piece
                show_if_due()

        while not source.has_ended:
            counting.count(watched())
            show_if_due()
            source.wait(PERIOD)
        counting.finish()
    add_unfinished(figures, source.unfinished())
    if figures.lines != shown:
        show()


class GrowingFiles:
    """The files of some paths and globs; those that match later are read, too."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.has_ended = False
        self._patterns = patterns
        self._open: dict[tuple[int, int], _Growing] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of the present files."""
        return tuple(growing.stream.path for growing in self._open.values())

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """Return what was written since the last call, one file after the other."""
        found = self._look()
        for growing in self._open.values():
            growing.begin_anew_if_emptied()
            yield from growing.stream.pieces(buffers)
        renamed = [inode for inode in self._open if inode not in found]
        surplus = renamed[: max(0, len(renamed) - _MOST_RENAMED)]
        for inode in renamed:
            if inode in surplus or self._open[inode].is_removed():
                self._open.pop(inode).stream.close()

    def wait(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(seconds)

    def unfinished(self) -> BadLine | None:
        """Nothing: files never end."""
        return None

    def _look(self) -> set[tuple[int, int]]:
        """Return the inodes that match now, and open new ones."""
        found = set()
        for path in self._paths():
            try:
                raw = open_raw(str(path))
            except OSError:
                continue  # gone since it was listed, or not for us
            seen = os.fstat(raw.fileno())
            inode = (seen.st_dev, seen.st_ino)
            found.add(inode)
            if inode in self._open:
                raw.close()
            else:
                self._open[inode] = _Growing(Stream(str(path), raw), raw.fileno())
        return found

    def _paths(self) -> list[Path]:
        paths: list[Path] = []
        for pattern in self._patterns:
            try:
                paths += files_named([pattern])
            except (NothingMatchesError, OSError):
                continue  # between two steps of a rotation there may be none
        return paths


@dataclass(slots=True)
class _Growing:
    stream: Stream
    descriptor: int

    def begin_anew_if_emptied(self) -> None:
        if os.fstat(self.descriptor).st_size < self.stream.position():
            self.stream.rewind()

    def is_removed(self) -> bool:
        """Return whether it no longer has a name and was read to its end."""
        return os.fstat(self.descriptor).st_nlink == 0


class GrowingInput:
    """Standard input, as far as it has come."""

    def __init__(self) -> None:
        self._raw = open_raw(STANDARD_INPUT)
        self._stream = Stream(STANDARD_INPUT, self._raw, self._is_ready)
        self.has_ended = False

    def names(self) -> tuple[str, ...]:
        """Return the name of standard input."""
        return (STANDARD_INPUT,)

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """Return what was written since the last call."""
        yield from self._stream.pieces(buffers)
        self.has_ended = self._stream.at_end or self._stream.damage is not None

    def wait(self, seconds: float) -> None:
        """Wait until there is more, at most so long."""
        select.select([self._raw], [], [], seconds)

    def unfinished(self) -> BadLine | None:
        """Return the last line if it has no line feed."""
        return self._stream.unfinished()

    def _is_ready(self) -> bool:
        return bool(select.select([self._raw], [], [], 0)[0])


class Screen:
    """Shows a summary in the place of the one before; where there is no terminal, below it."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], *, as_json: bool) -> None:
        self._stream = stream
        self._environment = environment
        self._as_json = as_json
        self._is_terminal = stream.isatty() and not as_json
        self._is_first = True

    def show(self, summary: Summary) -> None:
        """Show this one."""
        if self._as_json:
            self._stream.write(json.dumps(document(summary)) + "\n")
        elif self._is_terminal:
            self._draw(summary)
        else:
            self._print(summary)
        self._stream.flush()
        self._is_first = False

    def end(self, summary: Summary) -> None:
        """Leave the last one whole on the terminal."""
        if self._is_terminal:
            self._stream.write(_CLEAR + _HOME)
            self._print(summary)
            self._stream.flush()

    def _draw(self, summary: Summary) -> None:
        look = look_of(self._stream, self._environment)
        height = os.get_terminal_size(self._stream.fileno()).lines
        lines = list(table(summary, look))
        if len(lines) >= height:
            rest = look.dim(f"{look.ellipsis} {len(lines) - height + 2} lines more")
            lines = [*lines[: height - 2], rest]
        drawn = "".join(f"{line}{_TO_LINE_END}\n" for line in lines)
        clear = _CLEAR if self._is_first else ""
        self._stream.write(f"{clear}{_HOME}{drawn}{_TO_END}")

    def _print(self, summary: Summary) -> None:
        look = look_of(self._stream, self._environment)
        between = "" if self._is_first or self._is_terminal else "\n"
        self._stream.write(between + "".join(f"{line}\n" for line in table(summary, look)))
