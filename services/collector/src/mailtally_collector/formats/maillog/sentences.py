"""How qmail's own log is read: its framing, by syslog or multilog, and its sentences.

    Sep 14 09:58:09 mail.example.com qmail: 1063526289.292776 …      through syslog
    @4000000038c3eeb027f6b0a4 …                                      through multilog

A sentence that begins like an event and does not continue like one is malformed; any other is
passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.engine.reasons import Reason
from mailtally_kernel import (
    ANY,
    DIGITS,
    LETTERS,
    AtEnd,
    Bytes,
    Event,
    Field,
    Gives,
    Hex,
    Kept,
    Maybe,
    Must,
    Number,
    OneOf,
    Rest,
    Set,
    Shared,
    Text,
    UpTo,
    Value,
)
from mailtally_shared.schema import END_OF_TIME, MAX_SIZE, Service

if TYPE_CHECKING:
    from mailtally_kernel import Pattern

#: Largest number of a message (an inode) or of a delivery.
_MAX_NUMBER: Final = 2**58
_LAST_TIME: Final = END_OF_TIME - 1
#: The offset that daemontools adds to Unix seconds; it ignores leap seconds.
_TAI_BIAS: Final = 2**62 + 10

_DIGIT: Final = Bytes(DIGITS, 1, 1)
_TWO_DIGITS: Final = Bytes(DIGITS, 2, 2)
_SPACE: Final = Text(b" ")
_HOST: Final = DIGITS + LETTERS + b"-_.:"
#: A sender has no space: qmail writes ``_`` for it.
_NO_SPACE: Final = ANY.replace(b" ", b"")

_DATE: Final = Must(
    Reason.BAD_DATE,
    *(Bytes(LETTERS, 3, 3), _SPACE, Bytes(b" " + DIGITS, 1, 1), _DIGIT, _SPACE),
    *(_TWO_DIGITS, Text(b":"), _TWO_DIGITS, Text(b":"), _TWO_DIGITS, _SPACE),
)
_LABEL: Final = Must(
    Reason.BAD_TIMESTAMP,
    Hex(Field.TIME, 16, most=_LAST_TIME, bias=_TAI_BIAS),
    Bytes(b"0123456789abcdef", 8, 8),
    _SPACE,
)
_SYSLOG: Final[Pattern] = (
    Shared(
        _DATE,
        Must(
            Reason.BAD_HOST,
            Kept(Field.HOST, Bytes(_HOST, 1, 255)),
            OneOf((AtEnd(), Gives(Event.PASS)), (_SPACE,)),
        ),
        Text(b"qmail"),
        OneOf((Text(b": "),), (Text(b"["), Bytes(DIGITS, 0), Text(b"]: "))),
        Must(Reason.BAD_TIMESTAMP, Number(Field.TIME, _LAST_TIME)),
    ),
    Must(
        Reason.BAD_TIMESTAMP,
        Maybe(Text(b"."), Bytes(DIGITS)),
        # ``+`` continues an earlier line.
        OneOf((_SPACE,), (Text(b"+"), Gives(Event.PASS))),
    ),
)

_START: Final[Pattern] = (
    Text(b"starting delivery "),
    Must(
        Reason.BAD_EVENT,
        *(Number(Field.DELIVERY, _MAX_NUMBER), Text(b": msg ")),
        *(Number(Field.MESSAGE, _MAX_NUMBER), Text(b" to ")),
        OneOf(
            (Text(b"local "), Set(Field.WAY, Service.SMTP_IN)),
            (Text(b"remote "), Set(Field.WAY, Service.SMTP_OUT)),
        ),
        Kept(Field.RECIPIENT, Rest()),
    ),
    Gives(Event.START),
)
_END: Final[Pattern] = (
    Text(b"delivery "),
    Must(
        Reason.BAD_EVENT,
        *(Number(Field.DELIVERY, _MAX_NUMBER), Text(b": ")),
        OneOf(
            (Kept(Field.STATUS, Text(b"success")), Text(b": "), Gives(Event.FINISH)),
            (Kept(Field.STATUS, Text(b"failure")), Text(b": "), Gives(Event.FINISH)),
            (Text(b"deferral: "), Gives(Event.DEFER)),
            (Text(b"report mangled, will defer"), Gives(Event.DEFER)),
        ),
    ),
)
_SIZE: Final[Pattern] = (
    Text(b"info msg "),
    Must(
        Reason.BAD_EVENT,
        *(Number(Field.MESSAGE, _MAX_NUMBER), Text(b": bytes ")),
        *(Kept(Field.SIZE, Bytes(DIGITS)), Text(b" from <")),
    ),
    Must(Reason.BAD_BYTES, Value(Field.SIZE, MAX_SIZE)),
    Must(
        Reason.BAD_EVENT,
        *(Kept(Field.SENDER, UpTo(b"> qp ", of=_NO_SPACE)), Text(b"> qp ")),
        *(Bytes(DIGITS), Text(b" uid "), Bytes(DIGITS)),
    ),
    Gives(Event.LEARN),
)


def _bare(sentence: bytes) -> Pattern:
    """Return the pattern of a sentence that ends with a message's number, which is free then."""
    number = Must(Reason.BAD_EVENT, Number(Field.MESSAGE, _MAX_NUMBER), AtEnd())
    return Text(sentence), number, Gives(Event.FORGET)


QMAIL: Final[Pattern] = (
    OneOf((Text(b"@"), _LABEL), _SYSLOG),
    OneOf(_START, _END, _SIZE, _bare(b"new msg "), _bare(b"end msg ")),
)
