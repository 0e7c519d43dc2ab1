"""Courier: sessions by their last line, and the queue of its MTA (FORMATS 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailtally_shared.schema import Service
from tests.reference.charging import Delivery, Way, deliver, session
from tests.reference.messages import Message, Messages, Pending
from tests.reference.outcome import number
from tests.reference.places import is_inside, is_loopback
from tests.reference.replies import queue_ids

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.settings import Settings

SESSIONS = {
    b"imapd": Service.IMAP,
    b"imapd-ssl": Service.IMAP,
    b"pop3d": Service.POP3,
    b"pop3d-ssl": Service.POP3,
}
AGENTS = frozenset(b"courierlocal courieresmtp courieruucp courierdsn courierfax".split())
OTHERS = frozenset(
    b"imaplogin pop3login courierd courieresmtpd courierfilter submit authdaemond".split()
)
LEVEL = re.compile(rb"(?:INFO|NOTICE|ERR): ")
END = re.compile(
    rb"(?:LOGOUT|DISCONNECTED|TIMEOUT|Disconnected during shutdown by signal"
    rb"|I/O error disconnect|disc), user=(?P<user>.*?), ip=\[(?P<rest>.*)",
    re.DOTALL,
)
ADDRESS = rb'(?:"(?:[^"\\]|\\.)*"[^>]*|.*?)'
ID = rb"(?P<id>[0-9A-F]{8,16}\.[0-9A-F]{8,16}\.[0-9A-F]{8,16})"
NEW = re.compile(rb"newmsg,id=" + ID + rb"(?:, auth=(?P<login>.*?))?(?:: (?P<text>.*))?", re.DOTALL)
STARTED = re.compile(
    rb"started,id=" + ID + rb",from=<(?P<sender>" + ADDRESS + rb")>,module=(?P<module>[^,]*)"
    rb",host=(?P<host>.*?),addr=<(?P<recipient>.*)>",
    re.DOTALL,
)
DELIVERY = re.compile(
    rb"id=" + ID + rb",from=<(?P<sender>" + ADDRESS + rb")>,addr=<(?P<recipient>" + ADDRESS + rb")>"
    rb"(?:,size=(?P<size>[0-9]+))?,"
    rb"(?:success: (?P<text>.*)|status: (?P<status>success|failure|deferred))",
    re.DOTALL,
)


class Courier:
    """The sessions and the queue of each host whose lines are in the log."""

    def __init__(self, settings: Settings, messages: Messages | None = None) -> None:
        self.settings = settings
        self.messages = messages or Messages()
        #: Host of the last try, and recipients whose success was logged since, by message.
        self.tried: dict[tuple[bytes, bytes, bytes], bytes] = {}
        self.succeeded: set[tuple[bytes, bytes, bytes]] = set()

    def claims(self, line: Line) -> bool:
        return line.program in SESSIONS or line.program in AGENTS | OTHERS

    def read(self, line: Line) -> Outcomes:
        level = LEVEL.match(line.body)
        body = line.body[level.end() :] if level else line.body
        if line.program in SESSIONS:
            return self.session(line, body)
        if line.program == b"courierd":
            self.queue(line, body)
        if line.program in AGENTS and (match := DELIVERY.fullmatch(body)):
            return self.delivered(line, match)
        return []

    def session(self, line: Line, body: bytes) -> Outcomes:
        found = END.fullmatch(body)
        service = SESSIONS[line.program]
        if found is None or service.label.encode() not in self.settings.session_services:
            return []
        both = self.settings.session_bytes == "both"
        rest = found["rest"]
        if wire := re.search(rb", rcvd=([0-9]+), sent=([0-9]+)", rest):
            return session(line, service, found["user"], number(wire[1]) * both + number(wire[2]))
        if fetched := re.search(rb", top=([0-9]+), retr=([0-9]+)", rest):
            return session(line, service, found["user"], number(fetched[1]) + number(fetched[2]))
        return []

    def queue(self, line: Line, body: bytes) -> None:
        if new := NEW.fullmatch(body):
            message = self.messages.new(line.host, new["id"])
            message.login = new["login"] or b""
            address = re.search(rb"\[?([0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+)\]?\)\Z", new["text"] or b"")
            by_user = address is None and re.search(rb"\buid [0-9]+", new["text"] or b"")
            from_here = address is not None and is_loopback(address[1])
            message.client = (b"", address[1] if address else b"")
            message.submitted = bool(message.login or by_user or from_here)
        elif started := STARTED.fullmatch(body):
            key = (line.host, started["id"], started["recipient"])
            self.tried[key] = started["host"]
            self.succeeded.discard(key)

    def delivered(self, line: Line, match: re.Match[bytes]) -> Outcomes:
        """Read what an agent says of one recipient."""
        key = (line.host, match["id"], match["recipient"])
        message = self.messages.here(line.host, match["id"])
        message.sender = match["sender"]
        if match["size"] is not None:
            message.size = number(match["size"])
        recipient = (match["recipient"], b"")
        if match["status"] == b"deferred":
            message.pending.setdefault(recipient, Pending()).deferrals += 1
            return []
        if match["status"] == b"success" and key in self.succeeded:
            return []
        if match["status"] == b"failure" and message.size is None:
            message.size = 0
        elif match["status"] != b"failure":
            self.succeeded.add(key)
        status = "failure" if match["status"] == b"failure" else "success"
        way = self.way(line, message, match, status)
        before = message.pending.pop(recipient, Pending()).deferrals
        return deliver(self.settings, line, message, Delivery(way, *recipient, status, before))

    def way(self, line: Line, message: Message, match: re.Match[bytes], status: str) -> Way:
        text = match["text"] or b""
        if line.program == b"courierdsn" or text.startswith(b"Message forwarded."):
            return "hop"
        if line.program == b"courierlocal":
            return "in"
        host = self.tried.get((line.host, match["id"], match["recipient"]), b"").strip(b"[]")
        if not is_inside(self.settings, host, host):
            return "out"
        if status == "failure":
            return "out" if message.submitted else "in"
        return "hop" if queue_ids(text) else "in"
