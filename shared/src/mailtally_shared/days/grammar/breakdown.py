"""The breakdown of a day, ``dd.mm.YYYY.qml.csv`` (CSV of RFC 4180)."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.days.day_rows import DayRows
from mailtally_shared.days.grammar.text_columns import (
    BadLine,
    Text,
    decimals,
    padded,
    parsed,
    pieces,
)
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import DIMENSIONS, KEY, KIND, SERVICE, Kind, Service, Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.columns import Array

HEADER = Sums._fields

#: Characters that RFC 4180 requires quotes around.
_SPECIAL = (b",", b'"', b"\r", b"\n")
_LONGEST = [dimension.longest for dimension in DIMENSIONS.values()]
_SERVICES = frozenset(service.label for service in Service)
#: Separates the fields of a line whose quotes were removed; no name contains it.
_BETWEEN = "\x1f"
_HEADER = f"{_BETWEEN.join(HEADER)}\r\n".encode()


def render(rows: DayRows) -> Iterator[Array]:
    """Yield the file's text in padded pieces, which ``bare`` turns into bytes."""
    yield np.frombuffer(_csv(HEADER) + b"\r\n", np.uint8)
    kinds = np.array([b",%b," % _csv(kind) for kind in rows.kinds], "S")
    for piece in rows.pieces():
        yield _lines(piece, kinds)


def _lines(rows: DayRows, kinds: Array) -> Array:
    domain = rows.domain
    text = domain.tobytes()
    # Fast searches: a regular expression would examine each byte in turn.
    if any(one in text for one in _SPECIAL):
        domain = np.array([_csv([name.decode("ascii")]) for name in domain.tolist()], "S")
    messages, size = decimals(rows.messages), decimals(rows.bytes)
    # Nearly all mail takes one attempt.
    once = np.array_equal(rows.bytes, rows.transferred)
    transferred = size if once else decimals(rows.transferred)
    return padded([domain, kinds[rows.kind], messages, b",", size, b",", transferred, b"\r\n"])


def _csv(fields: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(fields)
    return text.getvalue().removesuffix("\r\n").encode("ascii")


def read(file: IO[bytes], path: str) -> Iterator[DayRows]:
    """Yield the rows of a breakdown in pieces, strictly ascending by key.

    Args:
        file: the file, not read yet.
        path: its name, for errors.

    Raises:
        BadFile: the file is not what ``render`` writes; reasons ``bad-line``, ``unsorted``.
    """
    header = b""
    with suppress(BadLine):
        header = _unquoted(file.readline(len(_HEADER) + 2 * len(HEADER)))
    if header != _HEADER:
        raise BadFile("bad-line", path, f"expected the header {','.join(HEADER)}", 1)
    yield from parsed(pieces(file), path, _parse, 2)


def _parse(piece: bytes, before: DayRows | None) -> DayRows:
    """Return the rows of whole lines; raise ``BadLine`` if they do not follow those ``before``."""
    try:
        rows = _rows(piece)
    except OverflowError:
        raise BadLine("a count exceeds 2^63-1") from None
    if (before and before.key(-1) >= rows.key(0)) or not rows.ascends():
        raise BadLine("keys must ascend without repeats", "unsorted")
    return rows


def _rows(piece: bytes) -> DayRows:
    with suppress(BadLine):
        if b'"' not in piece:
            return _columns(piece, ",")
    return _columns(_unquoted(piece), _BETWEEN)


def _columns(piece: bytes, mark: str) -> DayRows:
    text = Text(piece)
    begin, end = text.fields(mark.encode(), len(HEADER), b"\r\n")
    kinds, kind = _kinds(text.names(begin[1], end[len(KIND)]).tolist(), mark)
    counts = map(text.counts, begin[len(KEY) :], end[len(KEY) :])
    return DayRows(kinds, text.names(begin[0], end[0], _LONGEST[0]), kind, *counts)


def _unquoted(piece: bytes) -> bytes:
    """Return lines without quotes around fields, which another character separates then."""
    if _BETWEEN.encode() in piece:
        raise BadLine("a name is invalid")
    try:
        rows = list(csv.reader((line.decode("latin-1") for line in io.BytesIO(piece)), strict=True))
    except csv.Error as error:
        raise BadLine(f"not CSV: {error}") from None
    return "".join(f"{_BETWEEN.join(row)}\r\n" for row in rows).encode("latin-1")


def _kinds(cells: list[bytes], mark: str) -> tuple[tuple[Kind, ...], Array]:
    """Return the distinct kinds, ascending, and each row's index among them."""
    number = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    found = [tuple(cell.decode("ascii").split(mark)) for cell in number]
    for kind in found:
        if not all(map(_fits, kind, _LONGEST[1:])) or kind[SERVICE] not in _SERVICES:
            raise BadLine("a name is invalid or the service is unknown")
    kinds = tuple(sorted(found))
    place = {kind: at for at, kind in enumerate(kinds)}
    rank = np.array([place[kind] for kind in found], np.int32)
    return kinds, rank[np.fromiter(map(number.__getitem__, cells), np.int64, len(cells))]


def _fits(name: str, longest: int) -> bool:
    return 0 < len(name) <= longest
