"""Courier: IMAP and POP3 sessions by their last line.

    imapd: LOGOUT, user=bob@example.com, ip=[::ffff:192.0.2.1], port=[40000], headers=0, body=0, rcvd=45, sent=323, time=1
    pop3d: DISCONNECTED, user=bob@example.com, ip=[192.0.2.1], top=0, retr=3000, time=1

``headers=`` and ``body=`` are in ``sent``. Lines without ``user=`` are of no account.
"""  # noqa: E501 - lines as they are logged

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.programs.program import MailProgram
from mailtally_collector.formats.programs.sizes import (
    DIGITS_OF_MORE,
    DIGITS_OF_SIZE,
    SESSION_OF_BOTH,
    session_of,
)
from mailtally_kernel import AtEnd, Before, Field, Kept, Maybe, OneOf, Rest, Set, Text, Within
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.log_format import Setting
    from mailtally_kernel import Pattern


def _one_of(*texts: bytes) -> OneOf:
    return OneOf(*((Text(text),) for text in texts))


_SERVICE: Final = Within(
    Field.PROGRAM,
    OneOf(
        (Text(b"imapd"), Set(Field.WAY, Service.IMAP)),
        (Text(b"pop3d"), Set(Field.WAY, Service.POP3)),
    ),
    OneOf((Text(b"-ssl"), AtEnd()), (AtEnd(),)),
)
_ENDS: Final = _one_of(
    *(b"LOGOUT", b"DISCONNECTED", b"TIMEOUT", b"Disconnected during shutdown by signal"),
    *(b"I/O error disconnect", b"disc"),
)


def _first(key: bytes, size: Kept, other: bytes, more: Kept) -> Within:
    """Take nothing; two values that follow each other are kept."""
    pair = Before(Field.RECIPIENT, key, Text(key), size, Text(other), more)
    return Within(Field.INNER, pair)


_WIRE: Final = _first(b", rcvd=", DIGITS_OF_SIZE, b", sent=", DIGITS_OF_MORE)
_FETCHED: Final = _first(b", top=", DIGITS_OF_SIZE, b", retr=", DIGITS_OF_MORE)


def _body(setting: Setting) -> Pattern:
    return (
        *(_SERVICE, Maybe(_one_of(b"INFO: ", b"NOTICE: ", b"ERR: ")), _ENDS, Text(b", user=")),
        *(Before(Field.SENDER, b", ip=[", Text(b", ip=[")), Kept(Field.INNER, Rest())),
        OneOf((_WIRE, *session_of(setting)), (_FETCHED, *SESSION_OF_BOTH)),
    )


COURIER: Final = MailProgram(
    name="courier",
    claims=(
        OneOf(
            (_one_of(b"imap", b"pop3"), _one_of(b"d-ssl", b"d", b"login")),
            (
                Text(b"courier"),
                _one_of(b"dsn", b"d", b"esmtpd", b"esmtp", b"filter", b"local", b"uucp", b"fax"),
            ),
            (Text(b"submit"),),
            (Text(b"authdaemond"),),
        ),
        AtEnd(),
    ),
    body=_body,
    certain=rb"(?:imapd|pop3d)(?:-ssl)?: (?:[A-Z]+: )?(?:LOGIN|LOGOUT|DISCONNECTED|TIMEOUT), ",
)
