"""What a parser makes of a chunk, and what a parser is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mailtally_collector.parse.reasons import Reason
from mailtally_shared.columns import Array, Columns

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rejects:
    """``n`` malformed lines in the order of the chunk; every array has shape ``(n,)``.

    ``chunk[start[i]:end[i]]`` is the line as it was read, without its line feed.
    """

    start: Array  # int64, byte offset into the chunk
    end: Array  # int64, byte offset into the chunk, exclusive
    reason: Array  # uint8, values of Reason

    def __len__(self) -> int:
        return len(self.start)

    def labels(self) -> list[str]:
        """The token of each line's reason, e.g. ``bad-bytes``."""
        return [Reason(reason).label for reason in self.reason.tolist()]


@dataclass(frozen=True, slots=True)
class Parsed:
    """All lines of a chunk: ``lines == len(columns) + len(rejects)``, always.

    Attributes:
        columns: the records.
        rejects: the malformed lines.
        lines: how many there are of both. Where a record takes several lines, the one that
            completes it counts.
        passed: lines beside those, which are no record themselves.
        nuls: bytes skipped in front of lines: what a hole in the file reads as.
        forgotten: what was given up waiting for, by reason; not counted by lines.
    """

    columns: Columns
    rejects: Rejects
    lines: int
    passed: int = 0
    nuls: int = 0
    forgotten: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> Parsed:
        """What comes of no lines at all."""
        none = np.empty(0, np.int64)
        return cls(Columns.empty(), Rejects(none, none, none.astype(np.uint8)), 0)


class Parser(Protocol):
    """Turns whole lines into columns, whatever is in them."""

    def parse(self, chunk: bytes | bytearray | memoryview) -> Parsed:
        r"""Parse whole lines.

        Args:
            chunk: Bytes that end with ``\n``, or none at all.

        Raises:
            ValueError: The last line has no ``\n``.
        """
        ...
