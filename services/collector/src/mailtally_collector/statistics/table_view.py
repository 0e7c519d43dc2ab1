"""Statistics for people: what stands where. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics import detail_blocks, traffic_blocks
from mailtally_collector.statistics.grid import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_collector.statistics.look import Look
    from mailtally_collector.statistics.summary import Summary

    Block = Callable[[Summary, Look], Iterator[str]]

#: From this width on two blocks stand next to each other.
_WIDE: Final = 150
_GAP: Final = 4

#: The blocks; those in one row stand next to each other where there is room.
_SHORT: Final[tuple[tuple[Block, ...], ...]] = (
    (traffic_blocks.services, traffic_blocks.statuses),
    (traffic_blocks.waste, traffic_blocks.hours),
)
_LONG: Final[tuple[tuple[Block, ...], ...]] = (
    (detail_blocks.domains, detail_blocks.sizes),
    (detail_blocks.senders, detail_blocks.recipients),
    (detail_blocks.largest,),
    (detail_blocks.hours_of_day,),
    (detail_blocks.malformed,),
)


def table(summary: Summary, look: Look) -> Iterator[str]:
    """The lines of the whole page."""
    yield from traffic_blocks.head(summary, look)
    if summary.total.messages:
        for row in _SHORT:
            yield from _row(row, summary, look)
    if summary.details is not None:
        rows = _LONG if summary.total.messages else _LONG[-1:]
        for row in rows:
            yield from _row(row, summary, look)


def _row(blocks: tuple[Block, ...], summary: Summary, look: Look) -> Iterator[str]:
    """Some blocks, each with an empty line before it; one that has nothing to say is left out."""
    if look.width < _WIDE or len(blocks) == 1:
        drawn = [list(block(summary, look)) for block in blocks]
        yield from (line for lines in drawn if lines for line in ("", *lines))
        return
    half = (look.width - _GAP) // 2
    narrow = replace(look, width=half)
    left, right = (list(block(summary, narrow)) for block in blocks)
    yield ""
    yield from beside(left, right, half + _GAP)
