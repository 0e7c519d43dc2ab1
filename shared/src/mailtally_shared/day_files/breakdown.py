"""The breakdown of a day, ``dd.mm.YYYY.qml.csv`` (RULES section 5, RFC 4180)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import MAX_SUM, Array, Service
from mailtally_shared.day_files.day_rows import DayRows
from mailtally_shared.day_files.rows import MAX_DOMAIN, MAX_HOST, MAX_STATUS, Sums
from mailtally_shared.day_files.text_columns import bare, decimals, padded
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterable, Iterator

HEADER = Sums._fields

#: What RFC 4180 wants quotes around.
_SPECIAL = (b",", b'"', b"\r", b"\n")
_MAX_DIGITS = 19
_SERVICES = frozenset(service.label for service in Service)


def render(rows: Iterable[Sums]) -> Iterator[bytes]:
    """The file's bytes in chunks of some 300 kB, the header as the first."""
    return map(bare, render_padded(DayRows.of(rows)))


def render_padded(rows: DayRows) -> Iterator[Array]:
    """The same as texts that ``bare`` makes bytes of."""
    yield np.frombuffer(_csv(HEADER) + b"\r\n", np.uint8)
    kinds = np.array([b",%b," % _csv(kind) for kind in rows.kinds], "S")
    for piece in rows.pieces():
        yield _lines(piece, kinds)


def _lines(rows: DayRows, kinds: Array) -> Array:
    domain = rows.domain
    if _is_special(domain.tobytes()):
        domain = np.array([_csv([name.decode("ascii")]) for name in domain.tolist()], "S")
    messages, size = decimals(rows.messages), decimals(rows.bytes)
    # Nearly all mail takes one attempt.
    once = np.array_equal(rows.bytes, rows.transferred)
    transferred = size if once else decimals(rows.transferred)
    return padded([domain, kinds[rows.kind], messages, b",", size, b",", transferred, b"\r\n"])


def _csv(fields: Iterable[str]) -> bytes:
    encoded = [field.encode("ascii") for field in fields]
    return b",".join(_quoted(field) if _is_special(field) else field for field in encoded)


def _is_special(text: bytes) -> bool:
    # Four quick searches: a regular expression looks at each byte by itself.
    return any(one in text for one in _SPECIAL)


def _quoted(field: bytes) -> bytes:
    return b'"' + field.replace(b'"', b'""') + b'"'


def parse(lines: Iterable[bytes], path: str) -> Iterator[Sums]:
    """The rows of a breakdown, strictly ascending by key.

    Args:
        lines: the lines with their line ends.
        path: the file's name, for errors.

    Raises:
        BadFile: it is not a breakdown as ``render`` writes it; reasons
            ``bad-line``, ``too-large``, ``unsorted``.
    """
    reader = csv.reader((line.decode("latin-1") for line in lines), strict=True)
    try:
        if next(reader, None) != list(HEADER):
            raise BadFile("bad-line", path, f"expected the header {','.join(HEADER)}", 1)
        yield from _rows(reader, path)
    except csv.Error as error:
        raise BadFile("bad-line", path, f"not CSV: {error}", reader.line_num) from error


def _rows(reader: Reader, path: str) -> Iterator[Sums]:
    previous: tuple[str, ...] = ()
    for fields in reader:
        key = tuple(fields[:4])
        if key <= previous:
            raise BadFile("unsorted", path, "keys must ascend without repeats", reader.line_num)
        previous = key
        yield _row(fields, path, reader.line_num)


def _row(fields: list[str], path: str, line: int) -> Sums:
    if len(fields) != len(HEADER):
        raise BadFile("bad-line", path, f"expected {len(HEADER)} fields", line)
    domain, host, service, status, messages, size, transferred = fields
    named = _fits(domain, MAX_DOMAIN) and _fits(host, MAX_HOST) and _fits(status, MAX_STATUS)
    if not named or service not in _SERVICES:
        raise BadFile("bad-line", path, "a name or the service is not one of ours", line)
    try:
        return Sums(domain, host, service, status, _int(messages), _int(size), _int(transferred))
    except ValueError as error:
        raise BadFile("bad-line", path, str(error), line) from None


def _fits(name: str, length: int) -> bool:
    return 0 < len(name) <= length and name.isascii() and name.isprintable()


def _int(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise ValueError(f"{text[:60]!r} is not a count")
    number = int(text)
    if number > MAX_SUM:
        raise ValueError(f"{text} exceeds 2^63-1")
    return number
