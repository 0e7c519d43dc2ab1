"""The rows of day files some thousands at a time, in values that a database takes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from mailtally_shared.batches import batches
from mailtally_shared.day_files import breakdown, qml
from mailtally_shared.day_files.plain_lines import key, plain_charged, plain_sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailtally_shared.columns import Array
    from mailtally_shared.day_files.charged_rows import ChargedRows
    from mailtally_shared.day_files.day_rows import DayRows

# Bytes: some thousand lines, whose columns stay in the processor's cache.
_PIECE = 1 << 17
_ROWS_A_BLOCK = 1024
_HEADER = ",".join(breakdown.HEADER).encode() + b"\r\n"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows, column by column; iterating gives them row by row.

    Attributes:
        columns: in the order of the file, at least one row.
    """

    columns: tuple[Sequence[Any], ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)


def qml_blocks(file: IO[bytes], path: str) -> Iterator[Block]:
    """What ``qml.parse`` gives, in blocks.

    Raises:
        BadFile: as ``qml.parse``.
    """
    done, last = 0, ""
    for piece in pieces(file):
        rows = plain_charged(piece, last)
        if rows is None:
            yield from _again(qml.parse(_from_the_start(file), path), done)
            return
        yield _of_charged(rows)
        done, last = done + len(rows), rows.name[-1].decode("ascii")


def breakdown_blocks(file: IO[bytes], path: str) -> Iterator[Block]:
    """What ``breakdown.parse`` gives, in blocks.

    Raises:
        BadFile: as ``breakdown.parse``.
    """
    done = 0
    last: tuple[str, ...] = ()
    if not has_plain_header(file):
        yield from _again(breakdown.parse(_from_the_start(file), path), done)
        return
    for piece in pieces(file):
        rows = plain_sums(piece, last)
        if rows is None:
            yield from _again(breakdown.parse(_from_the_start(file), path), done)
            return
        yield _of_sums(rows)
        done, last = done + len(rows), key(rows, -1)


def has_plain_header(file: IO[bytes]) -> bool:
    """Whether a breakdown's first line, which is read, is as the day writer writes it."""
    return file.readline(len(_HEADER)) == _HEADER


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The rest of a file in pieces of whole lines; the last may lack its end."""
    while piece := file.read(_PIECE):
        yield piece if piece.endswith(b"\n") else piece + file.readline(_PIECE)


def _of_charged(rows: ChargedRows) -> Block:
    figures = (column.tolist() for column in (rows.bytes, rows.hits_all, rows.hits_html))
    return Block((_texts(rows.name), *figures))


def _of_sums(rows: DayRows) -> Block:
    codes = rows.kind.tolist()
    kinds = ([texts[code] for code in codes] for texts in zip(*rows.kinds, strict=True))
    figures = (column.tolist() for column in (rows.messages, rows.bytes, rows.transferred))
    return Block((_texts(rows.domain), *kinds, *figures))


def _texts(names: Array) -> list[str]:
    """Names as text; no name holds the end of a line."""
    return b"\n".join(names.tolist()).decode("ascii").split("\n")


def _from_the_start(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _again(rows: Iterable[tuple[Any, ...]], done: int) -> Iterator[Block]:
    """Read row by row what is left after ``done`` rows."""
    for batch in batches(islice(rows, done, None), _ROWS_A_BLOCK):
        yield Block(tuple(zip(*batch, strict=True)))
