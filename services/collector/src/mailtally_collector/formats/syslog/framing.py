"""The framing of syslog in its dialects, decided for each line alone, and its repeats.

    Nov  8 09:01:02 host prog[123]: body                          RFC 3164, also with <PRI>
    2026-11-08T09:01:02.123456+01:00 host prog[123]: body         ISO, as rsyslog writes it
    <22>1 2026-11-08T09:01:02Z host prog 123 ID [sd k="v"] body   RFC 5424
    1794128462.123456 host prog[123]: body                        journalctl -o short-unix
    2026-11-08 09:01:02.123 body                                  a program's own log: no host

Each pattern leaves the stamp, the host, and the program's name; bytes are left at the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.engine.reasons import Reason
from mailtally_kernel import (
    ANY,
    DIGITS,
    LETTERS,
    Ahead,
    AtEnd,
    Bytes,
    Enter,
    Event,
    Field,
    Gives,
    Kept,
    Maybe,
    Moment,
    Must,
    Number,
    Offset,
    OneOf,
    Rest,
    Set,
    Stamp,
    Structured,
    Text,
    UpTo,
    UpToLast,
    Value,
    Within,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_kernel import Pattern

#: The number of other programs; those of a log's programs follow.
OTHER_PROGRAM: Final = 1
#: More often than a syslog daemon lets a line happen before it says so.
_MOST_TIMES: Final = 100_000
_HIGHEST_PRIORITY: Final = 191
_UNIX_SECONDS: Final = 10**12

_SPACE: Final = Text(b" ")
_NO_SPACE: Final = Bytes(ANY.replace(b" ", b""))
_TWO_DIGITS: Final = Bytes(DIGITS, 2, 2)
_SIGN: Final = Bytes(b"+-", 1, 1)
#: A record may name fewer hosts; lines of other programs are passed whatever their host is.
_HOST: Final = Bytes(bytes(range(0x21, 0x7F)), 1, 255)
_FRACTION: Final = Maybe(Text(b"."), Bytes(DIGITS, 1, 9))
_NO_HOST: Final = Kept(Field.HOST)
_NO_PROGRAM: Final = Kept(Field.PROGRAM)
_OFFSET: Final = Must(Reason.BAD_TIMESTAMP, Offset(Field.INNER))

_ISO: Final[Pattern] = (
    *(Stamp(b"T"), Maybe(Text(b"."), Bytes(DIGITS, 0, 9))),
    Kept(
        Field.INNER,
        OneOf(
            (Text(b"Z"),),
            (_SIGN, _TWO_DIGITS, Maybe(Text(b":")), _TWO_DIGITS),
            (),
        ),
    ),
)
#: Stamps that a host follows.
_OF_SYSLOG: Final[Pattern] = (
    OneOf(
        (Stamp(), _FRACTION, _SPACE),
        (*_ISO, _SPACE, _OFFSET),
        (
            *(Ahead(Bytes(DIGITS, 1, 12), Text(b".")), Number(Field.TIME, _UNIX_SECONDS)),
            *(Text(b"."), Bytes(DIGITS, 6, 6), _SPACE, Moment()),
        ),
    ),
)
#: The stamp of a log without hosts; an offset follows it, or none.
_OF_A_PROGRAM: Final[Pattern] = (
    *(Stamp(b" "), _FRACTION),
    OneOf(
        (_SPACE, Kept(Field.INNER, _SIGN, _TWO_DIGITS, _TWO_DIGITS), Ahead(_SPACE)),
        (Kept(Field.INNER),),
    ),
    *(_SPACE, _OFFSET),
)

_FACILITY: Final = Maybe(
    *(Text(b"<"), Bytes(DIGITS + LETTERS.lower()), Text(b".")),
    *(Bytes(DIGITS + LETTERS.lower()), Text(b"> ")),
)
_PRIORITY: Final = Maybe(
    *(Text(b"<"), Ahead(Bytes(DIGITS, 1, 3), Text(b">"))),
    *(Number(Field.MORE, _HIGHEST_PRIORITY), Text(b">")),
)
_TAG: Final = OneOf(
    (
        Kept(Field.PROGRAM, Bytes(bytes(set(ANY) - set(b" [:")))),
        Maybe(Text(b"["), UpTo(b"]"), Text(b"]")),
        *(Text(b":"), Maybe(_SPACE)),
    ),
    (_NO_PROGRAM,),
)
_HOST_AND_TAG: Final[Pattern] = (
    _FACILITY,
    Must(Reason.BAD_HOST, Kept(Field.HOST, _HOST), OneOf((AtEnd(),), (_SPACE,))),
    *(_FACILITY, _TAG),
)

_RFC_5424: Final[Pattern] = (
    *(Text(b"<"), Bytes(DIGITS, 1, 3), Text(b">1 ")),
    *(Kept(Field.INNER, _NO_SPACE), _SPACE, Kept(Field.HOST, _NO_SPACE), _SPACE),
    *(Kept(Field.PROGRAM, _NO_SPACE), _SPACE, _NO_SPACE, _SPACE, _NO_SPACE, _SPACE),
    Structured(),
    OneOf((AtEnd(),), (_SPACE, Maybe(Text(b"\xef\xbb\xbf")), Maybe(_SPACE))),
    Within(Field.INNER, Must(Reason.BAD_TIMESTAMP, *_ISO, AtEnd(), Offset(Field.INNER))),
    Within(
        Field.HOST,
        OneOf((Text(b"-"), AtEnd(), _NO_HOST), (Must(Reason.BAD_HOST, _HOST, AtEnd()),)),
    ),
    Within(Field.PROGRAM, OneOf((Text(b"-"), AtEnd(), _NO_PROGRAM), (Rest(),))),
)

#: The line before, of this host, happened more often.
_LAST_REPEATED: Final[Pattern] = (
    Within(
        Field.PROGRAM,
        OneOf((AtEnd(),), (Text(b"syslogd"), AtEnd()), (Text(b"kernel"), AtEnd())),
    ),
    *(Maybe(_SPACE), Text(b"last message repeated "), Kept(Field.TIMES, Bytes(DIGITS))),
    *(Text(b" time"), Maybe(Text(b"s")), AtEnd()),
    Must(Reason.BAD_REPEAT, Value(Field.TIMES, _MOST_TIMES)),
    *(Set(Field.PROGRAM, OTHER_PROGRAM), Gives(Event.REPEAT)),
)
#: The line in brackets did.
_THIS_REPEATED: Final[Pattern] = (
    *(Text(b"message repeated "), Kept(Field.TIMES, Bytes(DIGITS)), Text(b" times: [")),
    *(Maybe(_SPACE), Kept(Field.INNER, UpToLast(b"]")), Text(b"]"), AtEnd()),
    Must(Reason.BAD_REPEAT, Value(Field.TIMES, _MOST_TIMES)),
    Enter(Field.INNER),
)

REPEATS: Final = OneOf(_LAST_REPEATED, _THIS_REPEATED, ())


def framing(own_logs: Sequence[Pattern]) -> OneOf:
    """Return the pattern of a line's framing; a line without any is passed.

    Args:
        own_logs: what follows the stamp where a program writes a log of its own; each pattern
            fails, or ends the line.
    """
    return OneOf(
        _RFC_5424,
        (
            _PRIORITY,
            OneOf(
                (*_OF_SYSLOG, OneOf(*own_logs, _HOST_AND_TAG)),
                (*_OF_A_PROGRAM, OneOf(*own_logs, (_NO_HOST, _NO_PROGRAM))),
            ),
        ),
        (Gives(Event.PASS),),
    )
