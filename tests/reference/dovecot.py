"""Dovecot: IMAP and POP3 sessions by their last line (FORMATS 5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailtally_shared.schema import Service
from tests.reference.charging import Delivery, deliver, session
from tests.reference.messages import Message
from tests.reference.outcome import number
from tests.reference.places import is_loopback

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.settings import Settings

LEVEL = re.compile(rb"(?:Debug|Info|Warning|Error|Fatal|Panic): ")
#: The prefixes of a session's process, the longest first; what a user's name holds is free.
PREFIXES = (
    rb"(?P<service>[A-Za-z0-9-]+)\((?P<user>.*?)\)<[0-9]+><(?P<session>[^>]*)>: (?P<rest>.*)",
    rb"(?P<service>[A-Za-z0-9-]+)\((?P<user>.*?)\)<(?P<session>[^<> ]*)>: (?P<rest>.*)",
    rb"(?P<service>[A-Za-z0-9-]+)\((?P<user>.*?)\): (?P<rest>.*)",
)
#: The service of a session's process. What else a site counts is access to a mailbox, too.
SERVICES = {
    b"imap": Service.IMAP,
    b"pop3": Service.POP3,
    b"managesieve": Service.IMAP,
    b"submission": Service.IMAP,
}
#: Events that quote a message's headers, which its sender wrote: never the end of a session.
QUOTING = re.compile(
    rb"(?:delete|undelete|expunge|autoexpunge|save|append|flag_change|sieve|imapsieve): |copy from "
    rb"|Mailbox (?:created|deleted|renamed): "
)
LOGIN = re.compile(
    rb"(?:imap|pop3)-login: (?:Info: )?Login: user=<.*>.*, rip=(?P<address>[^ ,]+)"
    rb".*, session=<(?P<session>[^>]*)>"
)
SAVED = re.compile(rb"\b(?:saved mail to|stored mail into mailbox) .* size=(?P<size>[0-9]+)\b")


class Dovecot:
    """The sessions of each host whose lines are in the log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: Sessions whose client is this machine, by host and session id.
        self.local_clients: set[tuple[bytes, bytes]] = set()

    def claims(self, line: Line) -> bool:
        return line.program.startswith(b"dovecot")

    def read(self, line: Line) -> Outcomes:
        body = without_level(line.body)
        if found := LOGIN.match(body):
            if is_loopback(found["address"]):
                self.local_clients.add((line.host, found["session"]))
            return []
        said = self.prefixed(body)
        if said is None:
            return []
        user = said["user"].partition(b",")[0]
        text = without_level(said["rest"])
        service = said["service"].lower().replace(b"imap-hibernate", b"imap")
        if service in (b"lmtp", b"lda"):
            return self.saved(line, user, text)
        if service not in self.settings.session_services or service not in SERVICES:
            return []
        size = None if QUOTING.match(text) else self.bytes_of(service, text)
        if size is None or self.skipped(line, said):
            return []
        return session(line, SERVICES[service], user, size)

    def prefixed(self, body: bytes) -> re.Match[bytes] | None:
        own = self.settings.dovecot_prefix
        forms = PREFIXES if own is None else (own + rb"(?P<rest>.*)",)
        matches = (re.fullmatch(form, body, re.DOTALL) for form in forms)
        return next((found for found in matches if found), None)

    def bytes_of(self, service: bytes, text: bytes) -> int | None:
        """Return the bytes of a session; None where the line is not its end."""
        both = self.settings.session_bytes == "both"
        read, written = last(rb"in=([0-9]+)", text), last(rb"out=([0-9]+)", text)
        if read and written:
            return number(read[1]) * both + number(written[1])
        if pair := last(rb"bytes=([0-9]+)/([0-9]+)", text):
            return number(pair[1]) * both + number(pair[2])
        whole, top = last(rb"retr=[0-9]+/([0-9]+)", text), last(rb"top=[0-9]+/([0-9]+)", text)
        if service == b"pop3" and whole and top:
            return number(whole[1]) + number(top[1])
        return None

    def skipped(self, line: Line, said: re.Match[bytes]) -> bool:
        name = said.groupdict().get("session") or b""
        return self.settings.skip_local_clients and (line.host, name) in self.local_clients

    def saved(self, line: Line, user: bytes, text: bytes) -> Outcomes:
        """Read what LMTP stored, of stores without an MTA's log."""
        found = SAVED.search(text)
        if not self.settings.dovecot_lmtp_counts or found is None:
            return []
        message = Message(size=number(found["size"]), sender=b"")
        return deliver(self.settings, line, message, Delivery("in", user, b"", "success", 0))


def without_level(text: bytes) -> bytes:
    found = LEVEL.match(text)
    return text[found.end() :] if found else text


def last(key: bytes, text: bytes) -> re.Match[bytes] | None:
    """Return the last of a key; what is before it may be any text, but no part of a name."""
    found = list(re.finditer(rb"(?:^|(?<=[ ,(]))" + key, text))
    return found[-1] if found else None
