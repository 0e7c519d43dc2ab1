"""The right end of a line: ``|bytes|status[|attempts]``."""

from __future__ import annotations

from typing import Final

from mailtally_collector.parse.machine import Bytes, compiled
from mailtally_collector.parse.names import STATUS, index_of
from mailtally_collector.parse.page import Page
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import PIPE, all_digits, find_last, number
from mailtally_shared.columns import MAX_ATTEMPTS, MAX_SIZE, MAX_SUM

BAD_FIELDS: Final = int(Reason.BAD_FIELDS)
BAD_BYTES: Final = int(Reason.BAD_BYTES)
BAD_STATUS: Final = int(Reason.BAD_STATUS)
BAD_ATTEMPTS: Final = int(Reason.BAD_ATTEMPTS)

MAX_STATUS: Final = 32


@compiled
def read_measures(data: Bytes, start: int, end: int, row: int, page: Page) -> int:
    """Where the addresses end, or a negated reason; writes down bytes, status and attempts.

    ``start`` is behind the ``|`` of the timestamp.
    """
    before_bytes, before_status, status_end = layout(data, start, end)
    if before_bytes < 0:
        return -BAD_FIELDS
    size = number(data, before_bytes + 1, before_status, MAX_SIZE)
    if size < 0:
        return -BAD_BYTES
    status = status_of(data, before_status + 1, status_end, page)
    if status < 0:
        return -BAD_STATUS
    attempts = attempts_of(data, status_end, end)
    if attempts < 0 or (attempts > 1 and size > MAX_SUM // attempts):
        return -BAD_ATTEMPTS
    page.size[row] = size
    page.status[row] = status
    page.attempts[row] = attempts
    return before_bytes


@compiled
def layout(data: Bytes, start: int, end: int) -> tuple[int, int, int]:
    """Where the ``|`` before bytes and before status are, and the end of the status.

    The first is negative where there are too few fields. There are attempts when the last
    field and the third from the right are all digits. In front of the ``|`` before bytes there
    has to be another one, between the addresses.
    """
    last = find_last(data, PIPE, start, end)
    second = find_last(data, PIPE, start, last)
    third = find_last(data, PIPE, start, second)
    if third < 0:
        return -1, -1, -1
    if not (all_digits(data, last + 1, end) and all_digits(data, third + 1, second)):
        return second, last, end
    fourth = find_last(data, PIPE, start, third)
    return (third if fourth >= 0 else -1), second, last


@compiled
def status_of(data: Bytes, start: int, end: int, page: Page) -> int:
    """The index of the status, -1 where it is no token."""
    if not 0 < end - start <= MAX_STATUS:
        return -1
    return index_of(data, start, end, STATUS, page.key, page.statuses)


@compiled
def attempts_of(data: Bytes, status_end: int, end: int) -> int:
    """The attempts, 1 where the line ends with the status, -1 where they are too many."""
    if status_end == end:
        return 1
    return number(data, status_end + 1, end, MAX_ATTEMPTS)
