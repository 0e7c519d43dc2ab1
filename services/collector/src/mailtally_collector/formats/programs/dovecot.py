"""Dovecot: IMAP and POP3 sessions by their last line.

    imap(bob@example.com)<846><EgPmyrZJ7NKsHgAB>: Disconnected: Logged out in=29 out=399 …
    pop3(bob@example.com): Logged out top=0/0, retr=2/3000, del=0/5, size=99999

A session's end is known by its keys, never by its reason. The last ones of a line count, since they
follow all free text. ``size=`` is the mailbox's; ``hdr_bytes`` and ``body_bytes`` are in ``out``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.programs.program import MailProgram
from mailtally_collector.formats.programs.sizes import (
    DIGITS_OF_MORE,
    DIGITS_OF_SIZE,
    SESSION_OF_BOTH,
    session_of,
)
from mailtally_kernel import (
    ANY,
    DIGITS,
    LETTERS,
    After,
    Ahead,
    Before,
    Bytes,
    Event,
    Field,
    Gives,
    Kept,
    Last,
    Maybe,
    OneOf,
    Rest,
    Set,
    Text,
    UpTo,
    Within,
)
from mailtally_shared.schema import Service

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.log_format import Setting
    from mailtally_kernel import Pattern


def _one_of(*texts: bytes) -> OneOf:
    return OneOf(*((Text(text),) for text in texts))


_LEVELS: Final = (b"Debug: ", b"Info: ", b"Warning: ", b"Error: ", b"Fatal: ", b"Panic: ")
_LEVEL: Final = Maybe(_one_of(*_LEVELS))
#: The end of a user's name, which may hold anything, and of what follows it before the text.
_USER: Final[Pattern] = (
    OneOf(
        (
            Before(
                *(Field.SENDER, b")<", Text(b")<"), Bytes(DIGITS), Text(b"><")),
                *(Bytes(ANY.replace(b">", b""), 0), Text(b">: ")),
            ),
        ),
        (
            Before(
                *(Field.SENDER, b")<", Text(b")<")),
                *(Bytes(bytes(set(ANY) - set(b"<> ")), 0), Text(b">: ")),
            ),
        ),
        (Before(Field.SENDER, b"): ", Text(b"): ")),),
    ),
    # ``%u,%r`` puts the client's address behind the name.
    Maybe(Within(Field.SENDER, Ahead(UpTo(b",")), Kept(Field.SENDER, UpTo(b",")))),
    _LEVEL,
)
#: Events that quote a message's headers, which its sender wrote.
_QUOTING: Final[Pattern] = (
    _one_of(
        *(b"delete: ", b"undelete: ", b"expunge: ", b"autoexpunge: ", b"save: ", b"append: "),
        *(b"flag_change: ", b"sieve: ", b"imapsieve: ", b"copy from ", b"Mailbox created: "),
        *(b"Mailbox deleted: ", b"Mailbox renamed: "),
    ),
    Gives(Event.PASS),
)


def _last(key: bytes, *value: Bytes | Kept | Text) -> Within:
    """Take nothing; the value of the last of a key is kept."""
    return Within(Field.INNER, Last(key, After(b" ,("), Text(key), *value))


_WIRE: Final[Pattern] = (_last(b"in=", DIGITS_OF_SIZE), _last(b"out=", DIGITS_OF_MORE))
_OLD_WIRE: Final[Pattern] = (_last(b"bytes=", DIGITS_OF_SIZE, Text(b"/"), DIGITS_OF_MORE),)
#: Of POP3, bytes of mail fetched, whole and by TOP.
_FETCHED: Final[Pattern] = (
    _last(b"retr=", Bytes(DIGITS), Text(b"/"), DIGITS_OF_SIZE),
    _last(b"top=", Bytes(DIGITS), Text(b"/"), DIGITS_OF_MORE),
)


def _body(setting: Setting) -> Pattern:
    said: Pattern = (*_USER, OneOf(_QUOTING, (Kept(Field.INNER, Rest()),)))
    wire, old_wire = (*_WIRE, *session_of(setting)), (*_OLD_WIRE, *session_of(setting))
    return (
        _LEVEL,
        OneOf(
            (
                _one_of(b"imap(", b"imap-hibernate(", b"IMAP("),
                *(Set(Field.WAY, Service.IMAP), *said),
                OneOf(wire, old_wire),
            ),
            (
                _one_of(b"pop3(", b"POP3("),
                *(Set(Field.WAY, Service.POP3), *said),
                OneOf(wire, old_wire, (*_FETCHED, *SESSION_OF_BOTH)),
            ),
        ),
    )


DOVECOT: Final = MailProgram(
    name="dovecot",
    claims=(Text(b"dovecot"),),
    body=_body,
    certain=rb"dovecot[^ \n:\[]*(?:\[[^\]\n]*\])?:? (?:[a-z0-9-]+[(:]|[A-Z][a-z]+: )",
    own_log=(
        # No host of syslog fits this, which is soon seen.
        Ahead(Bytes(LETTERS + DIGITS + b"-"), _one_of(b"(", b": ")),
        _one_of(
            *_LEVELS,
            *(
                service + b"("
                for service in (
                    *(b"imap", b"pop3", b"imap-hibernate", b"imap-urlauth", b"managesieve"),
                    *(b"submission", b"lmtp", b"lda", b"doveadm"),
                )
            ),
            *(
                service + b": "
                for service in (
                    *(b"imap-login", b"pop3-login", b"managesieve-login", b"submission-login"),
                    *(b"auth", b"auth-worker", b"master", b"anvil", b"stats", b"indexer"),
                    *(b"indexer-worker", b"config", b"log", b"director", b"ssl-params", b"dict"),
                    *(b"lmtp", b"quota-status", b"replicator"),
                )
            ),
        ),
    ),
)
