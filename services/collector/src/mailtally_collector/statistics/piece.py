"""A stretch of a log that is handed to a thread. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class BadLine(NamedTuple):
    """A malformed line.

    Attributes:
        path: the file it is in.
        offset: where it begins there.
        length: its bytes, without the line feed.
        reason: one lower-case token.
        kept: its bytes, or the first of them.
    """

    path: str
    offset: int
    length: int
    reason: str
    kept: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines, and those that never came to the parser.

    Attributes:
        path: the file's name as it was given.
        offset: of the first line, in bytes of (decompressed) content.
        data: the lines, each with its line feed; a view of ``buffer``.
        buffer: to be given back after the piece is processed.
        rejects: lines that are malformed before they are parsed.
    """

    path: str
    offset: int
    data: memoryview
    buffer: bytearray
    rejects: tuple[BadLine, ...] = ()
