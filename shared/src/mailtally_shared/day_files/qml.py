"""The daily file of the billing side, ``dd.mm.YYYY.qml.txt`` (RULES section 5).

One line a name, ``|name|xFer(kB)|Hits_All|Hits_HTML|``: a whole day's totals,
xFer in exact decimals of kilobytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailtally_shared.batches import batches
from mailtally_shared.columns import MAX_SUM, Array
from mailtally_shared.day_files.charged_rows import ChargedRows
from mailtally_shared.day_files.day_rows import PIECE
from mailtally_shared.day_files.kilobytes import NUMBER, bytes_of, kilobyte_cells
from mailtally_shared.day_files.rows import QmlRow
from mailtally_shared.day_files.text_columns import bare, decimals, padded
from mailtally_shared.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The description of the format; some files of other origin begin with it.
HEADER = "|name|xFer(kB)|Hits_All|Hits_HTML|"

# A name is printable ASCII without "|", as long as a domain at most; blanks may
# stand inside, as in "(not hosted)".
_NAME = r"[!-{}~](?:[ -{}~]{0,251}[!-{}~])?"
_LINE = re.compile(rf"\|({_NAME})\|({NUMBER})\|([0-9]{{1,19}})\|([0-9]{{1,19}})\|".encode())


def render(rows: Iterable[QmlRow]) -> Iterator[bytes]:
    """The file's bytes in chunks of some 100 kB, in the order of ``rows``."""
    return render_columns(map(ChargedRows.of, batches(rows, PIECE)))


def render_columns(pieces: Iterable[ChargedRows]) -> Iterator[bytes]:
    """What ``render`` gives for the same rows, a chunk a piece."""
    return map(bare, render_padded(pieces))


def render_padded(pieces: Iterable[ChargedRows]) -> Iterator[Array]:
    """The same as texts that ``bare`` makes bytes of."""
    return map(_lines, pieces)


def _lines(rows: ChargedRows) -> Array:
    cells: list[Array | bytes] = [b"|", rows.name, b"|", *kilobyte_cells(rows.bytes)]
    for column in (rows.hits_all, rows.hits_html):
        cells += [b"|", decimals(column)]
    return padded([*cells, b"|\n"])


def parse(lines: Iterable[bytes], path: str) -> Iterator[QmlRow]:
    r"""The rows of a qml file, ours or of other origin, in the order of the file.

    Any number of decimals, CRLF, blank lines and the header as first line are
    accepted. Names are lower-cased.

    Args:
        lines: the lines, with or without their ``\n``.
        path: the file's name, for errors.

    Raises:
        BadFile: anything else; reasons ``bad-line``, ``too-large``, ``duplicate-name``.
    """
    seen: set[str] = set()
    for number, line in _data_lines(lines):
        row = _row(line, path, number)
        if row.name in seen:
            raise BadFile("duplicate-name", path, f"{row.name} stands here twice", number)
        seen.add(row.name)
        yield row


def _data_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    first = True
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        if not line or line.isspace():
            continue
        if not (first and line == HEADER.encode()):
            yield number, line
        first = False


def _row(line: bytes, path: str, number: int) -> QmlRow:
    match = _LINE.fullmatch(line)
    if not match:
        raise BadFile("bad-line", path, f"expected {HEADER} with plain decimal numbers", number)
    name, size, hits_all, hits_html = match.groups()
    row = QmlRow(name.decode().lower(), bytes_of(size.decode()), int(hits_all), int(hits_html))
    if max(row[1], row[2], row[3]) > MAX_SUM:
        raise BadFile("too-large", path, "a number exceeds 2^63-1", number)
    return row
