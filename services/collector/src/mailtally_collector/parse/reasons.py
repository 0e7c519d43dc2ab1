"""Why a line is malformed: a closed list, in the order in which the checks are made."""

from __future__ import annotations

from enum import IntEnum

#: Longest line that is looked at, in bytes, without its line feed (RULES section 1).
MAX_LINE = 65_536
#: Hosts that one chunk may name: their index travels as uint16.
MAX_HOSTS = 65_535


class Reason(IntEnum):
    """Why a line is malformed. A line with several faults has the first of this list.

    The values fit uint8 and start at 1, so that 0 can mean *well-formed*. What exactly each one
    means is in ``docs/formats.md``.
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
    #: Never found by a parser: the tailer's word for a finished file's last line without ``\n``.
    UNTERMINATED = 15
    #: Of the ``maillog`` format only: words that are no event's, and an end without a beginning.
    BAD_EVENT = 16
    UNKNOWN_DELIVERY = 17

    @property
    def label(self) -> str:
        """The token in metrics and reject files, e.g. ``bad-bytes``."""
        return self.name.lower().replace("_", "-")
