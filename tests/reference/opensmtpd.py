"""OpenSMTPD 6.4 and later: from lines to deliveries (FORMATS 10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.reference.charging import Delivery, Way, deliver
from tests.reference.messages import Message, Messages, Pending
from tests.reference.outcome import need, number
from tests.reference.places import is_inside, is_loopback
from tests.reference.replies import queue_ids

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.settings import Settings

SESSION = re.compile(
    rb"(?P<session>[0-9a-f]{16}) (?P<who>smtp|mda|mta) (?P<event>[a-z-]+) (?P<rest>.*)", re.DOTALL
)
ADDRESS = rb'(?:"(?:[^"\\]|\\.)*"[^>]*|[^>]*)'
DELIVERY = re.compile(
    rb"evpid=(?P<envelope>[0-9a-f]{16}) from=<(?P<sender>" + ADDRESS + rb")>"
    rb" to=<(?P<recipient>" + ADDRESS + rb")>(?: rcpt=<(?P<original>" + ADDRESS + rb")>)?"
    rb'(?: source="[^"]*")?(?: relay="(?P<address>[^ "]*)(?: \((?P<relay>[^")]*)\)|[^"]*)")?'
    rb'(?: user=[^ ]*)? delay=[^ ]+ result="?(?P<result>Ok|TempFail|PermFail|Loop)"?'
    rb' stat="?(?P<stat>.*?)"?',
    re.DOTALL,
)
#: Said by the queue itself, in the older form, in 7.x as well (queue.c, queue_log).
EXPIRED = re.compile(
    rb"(?P<who>delivery|relay): Expire for (?P<envelope>[0-9a-f]{16}):"
    rb" from=<(?P<sender>" + ADDRESS + rb")>, to=<(?P<recipient>" + ADDRESS + rb")>,"
    rb"(?: rcpt=<(?P<original>" + ADDRESS + rb")>,)? delay=[^ ,]+, stat=.*",
    re.DOTALL,
)


class Opensmtpd:
    """The queue of each host whose lines are in the log."""

    def __init__(self, settings: Settings, messages: Messages | None = None) -> None:
        self.settings = settings
        self.messages = messages or Messages()
        #: Address and login of each session's client.
        self.clients: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}

    def claims(self, line: Line) -> bool:
        return line.program == b"smtpd"

    def read(self, line: Line) -> Outcomes:
        if expired := EXPIRED.fullmatch(line.body):
            return self.expired(line, expired)
        found = SESSION.fullmatch(line.body)
        if found is None:
            return []
        if found["who"] == b"smtp":
            self.received(line, found)
        elif found["event"] == b"delivery":
            return self.delivered(line, found["who"], found["rest"])
        return []

    def received(self, line: Line, found: re.Match[bytes]) -> None:
        key = (line.host, found["session"])
        address, login = self.clients.get(key, (b"", b""))
        if connected := re.match(rb"address=([^ ]+)", found["rest"]):
            self.clients[key] = (connected[1], b"")
        if found["event"] == b"authentication" and found["rest"].endswith(b"result=ok"):
            user = re.match(rb"user=([^ ]*)", found["rest"])
            self.clients[key] = (address, user[1] if user else b"")
        if found["event"] == b"message":
            said = re.match(rb"msgid=([0-9a-f]{8}) size=([0-9]+) ", found["rest"] + b" ")
            need(said, "bad-event")
            assert said is not None
            message = self.messages.new(line.host, said[1])
            message.size, message.login, message.client = number(said[2]), login, (b"", address)
            message.submitted = bool(login) or address == b"local" or is_loopback(address)

    def delivered(self, line: Line, who: bytes, rest: bytes) -> Outcomes:
        said = DELIVERY.fullmatch(rest)
        need(said, "bad-event")
        assert said is not None
        name = said["envelope"][:8]
        known = self.messages.get(line.host, name)
        key = (said["envelope"], b"")
        if said["result"] == b"TempFail":
            message = known or self.messages.here(line.host, name)
            tried = message.pending.setdefault(key, Pending())
            tried.deferrals += 1
            tried.agent, tried.relay = said["relay"] or b"", said["address"] or b""
            return []
        message = known or Message()
        message.sender = sender_of(said)
        before = message.pending.pop(key, Pending()).deferrals
        relay = (said["relay"] or b"", said["address"] or b"")
        way: Way = "in" if who == b"mda" else self.way_of_transfer(message, relay, said)
        status = "success" if said["result"] == b"Ok" else "failure"
        ended = Delivery(way, said["recipient"], addressed(said), status, before)
        return deliver(self.settings, line, known, ended)

    def expired(self, line: Line, said: re.Match[bytes]) -> Outcomes:
        known = self.messages.get(line.host, said["envelope"][:8])
        message = known or Message()
        message.sender = sender_of(said)
        tried = message.pending.pop((said["envelope"], b""), Pending())
        relay = (tried.agent, tried.relay)
        way: Way = (
            "in" if said["who"] == b"delivery" else self.way_of_transfer(message, relay, None)
        )
        ended = Delivery(way, said["recipient"], addressed(said), "expired", tried.deferrals)
        return deliver(self.settings, line, known, ended)

    def way_of_transfer(
        self, message: Message, relay: tuple[bytes, bytes], said: re.Match[bytes] | None
    ) -> Way:
        if not is_inside(self.settings, *relay):
            return "out"
        if said is None or said["result"] != b"Ok":
            return "out" if message.submitted else "in"
        return "hop" if queue_ids(said["stat"]) else "in"


def sender_of(said: re.Match[bytes]) -> bytes:
    """Return the sender; the null sender is written as an empty name at an empty domain."""
    return b"" if said["sender"] == b"@" else said["sender"]


def addressed(said: re.Match[bytes]) -> bytes:
    original = said["original"] or b""
    return b"" if original == b"-" else original
