"""The day file of the billing side, ``dd.mm.YYYY.qml.txt``, in kilobytes."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import chain, islice
from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.days.charged_rows import ChargedRows
from mailtally_shared.days.grammar.text_columns import (
    BadLine,
    Text,
    decimals,
    padded,
    parsed,
    pieces,
)
from mailtally_shared.errors import BadFile
from mailtally_shared.schema import DIMENSIONS, MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.columns import Array


#: Decimals of a kilobyte that make every byte exact, and the value of one byte in the last of them.
DECIMALS = 10
LAST_DECIMAL = 9_765_625

#: The shortest exact fraction of a kilobyte, by the number of bytes beyond a whole one.
_FRACTIONS = np.array(
    ["", *(f".{each * LAST_DECIMAL:0{DECIMALS}d}".rstrip("0") for each in range(1, 1024))], "S"
)

#: Longest number that is accepted: 19 digits hold 2^63 - 1, and no known writer
#: prints more than 40 decimals.
_NUMBER = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,40})?")


def kilobytes(count: int) -> str:
    """Return bytes (>= 0) as the shortest exact decimal: 69 is ``0.0673828125``."""
    return f"{count >> 10}{_FRACTIONS[count & 1023].decode('ascii')}"


def bytes_of(text: str) -> int:
    """Convert a number of kilobytes to bytes.

    Files of other origin may be rounded: a number that is no whole number of bytes goes
    to the nearest one, a half to the even one.

    Raises:
        ValueError: ``text`` is not a plain decimal number of acceptable length.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a plain decimal number")
    return round(Fraction(text) * 1024)


#: The description of the format; some files of other origin begin with it.
HEADER = "|name|xFer(kB)|Hits_All|Hits_HTML|"

_FIRST_HEADER = re.compile(rb"\A((?:\s*\n)?)" + re.escape(HEADER.encode()) + rb"(?=\r?(?:\n|\Z))")
_FIELDS = HEADER.count("|") + 1
_MAX_NAME = DIMENSIONS["domain"].longest
_UPPER, _LETTERS = ord("A"), 26
_BLANK, _POINT = ord(" "), ord(".")


def render(rows: Iterable[ChargedRows]) -> Iterator[Array]:
    """Return the file's text in padded pieces, which ``bare`` turns into bytes."""
    return map(_lines, rows)


def _lines(rows: ChargedRows) -> Array:
    kilobyte = [decimals(rows.bytes >> 10), _FRACTIONS[rows.bytes & 1023]]
    cells: list[Array | bytes] = [b"|", rows.name, b"|", *kilobyte]
    for column in (rows.hits_all, rows.hits_html):
        cells += [b"|", decimals(column)]
    return padded([*cells, b"|\n"])


def read(file: IO[bytes], path: str) -> Iterator[ChargedRows]:
    """Yield the rows of a qml file, of mailtally or of other origin, in the order of the file.

    Any number of decimals, CRLF, blank lines and the header as first line are
    accepted. Names are lower-cased. A name that appears twice may be found after the last row.

    Args:
        file: the file, not read yet; it can seek.
        path: its name, for errors.

    Raises:
        BadFile: anything else; reasons ``bad-line``, ``too-large``, ``duplicate-name``.
    """
    last, is_sorted = b"", True
    texts = pieces(file)
    begin = (_FIRST_HEADER.sub(rb"\1", piece, count=1) for piece in islice(texts, 1))
    try:
        for rows in parsed(chain(begin, texts), path, _parse):
            if rows:
                names, last = np.append(last, rows.name), rows.name[-1]
                is_sorted = is_sorted and bool((names[1:] > names[:-1]).all())
                yield rows
    except BadFile as error:
        if not is_sorted:
            _check_distinct(islice(_again(file), (error.line or 1) - 1), path)
        raise
    if not is_sorted:
        _check_distinct(_again(file), path)


def _again(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _check_distinct(lines: Iterable[bytes], path: str) -> None:
    seen: set[bytes] = set()
    for number, line in enumerate(lines, 1):
        if line.isspace() or line.startswith(HEADER.encode()):
            continue
        name = line.lower().split(b"|", 2)[1]
        if name in seen:
            raise BadFile("duplicate-name", path, f"{name.decode()} appears twice", number)
        seen.add(name)


def _parse(piece: bytes, _before: ChargedRows | None) -> ChargedRows:
    """Return the rows of whole lines; raise ``BadLine`` where they are not such."""
    try:
        try:
            return _rows(piece)
        except BadLine:
            usual = _usual(piece)
            if usual == piece:
                raise
        return _rows(usual) if usual else ChargedRows.of([])
    except OverflowError:
        raise BadLine("a number exceeds 2^63-1", "too-large") from None
    except ValueError:
        raise BadLine(f"expected {HEADER} with plain decimal numbers") from None


def _usual(piece: bytes) -> bytes:
    """Return lines of other origin as the day writer spells them, but for the numbers."""
    lines = (line.removesuffix(b"\r") for line in piece.lower().split(b"\n"))
    return b"".join(line + b"\n" for line in lines if line and not line.isspace())


def _rows(piece: bytes) -> ChargedRows:
    text = Text(piece)
    begin, end = text.fields(b"|", _FIELDS)
    bare_ends = (begin[0] == end[0]).all() and (begin[-1] == end[-1]).all()
    names = text.names(begin[1], end[1], _MAX_NAME)
    blanks = (text.bytes[begin[1]] == _BLANK) | (text.bytes[end[1] - 1] == _BLANK)
    is_upper = text.bytes - np.uint8(_UPPER) < _LETTERS
    if not bare_ends or blanks.any() or is_upper.any():
        raise BadLine("not as the day writer spells it")
    hits = map(text.counts, begin[3:5], end[3:5])
    return ChargedRows(names, _sizes(text, begin[2], end[2]), *hits)


def _sizes(text: Text, begin: Array, end: Array) -> Array:
    """Convert kilobytes in decimals to bytes."""
    points = np.append(np.flatnonzero(text.bytes == _POINT), len(text.bytes))
    point = np.minimum(points[np.searchsorted(points, begin)], end)
    sizes = text.counts(begin, point)
    if sizes.max() > MAX_SUM >> 10:
        raise OverflowError
    sizes <<= 10
    rows = np.flatnonzero(point < end)
    if not len(rows):
        return sizes
    places = (end - point)[rows] - 1
    if places.max() <= DECIMALS:
        bytes_, rest = np.divmod(
            text.counts(point[rows] + 1, end[rows]) * 10 ** (DECIMALS - places), LAST_DECIMAL
        )
        if not rest.any():
            sizes[rows] += bytes_
            return sizes
    return np.array(list(map(bytes_of, text.texts(begin, end))), np.int64)
