"""The left end of a line: ``date host msg_type[pid]: timestamp|``.

The steps are a railway: each takes the position that the one before has reached and gives its own.
A negative position is a ``Reason``, negated, and is handed on.
"""

from __future__ import annotations

from typing import Final

from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.names import HOST, index_of
from mailtally_collector.parse.page import Page
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import (
    PIPE,
    SPACE,
    ZERO,
    after_digits,
    byte_at,
    find,
    has,
    number,
    spelled,
)
from mailtally_shared.columns import END_OF_TIME, Service

BAD_DATE: Final = int(Reason.BAD_DATE)
BAD_HOST: Final = int(Reason.BAD_HOST)
BAD_TYPE: Final = int(Reason.BAD_TYPE)
BAD_TIMESTAMP: Final = int(Reason.BAD_TIMESTAMP)
SMTP_IN: Final = int(Service.SMTP_IN)
SMTP_OUT: Final = int(Service.SMTP_OUT)

#: The shape of a date: ``A`` a letter, ``9`` a digit, ``_`` a digit or a space.
DATE: Final = spelled(b"AAA _9 99:99:99 ")
LETTER: Final = ord("A")
DIGIT: Final = ord("9")
PADDED: Final = ord("_")
LOWER_CASE: Final = 0x20
FIRST_LETTER: Final = ord("a")
LAST_LETTER: Final = ord("z")

MAX_HOST: Final = 255
IN: Final = spelled(b" in[")
OUT: Final = spelled(b" out[")
AFTER_PID: Final = spelled(b"]: ")
LAST_SECOND: Final = END_OF_TIME - 1


@compiled
def read_head(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Past ``timestamp|``; writes down the host, the direction as a service, and the time."""
    host = after_date(data, start, end)
    message_type = after_host(data, host, end, row, page)
    timestamp = after_type(data, message_type, end, row, page)
    return after_timestamp(data, timestamp, end, row, page)


@compiled
def after_date(data: Bytes, start: int, end: int) -> int:
    """Past ``Mon DD HH:MM:SS`` and a space. Its figures are for people: only the shape counts."""
    if end - start < len(DATE):
        return -BAD_DATE
    for k in range(len(DATE)):
        if not fits(byte_at(data, start + k), byte_at(DATE, k)):
            return -BAD_DATE
    return start + len(DATE)


@compiled
def fits(byte: int, shape: int) -> bool:
    """Whether ``byte`` may stand where ``DATE`` has ``shape``."""
    if shape == DIGIT:
        return ZERO <= byte <= DIGIT
    if shape == LETTER:
        return FIRST_LETTER <= byte | LOWER_CASE <= LAST_LETTER
    if shape == PADDED:
        return byte == SPACE or ZERO <= byte <= DIGIT
    return byte == shape


@compiled
def after_host(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Past the host, which ends at a space or with the line."""
    if start < 0:
        return start
    space = find(data, SPACE, start, end)
    stop = space if space >= 0 else end
    if not 0 < stop - start <= MAX_HOST:
        return -BAD_HOST
    host = index_of(data, start, stop, HOST, page.key, page.hosts)
    if host < 0:
        return -BAD_HOST
    page.host[row] = host
    return stop


@compiled
def after_type(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Past `` in[pid]: `` or `` out[pid]: ``; ``start`` is where the space should be."""
    if start < 0:
        return start
    if has(data, start, end, IN):
        page.service[row] = SMTP_IN
        pid = start + len(IN)
    elif has(data, start, end, OUT):
        page.service[row] = SMTP_OUT
        pid = start + len(OUT)
    else:
        return -BAD_TYPE
    stop = after_digits(data, pid, end)
    if stop == pid or not has(data, stop, end, AFTER_PID):
        return -BAD_TYPE
    return stop + len(AFTER_PID)


@compiled
def after_timestamp(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Past the seconds and the ``|`` that ends them."""
    if start < 0:
        return start
    stop = find(data, PIPE, start, end)
    time = number(data, start, stop, LAST_SECOND)
    if time < 0:
        return -BAD_TIMESTAMP
    page.time[row] = time
    return stop + 1
