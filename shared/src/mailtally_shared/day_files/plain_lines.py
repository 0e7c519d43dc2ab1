"""Pieces of day files whose every line is as the day writer writes it, read at once.

Where a piece holds anything else (quotes, upper case, other line ends, numbers of more
than twelve digits, damage) the answer is None, and the reader of single rows is to be
asked: ``breakdown.parse`` or ``qml.parse``, which alone say what is wrong, and where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mailtally_shared.columns import Array, Service
from mailtally_shared.day_files.charged_rows import ChargedRows
from mailtally_shared.day_files.cut_columns import Text
from mailtally_shared.day_files.day_rows import DayRows
from mailtally_shared.day_files.kilobytes import DECIMALS, LAST_DECIMAL
from mailtally_shared.day_files.rows import MAX_DOMAIN, MAX_HOST, MAX_SERVICE, MAX_STATUS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.day_files.day_rows import Kind

# Nine million of these add up to less than 2^63.
_MOST_DIGITS = 12
_FIELDS = 7  # of a breakdown's row
_BARS = 6  # of a qml file's row, its line's end among them
_LONGEST_KIND = MAX_HOST + 1 + MAX_SERVICE + 1 + MAX_STATUS
_SERVICES = frozenset(service.label for service in Service)
_BLANK, _QUOTE, _COMMA, _RETURN, _BAR, _TILDE = b' ",\r|~'
_UPPER = ord("A")
_LETTERS = 26
#: For sums of words that tell kinds apart, nearly always.
_ODD = (np.arange(1, 65, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)) | np.uint64(1)


def plain_sums(piece: bytes, after: Sequence[str] = ()) -> DayRows | None:
    """The rows of a piece of a breakdown.

    Args:
        piece: whole lines, at least one.
        after: the key that theirs must exceed; empty at the begin.
    """
    text = Text(piece)
    cuts = text.cuts(b",", _FIELDS)
    if cuts is None or not _is_printable(text.bytes, 2 * len(cuts), _QUOTE):
        return None
    ends = cuts[:, -1] - 1
    domains = _names(text, _after(cuts[:, -1]), cuts[:, 0])
    kinds = _kinds(text, cuts[:, 0] + 1, cuts[:, 3])
    counts = _counts(text, cuts[:, 3:6] + 1, (cuts[:, 4], cuts[:, 5], ends))
    odd = _is_odd(text.bytes)
    if domains is None or kinds is None or counts is None or (text.bytes[ends] != _RETURN).any():
        return None
    if odd.any() and (np.searchsorted(cuts.reshape(-1), np.flatnonzero(odd)) % _FIELDS == 0).any():
        return None
    rows = DayRows(kinds[0], domains, kinds[1], *counts)
    return rows if key(rows, 0) > tuple(after) and _ascends(rows) else None


def plain_charged(piece: bytes, after: str = "") -> ChargedRows | None:
    """The rows of a piece of a qml file.

    Args:
        piece: whole lines, at least one.
        after: the name that theirs must exceed; empty at the begin.
    """
    text = Text(piece)
    cuts = text.cuts(b"|", _BARS)
    if cuts is None or not _is_printable(text.bytes, len(cuts), _QUOTE, _COMMA):
        return None
    first = _after(cuts[:, -1])
    framed = (cuts[:, 0] == first).all() and (cuts[:, 5] == cuts[:, 4] + 1).all()
    if not framed or _is_upper(text.bytes).any():
        return None
    names = _names(text, cuts[:, 0] + 1, cuts[:, 1])
    sizes = _sizes(text, cuts[:, 1] + 1, cuts[:, 2])
    hits = _counts(text, cuts[:, 2:4] + 1, (cuts[:, 3], cuts[:, 4]))
    if names is None or sizes is None or hits is None:
        return None
    rows = ChargedRows(names, sizes, *hits)
    return rows if names[0].decode("ascii") > after and (names[1:] > names[:-1]).all() else None


def key(rows: DayRows, place: int) -> tuple[str, str, str, str]:
    """The key of one row."""
    return rows.domain[place].decode("ascii"), *rows.kinds[rows.kind[place]]


def _after(ends: Array) -> Array:
    """Where lines begin."""
    return np.append(0, ends[:-1] + 1)


def _is_printable(text: Array, controls: int, *not_these: int) -> bool:
    """Whether printable ASCII is all there is, but for so many control characters."""
    if (text > _TILDE).any() or any((text == one).any() for one in not_these):
        return False
    return int(np.count_nonzero(text < _BLANK)) == controls


def _is_upper(text: Array) -> Array:
    upper: Array = text - np.uint8(_UPPER) < _LETTERS
    return upper


def _is_odd(text: Array) -> Array:
    """What a qml file spells otherwise, or cannot hold in a name."""
    odd: Array = _is_upper(text) | (text == _BAR)
    return odd


def _names(text: Text, begin: Array, end: Array) -> Array | None:
    length = end - begin
    if length.min() < 1 or length.max() > MAX_DOMAIN:
        return None
    if (text.bytes[begin] == _BLANK).any() or (text.bytes[end - 1] == _BLANK).any():
        return None
    return text.cells(begin, end)


def _kinds(text: Text, begin: Array, end: Array) -> tuple[tuple[Kind, ...], Array] | None:
    """Host, service and status: the distinct ones ascending, and which one each row has."""
    if (end - begin).max() > _LONGEST_KIND:
        return None
    cells = text.cells(begin, end)
    words = cells.view("<u8").reshape(len(cells), -1)
    numbers = (words * _ODD[: words.shape[1]]).sum(axis=1, dtype=np.uint64)
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    if (cells[first][which] != cells).any():
        return None
    kinds = [_kind(cell) for cell in cells[first].tolist()]
    if not all(map(_is_one_of_ours, kinds)):
        return None
    order = sorted(range(len(kinds)), key=kinds.__getitem__)
    rank = np.empty(len(kinds), np.int32)
    rank[order] = np.arange(len(kinds))
    return tuple(kinds[place] for place in order), rank[which]


def _kind(cell: bytes) -> Kind:
    host, service, status = cell.decode("ascii").split(",")
    return host, service, status


def _is_one_of_ours(kind: Kind) -> bool:
    host, service, status = kind
    return 0 < len(host) <= MAX_HOST and 0 < len(status) <= MAX_STATUS and service in _SERVICES


def _counts(text: Text, begins: Array, ends: Sequence[Array]) -> list[Array] | None:
    columns = [text.numbers(begins[:, at], end, _MOST_DIGITS) for at, end in enumerate(ends)]
    found = [column for column in columns if column is not None]
    return found if len(found) == len(columns) else None


def _sizes(text: Text, begin: Array, end: Array) -> Array | None:
    """Kilobytes in decimals as bytes; None also where one does not end at a whole byte."""
    points = np.append(-1, np.flatnonzero(text.bytes == ord(".")))
    point = points[np.searchsorted(points, end) - 1]
    rows = np.flatnonzero(point >= begin)
    whole_ends = end.copy()
    whole_ends[rows] = point[rows]
    whole = text.numbers(begin, whole_ends, _MOST_DIGITS)
    if whole is None or not len(rows):
        return None if whole is None else whole << 10
    fractions = text.numbers(point[rows] + 1, end[rows], DECIMALS)
    if fractions is None:
        return None
    fractions *= 10 ** (DECIMALS - (end - point)[rows] + 1)
    sizes = whole << 10
    sizes[rows] += fractions // LAST_DECIMAL
    return None if (fractions % LAST_DECIMAL).any() else sizes


def _ascends(rows: DayRows) -> bool:
    below, above = rows.domain[:-1], rows.domain[1:]
    later = rows.kind[1:] > rows.kind[:-1]
    return bool(((above > below) | (above == below) & later).all())
