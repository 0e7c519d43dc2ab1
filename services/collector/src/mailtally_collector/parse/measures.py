"""The right end of a line: ``|bytes|status[|attempts]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.names import index_of, known
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import all_digits, byte_at, number
from mailtally_collector.parse.words import WORD, short_number
from mailtally_shared.columns import MAX_ATTEMPTS, MAX_SIZE, MAX_SUM

if TYPE_CHECKING:
    from mailtally_collector.parse.page import Page

BAD_FIELDS: Final = int(Reason.BAD_FIELDS)
BAD_BYTES: Final = int(Reason.BAD_BYTES)
BAD_STATUS: Final = int(Reason.BAD_STATUS)
BAD_ATTEMPTS: Final = int(Reason.BAD_ATTEMPTS)

MAX_STATUS: Final = 32
FIRST_PRINTABLE: Final = ord("!")
LAST_PRINTABLE: Final = ord("~")

#: Fields behind the addresses, without attempts and with them.
WITHOUT_ATTEMPTS: Final = 2
WITH_ATTEMPTS: Final = 3


@compiled
def read_measures(data: Bytes, pipes: int, row: int, page: Page) -> int:
    """Write down bytes, status and attempts; gives the number of pipes left of them.

    Gives a negated reason where something is wrong. ``page.pipe[:pipes]`` are those behind the
    timestamp, the next is the end of the line.
    """
    fields = fields_on_the_right(data, pipes, page)
    left = pipes - fields
    if left < 1:
        return -BAD_FIELDS
    size = field_number(data, left, MAX_SIZE, page)
    if size < 0:
        return -BAD_BYTES
    status = status_of(data, page.pipe[left + 1] + 1, page.pipe[left + 2], page)
    if status < 0:
        return -BAD_STATUS
    attempts = 1
    if fields == WITH_ATTEMPTS:
        attempts = field_number(data, left + 2, MAX_ATTEMPTS, page)
    if attempts < 0 or (attempts > 1 and size > MAX_SUM // attempts):
        return -BAD_ATTEMPTS
    page.size[row] = size
    page.status[row] = status
    page.attempts[row] = attempts
    return left


@compiled
def fields_on_the_right(data: Bytes, pipes: int, page: Page) -> int:
    """There are attempts when the last field and the third from the right are all digits."""
    if pipes < WITH_ATTEMPTS:
        return WITHOUT_ATTEMPTS
    third, second = page.pipe[pipes - 3], page.pipe[pipes - 2]
    last, end = page.pipe[pipes - 1], page.pipe[pipes]
    digits = all_digits(data, last + 1, end) and all_digits(data, third + 1, second)
    return WITH_ATTEMPTS if digits else WITHOUT_ATTEMPTS


@compiled
def field_number(data: Bytes, pipe: int, most: int, page: Page) -> int:
    """The number behind a pipe; -1 where it is none or larger than ``most``.

    ``most`` has more than eight digits: up to those there is no need to compare.
    """
    start, end = page.pipe[pipe] + 1, page.pipe[pipe + 1]
    if 0 < end - start <= WORD:
        return short_number(page.words, end, end - start)
    return number(data, start, end, most)


@compiled
def status_of(data: Bytes, start: int, end: int, page: Page) -> int:
    """The index of the status; -1 where it is no token."""
    if not 0 < end - start <= MAX_STATUS:
        return -1
    index = known(start, end, page.statuses)
    if index >= 0:
        return index
    for i in range(start, end):
        if not FIRST_PRINTABLE <= byte_at(data, i) <= LAST_PRINTABLE:
            return -1
    return index_of(start, end, page.statuses)
