"""Whether a breakdown and a qml file plainly agree: all rows at once, in pieces.

The qml file that the breakdown asks for is made anew and must be what is there, to the
byte. Whatever is not plain leaves the question open: the check of single rows answers it.
"""

from __future__ import annotations

from itertools import repeat
from operator import ne
from typing import IO, TYPE_CHECKING

import numpy as np

from mailtally_shared.day_files.blocks import has_plain_header, pieces
from mailtally_shared.day_files.charging import OUTGOING
from mailtally_shared.day_files.kilobytes import kilobytes
from mailtally_shared.day_files.plain_lines import plain_sums
from mailtally_shared.day_files.rows import QmlTotals, SumsTotals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mailtally_shared.columns import Array
    from mailtally_shared.day_files.charging import ChargingPolicy
    from mailtally_shared.day_files.plain_lines import PlainSums

#: More rows of one domain are left to the check of single rows.
_MOST_HELD = 1 << 16


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
    for rows in _whole_domains(csv):
        if rows is None:
            return None
        expected = _charged(rows, policy, counted, charged)
        if txt.read(len(expected)) != expected:
            return None
    return None if txt.read(1) else (counted, charged)


def _whole_domains(csv: IO[bytes]) -> Iterator[list[PlainSums] | None]:
    """The rows piece by piece, those of a domain together; None once they are not plain."""
    held: list[PlainSums] = []
    for piece in pieces(csv):
        rows = plain_sums(piece, held[-1] if held else ())
        if rows is None or len(held) > _MOST_HELD:
            yield None
            return
        held += rows
        last = held[-1][0]
        cut = next(at for at in range(len(held), 0, -1) if at == 1 or held[at - 2][0] != last) - 1
        if cut:
            yield held[:cut]
        held = held[cut:]
    if held:
        yield held


def _charged(
    rows: Sequence[PlainSums], policy: ChargingPolicy, counted: SumsTotals, charged: QmlTotals
) -> bytes:
    """The lines of the qml file that rows ask for; adds to the totals of both."""
    domains, _, services, statuses, *counts = zip(*rows, strict=True)
    messages, sizes, transferred = (np.array(list(map(int, each)), np.int64) for each in counts)
    counted.rows += len(rows)
    counted.messages += int(messages.sum())
    counted.bytes += int(sizes.sum())
    kept = _kept(statuses, policy)
    if not kept.any():
        return b""
    sent = _among(services, OUTGOING) if policy.hits == "in-out" else np.zeros(len(rows), np.bool_)
    # A domain without a charged row is in no qml file; rows that are not charged count as none.
    starts = np.flatnonzero(_changes(domains))
    named = np.logical_or.reduceat(kept, starts)
    columns = [
        np.add.reduceat(np.where(chosen, column, 0), starts)[named]
        for column, chosen in (
            (sizes if policy.quantity == "bytes" else transferred, kept),
            (messages, kept & ~sent),
            (messages, kept & sent),
        )
    ]
    names = [domains[start] for start in starts[named].tolist()]
    return _lines(names, columns, charged)


def _kept(statuses: Sequence[str], policy: ChargingPolicy) -> Array:
    if policy.charged_statuses == "all":
        return np.ones(len(statuses), np.bool_)
    return _among(statuses, frozenset(policy.charged_statuses))


def _among(values: Sequence[str], wanted: Collection[str]) -> Array:
    return np.fromiter(map(wanted.__contains__, values), np.bool_, len(values))


def _changes(names: Sequence[str]) -> Array:
    """Where a name is not the one before."""
    return np.fromiter(map(ne, names, (None, *names[:-1])), np.bool_, len(names))


def _lines(names: list[str], columns: list[Array], charged: QmlTotals) -> bytes:
    charged.rows += len(names)
    charged.bytes += int(columns[0].sum())
    charged.hits_all += int(columns[1].sum())
    charged.hits_html += int(columns[2].sum())
    sizes, hits_all, hits_html = (column.tolist() for column in columns)
    cells = zip(names, map(kilobytes, sizes), hits_all, hits_html, strict=True)
    return "".join(map(str.__mod__, repeat("|%s|%s|%d|%d|\n"), cells)).encode("ascii")
