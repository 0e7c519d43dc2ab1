"""Exim: from lines to deliveries (FORMATS 4)."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from tests.reference import exim_lines as lines
from tests.reference.charging import Delivery, Way, deliver
from tests.reference.messages import Message, Messages, Pending
from tests.reference.places import is_inside, is_loopback
from tests.reference.replies import queue_ids, says_discarded
from tests.reference.stamps import SPACED

if TYPE_CHECKING:
    from tests.reference.exim_lines import Spoken
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.settings import Settings

EXPIRED = re.compile(
    rb"retry timeout exceeded|retry time not reached for any host after a long failure period"
    rb"|all hosts .*have been failing for a long time",
    re.DOTALL,
)
NO_ATTEMPT = b"retry time not reached"


class Exim:
    """The queue of each host whose lines are in the log."""

    def __init__(self, settings: Settings, messages: Messages | None = None) -> None:
        self.settings = settings
        self.messages = messages or Messages()
        #: Deliveries told before their message's arrival, by host and id.
        self.cutthrough: dict[tuple[bytes, bytes], list[Spoken]] = {}
        #: Parts of long lines, by host and pid.
        self.parts: dict[tuple[bytes, bytes], bytes] = {}

    def claims(self, line: Line) -> bool:
        if line.program:
            return line.program.startswith(b"exim")
        return lines.ID.match(without_pid(line.body)) is not None

    def read(self, line: Line) -> Outcomes:
        self.messages.age(line.host, line.time)
        body = self.whole(line)
        found = lines.ID.match(without_pid(without_stamp(body)))
        if found is None:
            return []
        name, rest = found["id"], found["rest"]
        if re.match(rb"Completed( QT=|\Z)", rest):
            self.messages.end(line.host, name, line.time)
        said = lines.FLAG.match(rest)
        if said is None or said["flag"] == b"*>":
            return []
        if said["flag"] in (b"<=", b"(="):
            return self.arrival(line, name, said["rest"])
        spoken = lines.recipient_line(said["flag"], said["rest"])
        if said["flag"] == b">>" and self.messages.get(line.host, name) is None:
            self.cutthrough.setdefault((line.host, name), []).append(spoken)
            return []
        if said["flag"] == b"==":
            self.defer(line, name, spoken)
            return []
        return self.end(line, name, spoken)

    def whole(self, line: Line) -> bytes:
        """Return the line put together from its parts; nothing while some are to come."""
        body = without_stamp(line.body)
        part = lines.PART.match(body)
        if part is None:
            return body
        key = (line.host, line.pid)
        begun = b"" if int(part["part"]) == 1 else self.parts.pop(key, b"")
        text = begun + body[part.end() :] + (b"\n" if part["cut"] == b"\\" else b"")
        if int(part["part"]) < int(part["parts"]):
            self.parts[key] = text
            return b""
        return text.split(b"\n")[0]

    def arrival(self, line: Line, name: bytes, rest: bytes) -> Outcomes:
        said = lines.arrival(rest)
        message = self.messages.new(line.host, name)
        message.size, message.sender = said.size, said.sender
        message.login, message.client = said.login, said.client
        message.submitted = (
            said.login != b"" or said.local_user or is_loopback(said.client[1])
        ) or (said.parent != b"" and said.sender == b"")
        outcomes: Outcomes = []
        for spoken in self.cutthrough.pop((line.host, name), []):
            outcomes += self.end(line, name, spoken)
        return outcomes

    def defer(self, line: Line, name: bytes, spoken: Spoken) -> None:
        message = self.messages.here(line.host, name)
        tried = message.pending.setdefault(key_of(spoken), Pending())
        if NO_ATTEMPT not in spoken.text:
            connected = spoken.host is not None or spoken.text.startswith(b"H=")
            tried.deferrals += connected or self.settings.attempts == "all"
            tried.connected = tried.connected or connected

    def end(self, line: Line, name: bytes, spoken: Spoken) -> Outcomes:
        known = self.messages.get(line.host, name)
        message = known or Message()
        tried = message.pending.pop(key_of(spoken), Pending())
        way, status = self.way(line, name, message, spoken)
        if known and self.settings.exim_size == "delivered" and spoken.size is not None:
            known = replace(known, size=spoken.size)
        connected = tried.connected or spoken.host is not None
        ended = Delivery(
            way, mailbox(spoken.recipient), spoken.top, status, tried.deferrals, connected
        )
        return deliver(self.settings, line, known, ended)

    def way(self, line: Line, name: bytes, message: Message, spoken: Spoken) -> tuple[Way, str]:
        inside = spoken.host is not None and is_inside(self.settings, *spoken.host)
        elsewhere = spoken.host is not None and not inside
        if spoken.flag == b"**":
            status = "expired" if EXPIRED.search(spoken.text) else "failure"
            return ("out" if elsewhere else by_origin(message)), status
        thrown_away = re.match(rb":blackhole:|discarded\b", spoken.recipient)
        if thrown_away or (inside and says_discarded(spoken.confirmation)):
            return by_origin(message), "discarded"
        if self.is_hop(line, name, spoken, inside=inside):
            return "hop", "success"
        return ("out" if elsewhere else "in"), "success"

    def is_hop(self, line: Line, name: bytes, spoken: Spoken, *, inside: bool) -> bool:
        transport = spoken.transport.decode("utf-8", "replace")
        if any(fnmatch(transport, pattern) for pattern in self.settings.hop_transports):
            return True
        if spoken.recipient.startswith(b">"):
            return True
        names = queue_ids(spoken.confirmation)
        if spoken.host is None or not names:
            return False
        return inside or any(self.came_back(line, name, other, spoken) for other in names)

    def came_back(self, line: Line, name: bytes, other: bytes, spoken: Spoken) -> bool:
        """Return whether the next host's id is that of another message of ours (FORMATS 1.1)."""
        message = self.messages.get(line.host, other)
        if message is None or other == name or spoken.host is None:
            return False
        from_there = message.client[1] != b"" and message.client[1] == spoken.host[1]
        return from_there or is_inside(self.settings, *message.client)


def key_of(spoken: Spoken) -> tuple[bytes, bytes]:
    return (spoken.recipient.lower(), spoken.top.lower())


def by_origin(message: Message) -> Way:
    """Return the way where no next host tells (FORMATS 1.2)."""
    return "out" if message.submitted else "in"


def mailbox(final: bytes) -> bytes:
    """Return FINAL where it is an address; a pipe, a file or a filter's word has no domain."""
    return b"" if re.match(rb"[|/:>]|save |discarded\b", final) else final


def without_stamp(body: bytes) -> bytes:
    """Return what follows Exim's own stamp, where syslog has it within the body."""
    found = SPACED.match(body)
    return body[found.end() :] if found else body


def without_pid(body: bytes) -> bytes:
    found = lines.PID.match(body)
    return body[found.end() :] if found else body
