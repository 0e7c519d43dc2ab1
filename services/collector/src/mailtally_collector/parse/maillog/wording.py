"""What qmail says behind the stamp. Each sentence is one event, or is passed over.

Every function writes its event to the row and gives its kind, or a negated reason where a sentence
that begins like an event does not go on like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.machine.marks import Bytes, compiled
from mailtally_collector.parse.maillog.events import (
    DEFERRED,
    DONE,
    END,
    INFO,
    LOCAL,
    NEW,
    PASSED,
    REMOTE,
)
from mailtally_collector.parse.reasons import Reason
from mailtally_collector.parse.scanning import (
    SPACE,
    after_digits,
    byte_at,
    find,
    has,
    number,
    spelled,
)
from mailtally_shared.columns import MAX_SIZE

if TYPE_CHECKING:
    from mailtally_collector.parse.maillog.events import Events

BAD_EVENT: Final = int(Reason.BAD_EVENT)
BAD_BYTES: Final = int(Reason.BAD_BYTES)

#: Largest number of a message (an inode) or of a delivery.
MAX_NUMBER: Final = 2**58

NEW_MESSAGE: Final = spelled(b"new msg ")
INFO_MESSAGE: Final = spelled(b"info msg ")
STARTING: Final = spelled(b"starting delivery ")
DELIVERY: Final = spelled(b"delivery ")
END_MESSAGE: Final = spelled(b"end msg ")

BYTES: Final = spelled(b": bytes ")
FROM: Final = spelled(b" from <")
QP: Final = spelled(b" qp ")
UID: Final = spelled(b" uid ")
MESSAGE: Final = spelled(b": msg ")
TO_LOCAL: Final = spelled(b" to local ")
TO_REMOTE: Final = spelled(b" to remote ")
OUTCOME: Final = spelled(b": ")
SUCCESS: Final = spelled(b"success: ")
FAILURE: Final = spelled(b"failure: ")
DEFERRAL: Final = spelled(b"deferral: ")
MANGLED: Final = spelled(b"report mangled, will defer")
CLOSING: Final = ord(">")


@compiled
def read_wording(data: Bytes, start: int, end: int, row: int, events: Events) -> int:
    """Read the sentence ``data[start:end]``."""
    if has(data, start, STARTING):
        return read_start(data, start + len(STARTING), end, row, events)
    if has(data, start, DELIVERY):
        return read_outcome(data, start + len(DELIVERY), end, row, events)
    if has(data, start, INFO_MESSAGE):
        return read_info(data, start + len(INFO_MESSAGE), end, row, events)
    if has(data, start, NEW_MESSAGE):
        return read_bare(data, start + len(NEW_MESSAGE), end, NEW, row, events)
    if has(data, start, END_MESSAGE):
        return read_bare(data, start + len(END_MESSAGE), end, END, row, events)
    return PASSED


@compiled
def read_bare(data: Bytes, start: int, end: int, kind: int, row: int, events: Events) -> int:  # noqa: PLR0917 - a range and a place to write to
    """A message's number and nothing more."""
    events.number[row] = number(data, start, end, MAX_NUMBER)
    return kind if events.number[row] >= 0 else -BAD_EVENT


@compiled
def read_info(data: Bytes, start: int, end: int, row: int, events: Events) -> int:
    """``N: bytes B from <S> qp P uid U``. A sender holds no space: qmail writes ``_`` for it."""
    size = after_number(data, start, row, events)
    if size < 0 or not has(data, size, BYTES):
        return -BAD_EVENT
    size += len(BYTES)
    size_end = after_digits(data, size)
    if not has(data, size_end, FROM):
        return -BAD_EVENT
    events.size[row] = number(data, size, size_end, MAX_SIZE)
    if events.size[row] < 0:
        return -BAD_BYTES
    return read_sender(data, size_end + len(FROM), end, row, events)


@compiled
def read_sender(data: Bytes, start: int, end: int, row: int, events: Events) -> int:
    """``S> qp P uid U``."""
    space = find(data, SPACE, start, end)
    if space <= start - 1 or byte_at(data, space - 1) != CLOSING or not has(data, space, QP):
        return -BAD_EVENT
    uid = after_digits(data, space + len(QP))
    if uid == space + len(QP) or not has(data, uid, UID):
        return -BAD_EVENT
    uid += len(UID)
    if after_digits(data, uid) == uid:
        return -BAD_EVENT
    events.name[row] = start
    events.name_end[row] = space - 1
    return INFO


@compiled
def read_start(data: Bytes, start: int, end: int, row: int, events: Events) -> int:
    """``D: msg N to local R`` or ``D: msg N to remote R``."""
    message = after_number(data, start, row, events)
    if message < 0 or not has(data, message, MESSAGE):
        return -BAD_EVENT
    message += len(MESSAGE)
    channel = after_digits(data, message)
    events.message[row] = number(data, message, channel, MAX_NUMBER)
    if events.message[row] < 0:
        return -BAD_EVENT
    events.name_end[row] = end
    if has(data, channel, TO_LOCAL):
        events.name[row] = channel + len(TO_LOCAL)
        return LOCAL
    if has(data, channel, TO_REMOTE):
        events.name[row] = channel + len(TO_REMOTE)
        return REMOTE
    return -BAD_EVENT


@compiled
def read_outcome(data: Bytes, start: int, end: int, row: int, events: Events) -> int:  # noqa: ARG001 - as its neighbours are called
    """``D: success: …``, ``D: failure: …`` or ``D: deferral: …``."""
    outcome = after_number(data, start, row, events)
    if outcome < 0 or not has(data, outcome, OUTCOME):
        return -BAD_EVENT
    outcome += len(OUTCOME)
    if has(data, outcome, SUCCESS) or has(data, outcome, FAILURE):
        events.name[row] = outcome
        events.name_end[row] = outcome + len(SUCCESS) - len(OUTCOME)
        return DONE
    if has(data, outcome, DEFERRAL) or has(data, outcome, MANGLED):
        return DEFERRED
    return -BAD_EVENT


@compiled
def after_number(data: Bytes, start: int, row: int, events: Events) -> int:
    """Past the number at hand, which is written down; -1 where there is none."""
    end = after_digits(data, start)
    events.number[row] = number(data, start, end, MAX_NUMBER)
    return end if events.number[row] >= 0 else -1
