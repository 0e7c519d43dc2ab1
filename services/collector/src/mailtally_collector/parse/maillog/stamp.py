"""The left end of a line, in either of its clothes: who wrote it, and when.

    Sep 14 09:58:09 mail.example.com qmail: 1063526289.292776 …      through syslog
    @4000000038c3eeb027f6b0a4 …                                      through multilog

Gives the offset of what qmail said, 0 for a line to be passed over, or a negated reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.head import (
    BAD_DATE,
    BAD_TIMESTAMP,
    after_date,
    after_host,
)
from mailtally_collector.parse.scanning import (
    AT,
    SPACE,
    after_digits,
    byte_at,
    has,
    is_digit,
    number,
    spelled,
)
from mailtally_collector.parse.words import same
from mailtally_shared.columns import END_OF_TIME

if TYPE_CHECKING:
    from mailtally_collector.parse.maillog.events import Events

#: The index of the collector's own host, which lines without a host belong to.
OWN_HOST: Final = 0

QMAIL: Final = spelled(b" qmail")
COLON: Final = spelled(b": ")
PID: Final = spelled(b"[")
AFTER_PID: Final = spelled(b"]: ")
DOT: Final = ord(".")
PLUS: Final = ord("+")

#: What each byte is worth as a hexadecimal digit, 16 where it is none.
HEX: Final = np.full(256, 16, np.uint8)
HEX[list(b"0123456789abcdef")] = range(16)
NO_HEX: Final = 16
#: A TAI64N label: so many digits for the seconds, and so many in all.
SECONDS_DIGITS: Final = 16
LABEL_DIGITS: Final = 24
#: What daemontools adds to Unix seconds. It knows no leap seconds.
TAI_BIAS: Final = 2**62 + 10


@compiled
def read_stamp(data: Bytes, start: int, row: int, events: Events) -> int:
    """Write down the host and the time; gives what the module says."""
    if byte_at(data, start) == AT:
        return read_label(data, start + 1, row, events)
    fraction = after_recent(data, start, row, events)
    if fraction:
        return after_fraction(data, fraction)
    host = after_date(data, start)
    if host < 0:
        return -BAD_DATE
    program = after_host(data, host, row, events.hosts, events.host)
    if program < 0:
        return program
    seconds = after_program(data, program)
    return read_seconds(data, start, seconds, row, events) if seconds else 0


@compiled
def after_recent(data: Bytes, start: int, row: int, events: Events) -> int:
    """Past the seconds, if all up to them is as it last was: many lines are of one second.

    Gives 0 where it is not.
    """
    recent = events.recent
    end: int = start + recent.end[0] - recent.start[0]
    if end == start or end >= len(data) or byte_at(data, end) != DOT:
        return 0
    if not same(events.words, start, end, recent.start[0], recent.end[0]):
        return 0
    events.host[row] = recent.host[0]
    events.time[row] = recent.time[0]
    return end


@compiled
def read_label(data: Bytes, start: int, row: int, events: Events) -> int:
    """Past a TAI64N label and the space behind it."""
    seconds = 0
    for k in range(LABEL_DIGITS):
        worth = byte_at(HEX, byte_at(data, start + k))
        if worth == NO_HEX or (k == 0 and worth > 4):  # noqa: PLR2004 - later labels overflow
            return -BAD_TIMESTAMP
        if k < SECONDS_DIGITS:
            seconds = seconds * 16 + worth
    time = seconds - TAI_BIAS
    end = start + LABEL_DIGITS
    if not 0 <= time < END_OF_TIME or byte_at(data, end) != SPACE:
        return -BAD_TIMESTAMP
    events.host[row] = OWN_HOST
    events.time[row] = time
    return end + 1


@compiled
def after_program(data: Bytes, start: int) -> int:
    """Past `` qmail: `` or `` qmail[pid]: ``; 0 where another program wrote the line."""
    if not has(data, start, QMAIL):
        return 0
    end = start + len(QMAIL)
    if has(data, end, COLON):
        return end + len(COLON)
    if not has(data, end, PID):
        return 0
    end = after_digits(data, end + len(PID))
    return end + len(AFTER_PID) if has(data, end, AFTER_PID) else 0


@compiled
def read_seconds(data: Bytes, line: int, start: int, row: int, events: Events) -> int:
    """Past ``seconds.fraction`` and a space."""
    end = after_digits(data, start)
    time = number(data, start, end, END_OF_TIME - 1)
    if time < 0:
        return -BAD_TIMESTAMP
    events.time[row] = time
    recent = events.recent
    recent.start[0], recent.end[0] = line, end
    recent.host[0], recent.time[0] = events.host[row], time
    return after_fraction(data, end)


@compiled
def after_fraction(data: Bytes, start: int) -> int:
    """Past ``.fraction``, if there is one, and a space; ``+`` goes on with a line before."""
    end = start
    if byte_at(data, end) == DOT and is_digit(byte_at(data, end + 1)):
        end = after_digits(data, end + 1)
    if byte_at(data, end) == PLUS:
        return 0
    return end + 1 if byte_at(data, end) == SPACE else -BAD_TIMESTAMP
