"""Reasons why a line is malformed: a closed list, in the order of the checks."""

from __future__ import annotations

from enum import IntEnum

#: Longest line that is parsed, in bytes, without its line feed (RULES section 1).
MAX_LINE = 65_536
#: Most hosts in one chunk: their index is sent as uint16.
MAX_HOSTS = 65_535


class Reason(IntEnum):
    """The reason why a line is malformed. A line with several faults has the first of this list.

    The values fit uint8 and start at 1, so that 0 can mean *well-formed*.
    ``docs/reference/formats.md`` defines each.
    """

    TOO_LONG = 1
    NUL = 2
    EMPTY = 3
    BAD_DATE = 4
    BAD_HOST = 5
    BAD_TYPE = 6
    BAD_TIMESTAMP = 7
    BAD_FIELDS = 8
    BAD_BYTES = 9
    BAD_STATUS = 10
    BAD_ATTEMPTS = 11
    BAD_ADDRESSES = 12
    BAD_DOMAIN = 13
    TOO_MANY_HOSTS = 14
    #: Set by the tailer, never by a parser: the last line of a finished file, without ``\n``.
    UNTERMINATED = 15
    #: Only in the format ``maillog``: an unknown event, and a delivery's end without its beginning.
    BAD_EVENT = 16
    UNKNOWN_DELIVERY = 17
    #: Only in the format ``syslog``: too many repeats, and repeats of a line that was not read.
    BAD_REPEAT = 18
    UNKNOWN_REPEAT = 19

    @property
    def label(self) -> str:
        """Return the name in metrics and reject files, e.g. ``bad-bytes``."""
        return self.name.lower().replace("_", "-")
