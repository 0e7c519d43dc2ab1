"""A stretch of a log as it is handed to a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_collector.rejects import LineReject


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines, and those that never came to the parser.

    Attributes:
        path: the file's name as it was given.
        offset: of the first line, in bytes of (decompressed) content.
        data: the lines, each with its line feed; a view of ``buffer``.
        buffer: whoever is done with the piece gives it back.
        rejects: lines that are malformed before they are parsed.
    """

    path: str
    offset: int
    data: memoryview
    buffer: bytearray
    rejects: tuple[LineReject, ...] = ()
