"""The single pass over a chunk: of each line the left end, then the right end, then the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.parse.addresses import read_addresses
from mailtally_collector.parse.head import read_head
from mailtally_collector.parse.machine import Bytes, compiled
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
from mailtally_collector.parse.words import (
    WORD,
    controls,
    first_bit,
    gathered,
    matches,
    repeated,
    without_first,
    word_at,
)

if TYPE_CHECKING:
    from mailtally_collector.parse.page import Margin, Page

TOO_LONG: Final = int(Reason.TOO_LONG)
HAS_NUL: Final = int(Reason.NUL)
EMPTY: Final = int(Reason.EMPTY)

#: Bytes that are looked at together, a bit of a word for each.
BLOCK: Final = 64
ATS: Final = repeated(AT)
PIPES: Final = repeated(PIPE)


@compiled
def read_chunk(data: Bytes, page: Page, margin: Margin) -> tuple[int, int, int]:
    """Sort the lines of a chunk into records and malformed ones.

    Args:
        data: The chunk; its last byte is a line feed.
        page: Where the records are written.
        margin: Where the malformed lines are written.

    Returns:
        How many there are of each, and how far the chunk is read: to its end, or to the line
        for which there was no room.
    """
    row = 0
    bad = 0
    start = 0
    while start < len(data) and has_room(row, bad, page, margin):
        end = read_line(data, start, row, page)
        if end >= 0:
            page.start[row] = start
            page.end[row] = end
            row += 1
        else:
            reason = -end
            end = find(data, LINE_FEED, start, len(data))
            margin.start[bad] = start
            margin.end[bad] = end
            margin.reason[bad] = first_reason(data, start, end, reason)
            bad += 1
        start = end + 1
    return row, bad, start


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
    addresses = read_head(data, start, row, page)
    if addresses < 0:
        return addresses
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
    there is a NUL before it or it comes after ``last``. Each place found is noted as both; the
    next note replaces it where it was the other.
    """
    pipes = 0
    ats = 0
    for block in range(start, last + 1, BLOCK):
        marks = marks_of_block(block, page)
        while marks:
            i = block + first_bit(marks)
            marks = without_first(marks)
            byte = byte_at(data, i)
            page.pipe[np.uintp(pipes)] = i
            page.at[np.uintp(ats)] = i
            pipes += byte == PIPE
            ats += byte == AT
            if byte == LINE_FEED:
                return pipes, (i if i <= last else -TOO_LONG)
            if byte == NUL:
                return pipes, -HAS_NUL
    return pipes, -TOO_LONG


@compiled
def marks_of_block(start: int, page: Page) -> np.uint64:
    """A bit for each of 64 bytes: set for ``|``, ``@`` and control characters."""
    marks = np.uint64(0)
    for k in range(0, BLOCK, WORD):
        word = word_at(page.words, start + k)
        found = matches(word, PIPES) | matches(word, ATS) | controls(word)
        marks |= gathered(found) << np.uint64(k)
    return marks


@compiled
def first_reason(data: Bytes, start: int, end: int, reason: int) -> int:
    """What is wrong with the line as a whole, else the reason found in a part of it."""
    if end - start > MAX_LINE:
        return TOO_LONG
    if find(data, NUL, start, end) >= 0:
        return HAS_NUL
    return EMPTY if is_line_end(data, start) else reason
