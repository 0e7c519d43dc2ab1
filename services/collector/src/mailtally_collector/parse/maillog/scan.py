"""The first pass over a chunk: lines become events, or malformed lines, or are passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.machine.steps import first_bit
from mailtally_collector.parse.kernel import HAS_NUL, TOO_LONG, behind_nuls, first_reason
from mailtally_collector.parse.maillog.events import PASSED
from mailtally_collector.parse.maillog.stamp import read_stamp
from mailtally_collector.parse.maillog.wording import read_wording
from mailtally_collector.parse.names import index_of
from mailtally_collector.parse.reasons import MAX_LINE
from mailtally_collector.parse.scanning import LINE_FEED, NUL, RETURN, byte_at, find
from mailtally_collector.parse.words import WORD, matches, repeated, word_at

if TYPE_CHECKING:
    from mailtally_collector.parse.maillog.events import Events
    from mailtally_collector.parse.page import Margin
    from mailtally_collector.parse.words import Words

FEEDS: Final = repeated(LINE_FEED)
NULS: Final = repeated(NUL)


@compiled
def scan_chunk(
    data: Bytes, host_end: int, begin: int, events: Events, margin: Margin
) -> tuple[int, int, int, int, int]:
    """Sort the lines of a chunk into events, malformed ones, and such as are passed over.

    NULs in front of a line are not a part of it.

    Args:
        data: A word of padding, the collector's own host, what else names are ranges of, the chunk.
        host_end: Where the own host ends.
        begin: Where the chunk begins. The last byte of ``data`` is a line feed.
        events: Where the events are written; its hosts are empty.
        margin: Where the malformed lines are written.

    Returns:
        How many there are of each, how many NULs were skipped, and how far the chunk is read: to
        its end, or to the line for which there was no room.
    """
    index_of(WORD, host_end, events.hosts)  # it becomes ``OWN_HOST``
    row = bad = passed = nuls = 0
    start = begin
    while start < len(data) and row < len(events.start) and bad < len(margin.start):
        end = stop_of(start, events.words)
        kind = read_line(data, start, end, row, events)
        if kind < 0 and byte_at(data, start) == NUL:
            end = behind_nuls(data, start)
            nuls += end - start
            start = end
            continue
        end = find(data, LINE_FEED, end, len(data))
        if kind < 0:
            margin.start[bad] = start
            margin.end[bad] = end
            margin.reason[bad] = first_reason(data, start, end, -kind)
            bad += 1
        elif kind == PASSED:
            passed += 1
        else:
            events.start[row] = start
            events.end[row] = end
            events.kind[row] = kind
            row += 1
        start = end + 1
    return row, bad, passed, nuls, start


@compiled
def read_line(data: Bytes, start: int, stop: int, row: int, events: Events) -> int:
    """Write an event to its row; gives its kind, or a negated reason."""
    if byte_at(data, stop) == NUL:
        return -HAS_NUL
    if stop - start > MAX_LINE:
        return -TOO_LONG
    wording = read_stamp(data, start, row, events)
    if wording <= 0:
        return wording  # 0 is PASSED
    end = stop - (byte_at(data, stop - 1) == RETURN)
    return read_wording(data, wording, end, row, events) if wording <= end else PASSED


@compiled
def stop_of(start: int, words: Words) -> int:
    """Where the first line feed or NUL is."""
    i = start
    while True:
        word = word_at(words, i)
        found = matches(word, FEEDS) | matches(word, NULS)
        if found:
            return i + first_bit(found) // WORD
        i += WORD
