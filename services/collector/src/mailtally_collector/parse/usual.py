"""The left end of a usual line, eight bytes at a time.

Usual is a line with the day and the host of the line before it. What is read here is read as
``read_head`` would; whatever is not usual, or no record, is left to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.machine.marks import compiled, signed
from mailtally_collector.machine.steps import first_bit
from mailtally_collector.parse.names import is_recent
from mailtally_collector.parse.words import (
    WORD,
    first_bytes,
    literal,
    other_than_digits,
    short_number,
)
from mailtally_shared.columns import Service

if TYPE_CHECKING:
    from mailtally_collector.parse.page import Page

SMTP_IN: Final = int(Service.SMTP_IN)
SMTP_OUT: Final = int(Service.SMTP_OUT)

#: Of ``Feb 16 14:03:21 ``: the second word, in which only digits may differ from this.
TIME: Final = literal(b"0:00:00 ")
#: Added to the difference, each sets the top bit of its byte where that is not allowed.
OTHER_DIGIT, OTHER_BYTE = 0x76, 0x7F
TIME_SHAPE: Final = literal(
    bytes(OTHER_DIGIT if byte == ord("0") else OTHER_BYTE for byte in b"0:00:00 ")
)
TOP_BITS: Final = np.uint64(0x8080_8080_8080_8080)

IN: Final = literal(b" in[")
OUT: Final = literal(b" out[")
AFTER_PID: Final = literal(b"]: ")
LAST_DIGIT: Final = 9
#: Behind the first eight digits of a timestamp of ten.
END_OF_TIMESTAMP: Final = literal(b"00|")
#: From the host's end: `` out[``, a process number below 10^7, ``]: ``, a timestamp of ten digits.
REACH: Final = 5 + 7 + 3 + 2 * WORD


@compiled
def usual_head(start: int, row: int, page: Page) -> int:
    """Past ``timestamp|``, as ``read_head``; -1 where it is not usual, and nothing is written."""
    words = page.words
    recent = page.hosts.recent[0]
    host = start + 2 * WORD
    host_end: int = host + page.hosts.end[recent] - page.hosts.start[recent]
    day = page.day[0]
    if host_end + REACH > len(words) or not day or words[np.uintp(start)] != day:
        return -1
    if other_shape(words[np.uintp(start + WORD)]) or not is_recent(host, host_end, page.hosts):
        return -1
    word = words[np.uintp(host_end)]
    incoming = first_bytes(word, 4) == IN
    if not incoming and first_bytes(word, 5) != OUT:
        return -1
    timestamp = after_pid(host_end + 5 - incoming, page)
    if timestamp < 0:
        return -1
    time = time_of(timestamp, page)
    if time < 0:
        return -1
    page.host[row] = recent
    page.service[row] = SMTP_IN if incoming else SMTP_OUT
    page.time[row] = time
    return timestamp + 11


@compiled
def other_shape(word: np.uint64) -> np.uint64:
    """Not 0 where a word is not like ``4:03:21 ``."""
    difference = word ^ TIME
    return (((difference & ~TOP_BITS) + TIME_SHAPE) | difference) & TOP_BITS


@compiled
def after_pid(start: int, page: Page) -> int:
    """Past a number of one to seven digits and ``]: ``; -1 where that is not what stands there."""
    others = other_than_digits(page.words[np.uintp(start)])
    if not others:
        return -1
    end = start + first_bit(others) // WORD
    found = first_bytes(page.words[np.uintp(end)], 3) == AFTER_PID
    return end + 3 if found and end > start else -1


@compiled
def time_of(start: int, page: Page) -> int:
    """The time of ten digits with ``|`` behind them; -1 where that is not what stands there."""
    eight = short_number(page.words, start + WORD, WORD)
    rest = first_bytes(page.words[np.uintp(start + WORD)], 3) ^ END_OF_TIMESTAMP
    tens, ones = signed(rest & np.uint64(0xFF)), signed(rest >> np.uint64(8))
    if eight < 0 or max(tens, ones) > LAST_DIGIT:
        return -1
    return eight * 100 + tens * 10 + ones
