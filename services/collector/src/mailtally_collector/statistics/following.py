"""Read some logs as they grow, as ``tail -F`` does.

A file is what its inode says: a log that is renamed is read to its end under its new name, and a
new file under the old name from its beginning. One that shrank was emptied and begins anew. This
is for looking, not for billing: what is copied and then emptied (copytruncate) counts twice
where the copy is named, too.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from mailtally_collector.statistics.naming import NothingMatchesError, files_named
from mailtally_collector.statistics.opening import STANDARD_INPUT, open_raw
from mailtally_collector.statistics.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailtally_collector.statistics.buffers import Buffers
    from mailtally_collector.statistics.piece import BadLine, Piece


#: Files that match no more and are read still, as their writers may not have let go of them.
_MOST_RENAMED: Final = 8


class Source(Protocol):
    """Something that grows."""

    has_ended: bool

    def names(self) -> tuple[str, ...]:
        """What is read, for people."""

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """What has come since the last time."""

    def wait(self, seconds: float) -> None:
        """Wait for more, at most so long."""

    def unfinished(self) -> BadLine | None:
        """What is left when it has ended: a line without its end."""


class GrowingFiles:
    """The files of some paths and globs; those that match later are read, too."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.has_ended = False
        self._patterns = patterns
        self._open: dict[tuple[int, int], _Growing] = {}

    def names(self) -> tuple[str, ...]:
        """The files that are there."""
        return tuple(growing.stream.path for growing in self._open.values())

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """What has come since the last time, of one file after the other."""
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
        """The inodes that match now; new ones are opened."""
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
        """It has no name any more, and was read to its end."""
        return os.fstat(self.descriptor).st_nlink == 0


class GrowingInput:
    """Standard input, as far as it has come."""

    def __init__(self) -> None:
        self._raw = open_raw(STANDARD_INPUT)
        self._stream = Stream(STANDARD_INPUT, self._raw, self._is_ready)
        self.has_ended = False

    def names(self) -> tuple[str, ...]:
        """Standard input."""
        return (STANDARD_INPUT,)

    def pieces(self, buffers: Buffers) -> Iterator[Piece]:
        """What has come since the last time."""
        yield from self._stream.pieces(buffers)
        self.has_ended = self._stream.at_end or self._stream.damage is not None

    def wait(self, seconds: float) -> None:
        """Wait until there is more, at most so long."""
        select.select([self._raw], [], [], seconds)

    def unfinished(self) -> BadLine | None:
        """The last line, where it has no line feed."""
        return self._stream.unfinished()

    def _is_ready(self) -> bool:
        return bool(select.select([self._raw], [], [], 0)[0])
