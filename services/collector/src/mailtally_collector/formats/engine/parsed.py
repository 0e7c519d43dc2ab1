"""The result of parsing a chunk, and the protocol of a parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mailtally_collector.formats.engine.reasons import Reason
from mailtally_shared.columns import Array, Columns

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rejects:
    """``n`` malformed lines in the order of the chunk; every array has shape ``(n,)``.

    ``chunk[start[i]:end[i]]`` is the line as read, without its line feed.
    """

    start: Array  # int64, byte offset into the chunk
    end: Array  # int64, byte offset into the chunk, exclusive
    reason: Array  # uint8, values of Reason

    def __len__(self) -> int:
        return len(self.start)

    def labels(self) -> list[str]:
        """Return the label of each line's reason, e.g. ``bad-bytes``."""
        return [Reason(reason).label for reason in self.reason.tolist()]


@dataclass(frozen=True, slots=True)
class ProgramLines:
    """Lines of one program: those that ended records, those passed, and malformed ones."""

    counted: int = 0
    passed: int = 0
    malformed: int = 0

    def __add__(self, other: ProgramLines) -> ProgramLines:
        return ProgramLines(
            self.counted + other.counted,
            self.passed + other.passed,
            self.malformed + other.malformed,
        )

    @property
    def described(self) -> str:
        """The counts in words."""
        return f"counted {self.counted}, passed {self.passed}, malformed {self.malformed}"

    def __bool__(self) -> bool:
        return bool(self.counted or self.passed or self.malformed)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The lines of a chunk, parsed: ``lines == len(columns) + len(rejects)``, always.

    Attributes:
        columns: the records.
        rejects: the malformed lines.
        lines: the number of both. Where a record takes several lines, the one that completes it
            counts.
        passed: further lines, which are neither.
        nuls: bytes skipped before lines: a hole in the file reads as NUL bytes.
        forgotten: messages dropped from the state, by reason; not counted in lines.
        programs: the lines of each program, where a log has several.
    """

    columns: Columns
    rejects: Rejects
    lines: int
    passed: int = 0
    nuls: int = 0
    forgotten: Mapping[str, int] = field(default_factory=dict)
    programs: Mapping[str, ProgramLines] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> Parsed:
        """Return the result of parsing no lines."""
        none = np.empty(0, np.int64)
        return cls(Columns.empty(), Rejects(none, none, none.astype(np.uint8)), 0)


class Parser(Protocol):
    """A parser turns whole lines, whatever their content, into columns."""

    def parse(self, chunk: bytes | bytearray | memoryview) -> Parsed:
        r"""Parse whole lines.

        Args:
            chunk: Bytes that end with ``\n``, or none at all.

        Raises:
            ValueError: The last line has no ``\n``.
        """
        ...
