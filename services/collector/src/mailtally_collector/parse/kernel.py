"""The single pass over a chunk: of each line the left end, then the right end, then the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.machine.steps import BLOCK, bit_count, bits, first_bit
from mailtally_collector.parse.addresses import read_addresses
from mailtally_collector.parse.head import read_head
from mailtally_collector.parse.measures import read_measures
from mailtally_collector.parse.names import has_free_slot
from mailtally_collector.parse.reasons import MAX_LINE, Reason
from mailtally_collector.parse.scanning import (
    AT,
    LINE_FEED,
    NUL,
    PIPE,
    RETURN,
    byte_at,
    find,
    is_line_end,
)
from mailtally_collector.parse.usual import usual_head
from mailtally_collector.parse.words import before_first, without_first, word_at

if TYPE_CHECKING:
    from mailtally_collector.parse.page import Margin, Page
    from mailtally_shared.columns import Array

TOO_LONG: Final = int(Reason.TOO_LONG)
HAS_NUL: Final = int(Reason.NUL)
EMPTY: Final = int(Reason.EMPTY)

#: Pipes and ats of a block that are noted without looking whether there are so many.
AT_ONCE: Final = 3


@compiled
def read_chunk(data: Bytes, page: Page, margin: Margin) -> tuple[int, int, int, int]:
    """Sort the lines of a chunk into records and malformed ones.

    NULs in front of a line are not a part of it: they are what a hole in the file reads as.

    Args:
        data: The chunk; its last byte is a line feed.
        page: Where the records are written.
        margin: Where the malformed lines are written.

    Returns:
        How many there are of each, how many NULs were skipped, and how far the chunk is read: to
        its end, or to the line for which there was no room.
    """
    row = 0
    bad = 0
    nuls = 0
    start = 0
    while start < len(data) and has_room(row, bad, page, margin):
        end = read_line(data, start, row, page)
        if end >= 0:
            page.start[row] = start
            page.end[row] = end
            row += 1
        elif byte_at(data, start) == NUL:
            end = behind_nuls(data, start) - 1
            nuls += end + 1 - start
        else:
            reason = -end
            end = find(data, LINE_FEED, start, len(data))
            margin.start[bad] = start
            margin.end[bad] = end
            margin.reason[bad] = first_reason(data, start, end, reason)
            bad += 1
        start = end + 1
    return row, bad, nuls, start


@compiled
def has_room(row: int, bad: int, page: Page, margin: Margin) -> bool:
    """Whether one line more has room, and the names it may bring."""
    return (
        row < len(page.time)
        and bad < len(margin.start)
        and has_free_slot(page.hosts)
        and has_free_slot(page.statuses)
        and has_free_slot(page.domains)
    )


@compiled
def read_line(data: Bytes, start: int, row: int, page: Page) -> int:
    """Write a record to its row; gives the offset of the line feed, or a negated reason."""
    addresses = usual_head(start, row, page)
    if addresses < 0:
        addresses = read_head(data, start, row, page)
        if addresses < 0:
            return addresses
        page.day[0] = word_at(page.words, start)
    pipes, end = mark(data, addresses, start + MAX_LINE, page)
    if end < 0:
        return end
    page.pipe[pipes] = end - (byte_at(data, end - 1) == RETURN)
    pipes = read_measures(data, pipes, row, page)
    if pipes < 0:
        return pipes
    failed = read_addresses(data, addresses, pipes, row, page)
    return failed if failed < 0 else end


@compiled
def mark(data: Bytes, start: int, last: int, page: Page) -> tuple[int, int]:
    """Note where each ``|`` and each ``@`` is, and behind them the line feed.

    Gives the number of pipes, and the offset of the line feed, which is a negated reason where
    there is a NUL before it or it comes after ``last``.
    """
    pipes = 0
    ats = 0
    for block in range(start, last + 1, BLOCK):
        ends = bits_at(data, block, LINE_FEED) | bits_at(data, block, NUL)
        before = before_first(ends)
        pipe_bits = bits_at(data, block, PIPE) & before
        at_bits = bits_at(data, block, AT) & before
        pipes = noted(pipe_bits, block, pipes, page.pipe)
        ats = noted(at_bits, block, ats, page.at)
        if ends:
            end = block + first_bit(ends)
            page.pipe[np.uintp(pipes)] = end
            page.at[np.uintp(ats)] = end
            if end > last:
                return pipes, -TOO_LONG
            return pipes, (end if byte_at(data, end) == LINE_FEED else -HAS_NUL)
    return pipes, -TOO_LONG


@compiled
def noted(found: np.uint64, block: int, count: int, places: Array) -> int:
    """Write down where the bits of a block are, and give the new number of places.

    Mostly there are up to four. So many are always written, found or not, as it costs more to
    guess wrongly how many there are; what is too much is written over by the next.
    """
    left = found
    for k in range(AT_ONCE):
        places[np.uintp(count + k)] = block + first_bit(left)
        left = without_first(left)
    k = AT_ONCE
    while left:
        places[np.uintp(count + k)] = block + first_bit(left)
        left = without_first(left)
        k += 1
    return count + bit_count(found)


@compiled
def bits_at(data: Bytes, start: int, byte: int) -> np.uint64:
    """A bit for each of 64 bytes, also at the end of the chunk: set where it is ``byte``."""
    if start + BLOCK <= len(data):
        return bits(data, start, byte)
    found = np.uint64(0)
    for i in range(start, len(data)):
        found |= np.uint64(byte_at(data, i) == byte) << np.uint64(i - start)
    return found


@compiled
def behind_nuls(data: Bytes, start: int) -> int:
    """Return where the NULs that begin at ``start`` end; a line feed is behind them."""
    i = start
    while byte_at(data, i) == NUL:
        i += 1
    return i


@compiled
def first_reason(data: Bytes, start: int, end: int, reason: int) -> int:
    """What is wrong with the line as a whole, else the reason found in a part of it."""
    if end - start > MAX_LINE:
        return TOO_LONG
    if find(data, NUL, start, end) >= 0:
        return HAS_NUL
    return EMPTY if is_line_end(data, start) else reason
