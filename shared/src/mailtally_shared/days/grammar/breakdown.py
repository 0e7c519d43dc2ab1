"""The breakdown of a day, ``dd.mm.YYYY.qml.csv``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.days.day_rows import DayRows
from mailtally_shared.days.grammar import sums_lines
from mailtally_shared.days.grammar.text_columns import BadLine
from mailtally_shared.schema import DIMENSIONS, KIND, SERVICE, Service, Sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.columns import Array
    from mailtally_shared.days.grammar.sums_lines import Cells

HEADER = Sums._fields

_LONGEST = [DIMENSIONS[name].longest for name in KIND]
_SERVICES = frozenset(service.label for service in Service)


def render(rows: DayRows) -> Iterator[Array]:
    """Yield the file's text in padded pieces, which ``bare`` turns into bytes."""
    yield sums_lines.header_line(HEADER)
    kinds = sums_lines.shared_names(rows.kinds)
    for piece in rows.pieces():
        yield sums_lines.lines(piece, kinds[piece.kind])


def read(file: IO[bytes], path: str) -> Iterator[DayRows]:
    """Yield the rows of a breakdown in pieces, strictly ascending by key.

    Args:
        file: the file, not read yet.
        path: its name, for errors.

    Raises:
        BadFile: the file is not what ``render`` writes; reasons ``bad-line``, ``unsorted``.
    """
    return sums_lines.read(file, path, HEADER, _rows)


def _rows(cells: Cells) -> DayRows:
    for kind in cells.kinds:
        if not all(map(_fits, kind, _LONGEST)) or kind[SERVICE] not in _SERVICES:
            raise BadLine("a name is invalid or the service is unknown")
    kinds = tuple(sorted(cells.kinds))
    place = {kind: at for at, kind in enumerate(kinds)}
    rank = np.array([place[kind] for kind in cells.kinds], np.int32)
    return DayRows(kinds, cells.domain, rank[cells.kind], *cells.counts)


def _fits(name: str, longest: int) -> bool:
    return 0 < len(name) <= longest
