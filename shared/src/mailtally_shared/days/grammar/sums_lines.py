"""Lines of sums, as CSV of RFC 4180: a domain, some names that many lines share, three counts.

The breakdown and the file of hours are such files; each says which names there are.
"""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import numpy as np

from mailtally_shared.days.grammar.text_columns import (
    BadLine,
    Text,
    decimals,
    padded,
    parsed,
    pieces,
)
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import DIMENSIONS, MEASURES, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mailtally_shared.columns import Array

#: Characters that RFC 4180 requires quotes around.
_SPECIAL = (b",", b'"', b"\r", b"\n")
_LONGEST = DIMENSIONS["domain"].longest
#: Separates the fields of a line whose quotes were removed; no name contains it.
_BETWEEN = "\x1f"


class Counts(Protocol):
    """Rows with a domain and three counts each."""

    @property
    def domain(self) -> Array:
        """The domains: bytes of a fixed width, padded with NUL."""

    @property
    def messages(self) -> Array:
        """The messages: int64."""

    @property
    def bytes(self) -> Array:
        """The bytes as logged: int64."""

    @property
    def transferred(self) -> Array:
        """The bytes times attempts: int64."""


class Sorted(Protocol):
    """Rows whose order can be checked."""

    def key(self, place: int) -> tuple[object, ...]:
        """Return the key of one row."""
        ...

    def ascends(self) -> bool:
        """Return whether the keys ascend, each of them once."""
        ...


Rows = TypeVar("Rows", bound=Sorted)


def header_line(header: Sequence[str]) -> Array:
    """Return the first line of a file."""
    return np.frombuffer(csv_fields(header) + b"\r\n", np.uint8)


def lines(rows: Counts, shared: Array) -> Array:
    """Return the padded text of some rows.

    Args:
        rows: the domains and counts.
        shared: the names between them, from ``shared_names``; of shape ``(n,)``.
    """
    domain = rows.domain
    text = domain.tobytes()
    # Fast searches: a regular expression would examine each byte in turn.
    if any(one in text for one in _SPECIAL):
        domain = np.array([csv_fields([name.decode("ascii")]) for name in domain.tolist()], "S")
    messages, size = decimals(rows.messages), decimals(rows.bytes)
    # Nearly all mail takes one attempt.
    once = np.array_equal(rows.bytes, rows.transferred)
    transferred = size if once else decimals(rows.transferred)
    return padded([domain, shared, messages, b",", size, b",", transferred, b"\r\n"])


def shared_names(kinds: Iterable[Kind]) -> Array:
    """Return the text of each distinct combination of names that lines share."""
    return np.array([b",%b," % csv_fields(kind) for kind in kinds], "S")


def csv_fields(fields: Iterable[str]) -> bytes:
    """Return the text of some fields."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n").encode("ascii")


class Cells(NamedTuple):
    """The fields of some lines; every column has shape ``(n,)``."""

    domain: Array
    kinds: list[Kind]  # the distinct combinations of the names that lines share
    kind: Array  # int64, index into kinds
    counts: list[Array]  # int64, messages, bytes and transferred


def read(
    file: IO[bytes], path: str, header: Sequence[str], rows_of: Callable[[Cells], Rows]
) -> Iterator[Rows]:
    """Yield the rows of a file in pieces, strictly ascending by key.

    Args:
        file: the file, not read yet.
        path: its name, for errors.
        header: the names of its columns.
        rows_of: makes rows of cells; raises ``BadLine`` where their names are not valid.

    Raises:
        BadFile: the file is not of that kind; reasons ``bad-line``, ``unsorted``.
    """
    first, wanted = b"", f"{_BETWEEN.join(header)}\r\n".encode()
    with suppress(BadLine):
        first = _unquoted(file.readline(len(wanted) + 2 * len(header)))
    if first != wanted:
        raise BadFile("bad-line", path, f"expected the header {','.join(header)}", 1)
    yield from parsed(pieces(file), path, partial(_parse, len(header), rows_of), 2)


def _parse(width: int, rows_of: Callable[[Cells], Rows], piece: bytes, before: Rows | None) -> Rows:
    """Return the rows of whole lines; raise ``BadLine`` if they do not follow those ``before``."""
    try:
        rows = _rows(width, rows_of, piece)
    except OverflowError:
        raise BadLine("a count exceeds 2^63-1") from None
    if (before and before.key(-1) >= rows.key(0)) or not rows.ascends():
        raise BadLine("keys must ascend without repeats", "unsorted")
    return rows


def _rows(width: int, rows_of: Callable[[Cells], Rows], piece: bytes) -> Rows:
    with suppress(BadLine):
        if b'"' not in piece:
            return rows_of(_cells(width, piece, ","))
    return rows_of(_cells(width, _unquoted(piece), _BETWEEN))


def _cells(width: int, piece: bytes, mark: str) -> Cells:
    text = Text(piece)
    begin, end = text.fields(mark.encode(), width, b"\r\n")
    first_count = width - len(MEASURES)
    cells = text.names(begin[1], end[first_count - 1]).tolist()
    number = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    kinds = [tuple(cell.decode("ascii").split(mark)) for cell in number]
    kind = np.fromiter(map(number.__getitem__, cells), np.int64, len(cells))
    counts = map(text.counts, begin[first_count:], end[first_count:])
    return Cells(text.names(begin[0], end[0], _LONGEST), kinds, kind, list(counts))


def _unquoted(piece: bytes) -> bytes:
    """Return lines without quotes around fields, which another character separates then."""
    if _BETWEEN.encode() in piece:
        raise BadLine("a name is invalid")
    try:
        rows = list(csv.reader((line.decode("latin-1") for line in io.BytesIO(piece)), strict=True))
    except csv.Error as error:
        raise BadLine(f"not CSV: {error}") from None
    return "".join(f"{_BETWEEN.join(row)}\r\n" for row in rows).encode("latin-1")
