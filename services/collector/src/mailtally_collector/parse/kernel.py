"""The single pass over a chunk: line by line from the left end, the right end, the middle."""

from __future__ import annotations

from typing import Final

from mailtally_collector.parse.addresses import read_addresses
from mailtally_collector.parse.head import read_head
from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.measures import read_measures
from mailtally_collector.parse.page import Margin, Page
from mailtally_collector.parse.reasons import MAX_LINE, Reason
from mailtally_collector.parse.scanning import byte_at, find
from mailtally_shared.columns import Array

TOO_LONG: Final = int(Reason.TOO_LONG)
HAS_NUL: Final = int(Reason.NUL)
EMPTY: Final = int(Reason.EMPTY)

NUL: Final = 0
RETURN: Final = ord("\r")


@compiled
def read_chunk(
    data: Bytes, line_feeds: Array, nuls: bool, page: Page, margin: Margin
) -> tuple[int, int]:
    """Sort all lines into records and malformed ones.

    Args:
        data: The chunk.
        line_feeds: Offsets of all its line feeds, int64.
        nuls: Whether it holds a NUL anywhere; looking into each line is spared where not.
        page: Room for all lines; the records are written here.
        margin: Room for all lines; the malformed ones are written here.

    Returns:
        How many there are of each.
    """
    row = 0
    bad = 0
    start = 0
    for end in line_feeds:
        reason = read_line(data, start, end, nuls, row, page)
        if reason == 0:
            page.start[row] = start
            page.end[row] = end
            row += 1
        else:
            margin.start[bad] = start
            margin.end[bad] = end
            margin.reason[bad] = reason
            bad += 1
        start = end + 1
    return row, bad


@compiled
def read_line(data: Bytes, start: int, end: int, nuls: bool, row: int, page: Page) -> int:
    """Write a record to its row; gives 0, or the reason why the line is none."""
    if end - start > MAX_LINE:
        return TOO_LONG
    if nuls and find(data, NUL, start, end) >= 0:
        return HAS_NUL
    if start < end and byte_at(data, end - 1) == RETURN:
        end -= 1
    if start == end:
        return EMPTY
    addresses = read_head(data, start, end, row, page)
    if addresses < 0:
        return -addresses
    addresses_end = read_measures(data, addresses, end, row, page)
    if addresses_end < 0:
        return -addresses_end
    return -read_addresses(data, addresses, addresses_end, row, page)
