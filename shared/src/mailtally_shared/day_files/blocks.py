"""The rows of day files some hundreds at a time, in values that a database takes."""

from __future__ import annotations

from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from mailtally_shared.batches import batches
from mailtally_shared.day_files import breakdown, qml
from mailtally_shared.day_files.plain_lines import plain_qml, plain_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Block = list[tuple[Any, ...]]

# Bytes: some hundred lines. With more of their objects alive at a time the garbage
# collector looks through them again and again, and a load takes a third longer.
_PIECE = 1 << 15
_ROWS_A_BLOCK = 1024
_HEADER = ",".join(breakdown.HEADER).encode() + b"\r\n"


def qml_blocks(file: IO[bytes], path: str) -> Iterator[Block]:
    """What ``qml.parse`` gives, in blocks; a count may be in decimal digits.

    Raises:
        BadFile: as ``qml.parse``.
    """
    done, last = 0, ""
    for piece in pieces(file):
        block = plain_qml(piece, last)
        if block is None:
            yield from _again(qml.parse(_from_the_start(file), path), done)
            return
        yield list(block)
        done, last = done + len(block), block[-1][0]


def breakdown_blocks(file: IO[bytes], path: str) -> Iterator[Block]:
    """What ``breakdown.parse`` gives, in blocks; a count may be in decimal digits.

    Raises:
        BadFile: as ``breakdown.parse``.
    """
    done = 0
    last: tuple[str, ...] = ()
    if not has_plain_header(file):
        yield from _again(breakdown.parse(_from_the_start(file), path), done)
        return
    for piece in pieces(file):
        block = plain_sums(piece, last)
        if block is None:
            yield from _again(breakdown.parse(_from_the_start(file), path), done)
            return
        yield list(block)
        done, last = done + len(block), block[-1]


def has_plain_header(file: IO[bytes]) -> bool:
    """Whether a breakdown's first line, which is read, is as the day writer writes it."""
    return file.readline(len(_HEADER)) == _HEADER


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file in pieces of whole lines; the last may lack its end."""
    while piece := file.read(_PIECE):
        yield piece if piece.endswith(b"\n") else piece + file.readline(_PIECE)


def _from_the_start(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _again(rows: Iterable[tuple[Any, ...]], done: int) -> Iterator[Block]:
    """Read row by row what is left after ``done`` rows."""
    return batches(islice(rows, done, None), _ROWS_A_BLOCK)
