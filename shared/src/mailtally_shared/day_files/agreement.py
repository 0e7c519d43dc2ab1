"""Whether a breakdown and a qml file plainly agree: all rows at once, in pieces.

The qml file that the breakdown asks for is made anew and must be what is there, to the
byte. Whatever is not plain leaves the question open: the check of single rows answers it.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from mailtally_shared.day_files import qml
from mailtally_shared.day_files.blocks import has_plain_header, pieces
from mailtally_shared.day_files.charged_rows import charge_day
from mailtally_shared.day_files.plain_lines import key, plain_sums
from mailtally_shared.day_files.rows import QmlTotals, SumsTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.day_files.charging import ChargingPolicy
    from mailtally_shared.day_files.day_rows import DayRows

#: Bytes. More lines of one domain are left to the check of single rows.
_MOST_HELD = 1 << 22


def plain_totals(
    csv: IO[bytes], txt: IO[bytes], policy: ChargingPolicy
) -> tuple[SumsTotals, QmlTotals] | None:
    """What the two files add up to, read to their ends; None where the question stays open.

    Args:
        csv: the breakdown.
        txt: the qml file.
        policy: what of the breakdown is charged.
    """
    counted, charged = SumsTotals(), QmlTotals()
    if not has_plain_header(csv):
        return None
    for rows in _plain_rows(csv):
        if rows is None:
            return None
        counted.add(rows.totals())
        for expected in qml.render_columns(charge_day(rows, policy, charged)):
            if txt.read(len(expected)) != expected:
                return None
    return None if txt.read(1) else (counted, charged)


def _plain_rows(csv: IO[bytes]) -> Iterator[DayRows | None]:
    """The rows piece by piece, those of a domain together; None once they are not plain."""
    last: tuple[str, ...] = ()
    for piece in _whole_domains(csv):
        rows = plain_sums(piece, last) if piece else None
        yield rows
        if rows is None:
            return
        last = key(rows, -1)


def _whole_domains(csv: IO[bytes]) -> Iterator[bytes]:
    """The lines in pieces, those of a domain together; nothing once they are too many."""
    held = b""
    for piece in pieces(csv):
        held += piece
        cut = _begin_of_last_domain(held)
        if len(held) - cut > _MOST_HELD:
            yield b""
            return
        if cut:
            yield held[:cut]
        held = held[cut:]
    if held:
        yield held


def _begin_of_last_domain(lines: bytes) -> int:
    begin = lines.rfind(b"\n", 0, -1) + 1
    name = lines[begin : lines.find(b",", begin) + 1]
    return 0 if lines.startswith(name) else lines.find(b"\n" + name) + 1
