"""Exim's lines, read without regard to other lines (FORMATS 4.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.reference.outcome import need, number

ID = re.compile(
    rb"(?P<id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2}"
    rb"|[0-9A-Za-z]{6}-[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) (?P<rest>.*)\Z",
    re.DOTALL,
)
PID = re.compile(rb"\[[0-9]+\] ")
#: A part of a long line in syslog: which, of how many, and whether it was cut at a line end.
PART = re.compile(rb"\[(?P<part>[0-9]{1,3})(?P<cut>[/\\])(?P<parts>[0-9]{1,3})\] ")
FLAG = re.compile(rb"(?P<flag><=|\(=|=>|->|>>|\*>|\*\*|==) (?P<rest>.*)\Z", re.DOTALL)
#: A quoted string, as Exim writes T="..." or C="...".
QUOTED = re.compile(rb'(?<==)"(?:[^"\\]|\\.)*"', re.DOTALL)
HOST = re.compile(rb" H=(?P<name>.*?) ?\[(?P<address>[0-9A-Fa-f.:]+)\](?::[0-9]+)?\*?(?= |\Z)")


@dataclass(frozen=True)
class Arrived:
    sender: bytes
    size: int
    protocol: bytes
    login: bytes
    client: tuple[bytes, bytes]
    #: Id of the message that this is the bounce of.
    parent: bytes
    local_user: bool


@dataclass(frozen=True)
class Spoken:
    """A line about one recipient."""

    flag: bytes
    recipient: bytes
    #: The recipient as addressed, where it differs.
    top: bytes
    sender: bytes | None
    transport: bytes
    router: bytes
    host: tuple[bytes, bytes] | None
    size: int | None
    confirmation: bytes
    text: bytes


def unquoted(text: bytes) -> bytes:
    """Return the text with what stands between quotes blotted out, of the same length."""
    return QUOTED.sub(lambda found: b'"' + b"_" * (len(found[0]) - 2) + b'"', text)


def field(text: bytes, name: bytes) -> bytes:
    """Return the first field of a name outside quotes, up to the next blank; or nothing."""
    found = re.search(rb" " + re.escape(name) + rb"=([^ ]*)", unquoted(text))
    return text[found.start(1) : found.end(1)] if found else b""


def host_of(text: bytes) -> tuple[bytes, bytes] | None:
    found = HOST.search(unquoted(text))
    return (found["name"].partition(b" ")[0], found["address"]) if found else None


def address_at(text: bytes) -> tuple[bytes, bytes]:
    """Return the address that a text begins with, which may be quoted, and what follows."""
    quoted = re.match(rb'"(?:[^"\\]|\\.)*"[^ ]*', text, re.DOTALL)
    found = quoted or re.match(rb"[^ ]*", text)
    assert found is not None
    return found[0], text[found.end() :]


def arrival(rest: bytes) -> Arrived:
    """Parse ``SENDER fields... S=SIZE ...`` of a line with ``<=``."""
    sender, fields = address_at(rest)
    sender = b"" if sender == b"<>" else sender
    # What the message's headers say begins here; the recipients of +received_recipients follow.
    headers = re.search(rb' id\*?=| T="', unquoted(fields))
    fields = fields[: headers.start()] if headers else fields
    sizes = re.findall(rb" S=([0-9]+)(?= |\Z)", unquoted(fields))
    need(sizes, "bad-event")
    login = field(fields, b"A").partition(b":")[2].partition(b":")[0]
    return Arrived(
        sender=sender,
        size=number(sizes[-1]),
        protocol=field(fields, b"P"),
        login=login,
        client=host_of(fields) or (b"", b""),
        parent=field(fields, b"R"),
        local_user=field(fields, b"P") == b"local" and field(fields, b"U") != b"",
    )


#: What ends the address: the first field, or the text of a failure or a deferral.
ENDS_ADDRESS = re.compile(
    rb" (?:[A-Z]|ST|PS|CV|DN|DT|QT|DKIM)=| PRDR| defer \(|(?<!:blackhole): | : |\Z", re.DOTALL
)


def recipient_line(flag: bytes, rest: bytes) -> Spoken:
    """Parse ``FINAL [(PARENT, ...)] [<TOP>] fields...[: text]``."""
    whole, fields, top = address_part(rest)
    final = re.sub(rb" \(.*\)\Z", b"", whole, flags=re.DOTALL)
    need(final, "bad-event")
    text = b""
    if flag in (b"**", b"=="):
        told = re.search(rb" ?: ", unquoted(fields))
        need(told, "bad-event")
        assert told is not None
        fields, text = fields[: told.start()], fields[told.end() :]
    sender = re.search(rb" F=<([^>]*)>", fields)
    sizes = re.search(rb" S=([0-9]+)(?= |\Z)", unquoted(fields))
    confirmation = re.search(rb' C="((?:[^"\\]|\\.)*)"', fields, re.DOTALL)
    return Spoken(
        flag=flag,
        recipient=final,
        top=top,
        sender=sender[1] if sender else None,
        transport=field(fields, b"T").removesuffix(b":"),
        router=field(fields, b"R").removesuffix(b":"),
        host=host_of(fields),
        size=number(sizes[1]) if sizes else None,
        confirmation=confirmation[1] if confirmation else b"",
        text=text,
    )


def address_part(rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Return FINAL with its parents, the fields behind, and TOP or nothing."""
    end = ENDS_ADDRESS.search(rest)
    assert end is not None
    top = re.search(rb' <("(?:[^"\\]|\\.)*"[^>]*|[^<>]+)>(?= |:|\Z)', rest, re.DOTALL)
    if top and top.start() < end.start():
        return rest[: top.start()], rest[top.end() :], top[1]
    return rest[: end.start()], rest[end.start() :], b""
