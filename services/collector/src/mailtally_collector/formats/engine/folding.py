"""A chunk's records, folded into rows of sums as they travel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mailtally_shared.rows import UNFOLDED, Rows, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_collector.formats.engine.parsed import Parsed, ProgramLines, Rejects

#: The times of the earliest and the latest of some records, in Unix seconds; ``None`` without any.
Times = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class FoldedChunk:
    """The lines of a chunk: ``lines == records + len(rejects)``, always.

    The fields are those of ``Parsed``, but for the records: ``rows`` has the sums of those that no
    folder holds, ``records`` the number of all, ``times`` their earliest and latest time.
    """

    rows: Rows
    records: int
    times: Times
    rejects: Rejects
    lines: int
    passed: int = 0
    nuls: int = 0
    forgotten: Mapping[str, int] = field(default_factory=dict)
    programs: Mapping[str, ProgramLines] = field(default_factory=dict)


class Folder(Protocol):
    """Folds chunk after chunk, of any logs of a format, into the same rows."""

    def __len__(self) -> int:
        """Return the number of rows that it holds."""
        ...

    def fold(self, chunk: bytes | bytearray | memoryview) -> FoldedChunk:
        """Parse whole lines, as ``Format.parse``, and keep the sums: the result has no rows."""
        ...

    def take(self) -> Rows:
        """Return the rows, and begin again."""
        ...


@runtime_checkable
class Folding(Protocol):
    """A stateless format that folds while it parses."""

    def folder(self, step: int) -> Folder:
        """Return a new folder, for a step in seconds."""
        ...


def folded(parsed: Parsed, step: int) -> FoldedChunk:
    """Return a parsed chunk with its records folded, or one by one if ``step`` is ``UNFOLDED``."""
    columns = parsed.columns
    rows = Rows.of(columns, step)
    is_any = len(columns) > 0
    return FoldedChunk(
        rows=rows if step == UNFOLDED else fold(rows),
        records=len(columns),
        times=(int(columns.time.min()), int(columns.time.max())) if is_any else None,
        rejects=parsed.rejects,
        lines=parsed.lines,
        passed=parsed.passed,
        nuls=parsed.nuls,
        forgotten=parsed.forgotten,
        programs=parsed.programs,
    )


def joined(one: Times, other: Times) -> Times:
    """Return the earliest and the latest time of both."""
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
