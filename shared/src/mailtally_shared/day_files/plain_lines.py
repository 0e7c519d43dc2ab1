"""Pieces of day files whose every line is as the day writer writes it, read at once.

Where a piece holds anything else (quotes, upper case, other line ends, numbers of more
than twelve digits, damage) the answer is None, and the reader of single rows is to be
asked: ``breakdown.parse`` or ``qml.parse``, which alone say what is wrong, and where.
"""

from __future__ import annotations

import re
from operator import itemgetter, lt
from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import Service
from mailtally_shared.day_files.rows import MAX_DOMAIN, MAX_HOST, MAX_STATUS

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A breakdown's row, its numbers in decimal digits: seven fields.
PlainSums = tuple[str, str, str, str, str, str, str]
#: A qml file's row: name, bytes, and its hits in decimal digits.
PlainQml = tuple[str, int, str, str]

# Printable ASCII that needs no quotes; of a domain also no upper case and no "|", so
# that it is the name in the qml file just as it stands.
_TEXT = r"[ !#-+\--~]"
_NAME = rf"(?! )([ !#-+\--@\[-{{}}~]{{1,{MAX_DOMAIN}}})(?<! )"
# Nine million of these add up to less than 2^63.
_COUNT = "([0-9]{1,12})"
_SERVICE = "|".join(service.label for service in Service)
_SUMS = re.compile(
    rf"^{_NAME},({_TEXT}{{1,{MAX_HOST}}}),({_SERVICE}),({_TEXT}{{1,{MAX_STATUS}}}),"
    rf"{_COUNT},{_COUNT},{_COUNT}\r\n",
    re.MULTILINE,
)
_QML = re.compile(
    rf"^\|{_NAME}\|([0-9]{{1,12}}(?:\.[0-9]{{1,10}})?)\|{_COUNT}\|{_COUNT}\|\n", re.MULTILINE
)

_key = itemgetter(0, 1, 2, 3)


def plain_sums(piece: bytes, after: Sequence[str]) -> list[PlainSums] | None:
    """The rows of a piece of a breakdown.

    Args:
        piece: whole lines, at least one.
        after: the row before them, whose key theirs must exceed; empty at the begin.
    """
    rows: list[PlainSums] = _SUMS.findall(piece.decode("latin-1"))
    if not _all_of(piece, len(rows)):
        return None
    keys = [tuple(after[:4]), *map(_key, rows)]
    return rows if all(map(lt, keys, keys[1:])) else None


def plain_qml(piece: bytes, after: str) -> list[PlainQml] | None:
    """The rows of a piece of a qml file.

    Args:
        piece: whole lines, at least one.
        after: the name before theirs, which they must exceed; empty at the begin.
    """
    found = _QML.findall(piece.decode("latin-1"))
    if not _all_of(piece, len(found)):
        return None
    names, kilos, hits_all, hits_html = zip(*found, strict=True)
    # Whole bytes below 2^53 are doubles, also as kilobytes; what is rounded to one lies
    # so near to it that ``bytes_of`` takes it for the same.
    sizes = np.array(list(map(float, kilos))) * 1024
    if not all(map(lt, (after, *names), names)) or (sizes % 1).any():
        return None
    return list(zip(names, sizes.astype(np.int64).tolist(), hits_all, hits_html, strict=True))


def _all_of(piece: bytes, rows: int) -> bool:
    """Whether each line of a piece is one of so many rows."""
    return piece.endswith(b"\n") and piece.count(b"\n") == rows
