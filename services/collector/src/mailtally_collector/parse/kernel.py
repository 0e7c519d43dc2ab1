"""The single pass over a chunk: of each line the left end, then the right end, then the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.parse.addresses import read_addresses
from mailtally_collector.parse.head import read_head
from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.measures import read_measures
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
    first_match,
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

NULS: Final = repeated(NUL)
LINE_FEEDS: Final = repeated(LINE_FEED)
ATS: Final = repeated(AT)
PIPES: Final = repeated(PIPE)


@compiled
def read_chunk(data: Bytes, page: Page, margin: Margin) -> tuple[int, int]:
    """Sort all lines of a chunk into records and malformed ones.

    Args:
        data: The chunk; its last byte is a line feed.
        page: Room for all lines; the records are written here.
        margin: Room for all lines; the malformed ones are written here.

    Returns:
        How many there are of each.
    """
    row = 0
    bad = 0
    start = 0
    while start < len(data):
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
    return row, bad


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
    for place in range(start, last + 1, WORD):
        word = word_at(page.words, place)
        hits = matches(word, PIPES) | matches(word, ATS)
        hits |= matches(word, LINE_FEEDS) | matches(word, NULS)
        while hits:
            i = place + first_match(hits)
            hits = without_first(hits)
            byte = byte_at(data, i)
            page.pipe[pipes] = i
            page.at[ats] = i
            pipes += byte == PIPE
            ats += byte == AT
            if byte == LINE_FEED:
                return pipes, (i if i <= last else -TOO_LONG)
            if byte == NUL:
                return pipes, -HAS_NUL
    return pipes, -TOO_LONG


@compiled
def first_reason(data: Bytes, start: int, end: int, reason: int) -> int:
    """What is wrong with the line as a whole, else the reason found in a part of it."""
    if end - start > MAX_LINE:
        return TOO_LONG
    if find(data, NUL, start, end) >= 0:
        return HAS_NUL
    return EMPTY if is_line_end(data, start) else reason
