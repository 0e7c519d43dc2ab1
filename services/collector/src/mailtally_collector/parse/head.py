"""The left end of a line: ``date host msg_type[pid]: timestamp|``.

The steps are a railway: each takes the position that the one before has reached and gives its own.
A negative position is a ``Reason``, negated, and is handed on. No step asks where the line ends:
none of them goes past a line feed.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.names import index_of, is_recent
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import (
    LETTERS_AND_DIGITS,
    PIPE,
    SPACE,
    ZERO,
    after_digits,
    byte_at,
    has,
    is_digit,
    is_line_end,
    one_of,
    spelled,
)
from mailtally_shared.columns import END_OF_TIME, Service

if TYPE_CHECKING:
    from mailtally_collector.parse.names import Names
    from mailtally_collector.parse.page import Page
    from mailtally_shared.columns import Array

BAD_DATE: Final = int(Reason.BAD_DATE)
BAD_HOST: Final = int(Reason.BAD_HOST)
BAD_TYPE: Final = int(Reason.BAD_TYPE)
BAD_TIMESTAMP: Final = int(Reason.BAD_TIMESTAMP)
SMTP_IN: Final = int(Service.SMTP_IN)
SMTP_OUT: Final = int(Service.SMTP_OUT)

#: Sets of bytes, which of them each byte is in, and which one a date has at each of its places.
LETTER, DIGIT, PADDING, COLON, GAP = 1, 2, 4, 8, 16
SETS: Final = np.zeros(256, np.uint8)
SETS[list(string.ascii_letters.encode())] = LETTER
SETS[list(string.digits.encode())] = DIGIT
SETS[ord(" ")] = PADDING | GAP
SETS[ord(":")] = COLON
DATE: Final = np.array(
    (
        *(LETTER, LETTER, LETTER, GAP, PADDING | DIGIT, DIGIT, GAP),
        *(DIGIT, DIGIT, COLON, DIGIT, DIGIT, COLON, DIGIT, DIGIT, GAP),
    ),
    np.uint8,
)

HOST: Final = one_of(LETTERS_AND_DIGITS + b"-_.:")
MAX_HOST: Final = 255
IN: Final = spelled(b" in[")
OUT: Final = spelled(b" out[")
AFTER_PID: Final = spelled(b"]: ")


@compiled
def read_head(data: Bytes, start: int, row: int, page: Page) -> int:
    """Past ``timestamp|``; writes down the host, the direction as a service, and the time."""
    host = after_date(data, start)
    message_type = after_host(data, host, row, page.hosts, page.host)
    timestamp = after_type(data, message_type, row, page)
    return after_timestamp(data, timestamp, row, page)


@compiled
def after_date(data: Bytes, start: int) -> int:
    """Past ``Mon DD HH:MM:SS`` and a space. Its figures are for people: only the shape counts."""
    for k in range(len(DATE)):
        if not byte_at(SETS, byte_at(data, start + k)) & byte_at(DATE, k):
            return -BAD_DATE
    return start + len(DATE)


@compiled
def after_host(data: Bytes, start: int, row: int, hosts: Names, column: Array) -> int:
    """Past the host, which mostly is the one of the line before; writes down which it is."""
    if start < 0:
        return start
    recent = hosts.recent[0]
    end: int = start + hosts.end[recent] - hosts.start[recent]
    known = start < end < len(data) and is_recent(start, end, hosts)
    if not known or byte_at(data, end) != SPACE:
        return after_other_host(data, start, row, hosts, column)
    column[row] = recent
    return end


@compiled
def after_other_host(data: Bytes, start: int, row: int, hosts: Names, column: Array) -> int:
    """Past the host, up to a space or the end of the line."""
    end = start
    while byte_at(HOST, byte_at(data, end)):
        end += 1
    ended = byte_at(data, end) == SPACE or is_line_end(data, end)
    if not ended or not 0 < end - start <= MAX_HOST:
        return -BAD_HOST
    column[row] = index_of(start, end, hosts)
    return end


@compiled
def after_type(data: Bytes, start: int, row: int, page: Page) -> int:
    """Past `` in[pid]: `` or `` out[pid]: ``."""
    if start < 0:
        return start
    if has(data, start, IN):
        page.service[row] = SMTP_IN
        pid = start + len(IN)
    elif has(data, start, OUT):
        page.service[row] = SMTP_OUT
        pid = start + len(OUT)
    else:
        return -BAD_TYPE
    end = after_digits(data, pid)
    if end == pid or not has(data, end, AFTER_PID):
        return -BAD_TYPE
    return end + len(AFTER_PID)


@compiled
def after_timestamp(data: Bytes, start: int, row: int, page: Page) -> int:
    """Past the seconds and the ``|`` that ends them."""
    if start < 0:
        return start
    end = start
    time = 0
    while is_digit(byte_at(data, end)):
        time = time * 10 + byte_at(data, end) - ZERO
        if time >= END_OF_TIME:
            return -BAD_TIMESTAMP
        end += 1
    if end == start or byte_at(data, end) != PIPE:
        return -BAD_TIMESTAMP
    page.time[row] = time
    return end + 1
