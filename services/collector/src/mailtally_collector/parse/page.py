"""The page the kernel writes on: one row a record, one dictionary a kind of name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mailtally_collector.parse.names import Key, Names
from mailtally_collector.parse.reasons import MAX_LINE
from mailtally_collector.parse.words import WORD, Words, words_of

if TYPE_CHECKING:
    from mailtally_collector.parse.machine import Bytes
    from mailtally_shared.columns import Array


class Page(NamedTuple):
    """Rows for up to ``n`` lines. A row that turns out malformed is written over by the next."""

    start: Array  # int64 (n,): offset of the line in the chunk
    end: Array  # int64 (n,): its end, without the line feed
    time: Array  # int64 (n,)
    size: Array  # int64 (n,)
    attempts: Array  # int64 (n,)
    service: Array  # uint8 (n,)
    host: Array  # uint32 (n,): indices into the dictionaries
    status: Array  # uint32 (n,)
    domain: Array  # uint32 (n,)
    hosts: Names
    statuses: Names
    domains: Names
    words: Words  # of the chunk
    #: Of the line at hand, behind its timestamp: offset of each ``|``, and of the line's end.
    pipe: Array  # int64
    #: The same of each ``@``.
    at: Array  # int64

    @classmethod
    def blank(cls, rows: int, data: Bytes, key: Key) -> Page:
        """A page for ``rows`` lines of ``data``."""
        start, end, time, size, attempts = (np.empty(rows, np.int64) for _ in range(5))
        host, status, domain = (np.empty(rows, np.uint32) for _ in range(3))
        hosts, statuses, domains = (Names.for_at_most(rows, data, key) for _ in range(3))
        pipe, at = (np.empty(MAX_LINE + 2 * WORD, np.int64) for _ in range(2))
        return cls(
            start=start,
            end=end,
            time=time,
            size=size,
            attempts=attempts,
            service=np.empty(rows, np.uint8),
            host=host,
            status=status,
            domain=domain,
            hosts=hosts,
            statuses=statuses,
            domains=domains,
            words=words_of(data),
            pipe=pipe,
            at=at,
        )


class Margin(NamedTuple):
    """The malformed lines, for up to ``n`` of them."""

    start: Array  # int64 (n,): offset of the line in the chunk
    end: Array  # int64 (n,): its end, without the line feed
    reason: Array  # uint8 (n,)

    @classmethod
    def blank(cls, rows: int) -> Margin:
        """Room for ``rows`` lines."""
        return cls(np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(rows, np.uint8))
