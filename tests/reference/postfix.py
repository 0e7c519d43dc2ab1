"""Postfix: from lines to deliveries (FORMATS 3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.reference import postfix_lines as lines
from tests.reference.charging import Delivery, Way, deliver
from tests.reference.messages import Message, Messages, Pending
from tests.reference.outcome import need, number
from tests.reference.places import is_inside, is_loopback
from tests.reference.replies import queue_ids, says_discarded

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.postfix_lines import Spoken
    from tests.reference.settings import Settings

NO_MAIL = {b"deliverable", b"undeliverable", b"undeliverable-but-not-cached"}
STORES = {b"local", b"virtual", b"lmtp"}
PROXY_ACCEPT = re.compile(rb"(?:NOQUEUE: )?proxy-accept: END-OF-MESSAGE: .*?queued as ([^; ]+);")


class Postfix:
    """The queue of each host whose lines are in the log."""

    def __init__(self, settings: Settings, messages: Messages | None = None) -> None:
        self.settings = settings
        self.messages = messages or Messages()
        #: Who speaks to a proxying smtpd: its client's origin by host, program and pid.
        self.proxied: dict[tuple[bytes, bytes, bytes], Message] = {}

    def claims(self, line: Line) -> bool:
        name, slash, daemon = line.program.rpartition(b"/")
        if slash:
            return not name.startswith(b"cyrus") and daemon in lines.DAEMONS | lines.OTHERS
        return daemon == b"postfix" or daemon.startswith(b"postfix-")

    def read(self, line: Line) -> Outcomes:
        self.messages.age(line.host, line.time)
        if self.speaks_of_proxy(line):
            return []
        found = re.match(rb"(" + lines.QUEUE_ID.pattern + rb"): ", line.body)
        if found is None:
            return []
        name, text = found[1], line.body[found.end() :]
        daemon = lines.daemon_of(line.program, text)
        if daemon in lines.AGENTS and text.startswith(b"to=<"):
            return self.delivery(line, name, daemon, lines.delivery_line(text))
        if daemon in (b"smtpd", b"qmqpd") and text.startswith(b"client="):
            self.arrival(line, name, text)
        elif daemon == b"pickup" and text.startswith(b"uid="):
            self.pickup(line, name, text)
        elif daemon == b"cleanup" and text.startswith((b"message-id=", b"resent-message-id=")):
            self.birth(line, name)
        elif daemon in lines.MANAGERS and text.startswith(b"from=<"):
            return self.manager(line, name, text)
        elif re.match(rb"removed( \(|\Z)", text):
            self.messages.end(line.host, name, line.time)
        return []

    # Arrivals.

    def speaks_of_proxy(self, line: Line) -> bool:
        """Keep who logged in before a proxy filter, and give it to the message behind it."""
        key = (line.host, line.program, line.pid)
        if line.body.startswith(b"NOQUEUE: client="):
            self.proxied[key] = self.arrived(line, line.body.removeprefix(b"NOQUEUE: "))
            return True
        found = PROXY_ACCEPT.match(line.body)
        message = self.messages.get(line.host, found[1]) if found else None
        if message and key in self.proxied:
            message.submitted = self.proxied[key].submitted
            message.login = self.proxied[key].login
        return found is not None

    def arrival(self, line: Line, name: bytes, text: bytes) -> None:
        self.messages.known[line.host, name] = self.arrived(line, text)

    def arrived(self, line: Line, text: bytes) -> Message:
        found = lines.CLIENT.fullmatch(text)
        need(found, "bad-event")
        assert found is not None
        login = found["login"] or b""
        origin = re.fullmatch(rb"[^\[]*\[([^\]]*)\].*", found["behind"] or b"", re.DOTALL)
        address = origin[1] if origin else found["address"]
        submitted = bool(login) or is_loopback(address)
        before = self.messages.get(line.host, found["original"] or b"")
        if before is not None:
            submitted, login = before.submitted, login or before.login
        client = (found["name"], found["address"])
        return Message(login=login, submitted=submitted, client=client)

    def pickup(self, line: Line, name: bytes, text: bytes) -> None:
        found = re.match(rb"uid=[0-9]+ from=", text)
        need(found, "bad-event")
        assert found is not None
        _, rest = lines.bracketed(text[found.end() :])
        renamed = re.match(rb" orig_id=([^ ]+)", rest)
        if renamed is None:
            self.messages.new(line.host, name).submitted = True
            return
        old = self.messages.known.pop((line.host, renamed[1]), None)
        self.messages.known[line.host, name] = old or Message()

    def birth(self, line: Line, name: bytes) -> None:
        known = self.messages.get(line.host, name)
        if known is None or known.gone is not None:
            self.messages.new(line.host, name).born_here = True

    def manager(self, line: Line, name: bytes, text: bytes) -> Outcomes:
        """Read a line of qmgr: the message is tried, or given up."""
        sender, rest = lines.bracketed(text.removeprefix(b"from="))
        if re.match(rb", status=(force-)?expired,", rest):
            return self.expiry(line, name)
        found = re.match(rb", size=([0-9]+), nrcpt=[0-9]+", rest)
        need(found, "bad-event")
        assert found is not None
        message = self.messages.here(line.host, name)
        if message.gone is not None:
            message = self.messages.new(line.host, name)
        message.size, message.sender = number(found[1]), sender
        message.submitted = message.submitted or (message.born_here and sender == b"")
        return []

    # Outcomes.

    def expiry(self, line: Line, name: bytes) -> Outcomes:
        message = self.messages.here(line.host, name)
        pending = message.pending or {(b"", b""): Pending()}
        unknown = Message() if not message.pending else message
        outcomes: Outcomes = []
        for (recipient, original), tried in pending.items():
            way = self.way_of_failure(message, tried.agent, tried.relay)
            ended = Delivery(way, recipient, original, "expired", tried.deferrals, tried.connected)
            outcomes += deliver(self.settings, line, unknown, ended)
        message.pending = {}
        return outcomes

    def delivery(self, line: Line, name: bytes, daemon: bytes, spoken: Spoken) -> Outcomes:
        if spoken.status in NO_MAIL:
            return []
        need(spoken.status in (b"sent", b"bounced", b"deferred", b"SOFTBOUNCE"), "bad-event")
        key = (spoken.recipient, spoken.original)
        if spoken.status in (b"deferred", b"SOFTBOUNCE"):
            message = self.messages.here(line.host, name)
            self.defer(message.pending.setdefault(key, Pending()), daemon, spoken)
            return []
        known = self.messages.get(line.host, name)
        message = known or Message()
        tried = message.pending.pop(key, Pending())
        if spoken.status == b"sent":
            way, status = self.way_of_sent(line, name, message, daemon, spoken)
        else:
            agent, relay = agent_behind(tried, daemon, spoken)
            way, status = self.way_of_failure(message, agent, relay), "failure"
        connected = tried.connected or spoken.relay != b"none"
        ended = Delivery(way, *key, status, tried.deferrals, connected)
        return deliver(self.settings, line, known, ended)

    def defer(self, tried: Pending, daemon: bytes, spoken: Spoken) -> None:
        connected = spoken.relay != b"none"
        tried.deferrals += connected or self.settings.attempts == "all"
        tried.connected = tried.connected or connected
        tried.agent, tried.relay = agent_behind(tried, daemon, spoken)

    def way_of_sent(
        self, line: Line, name: bytes, message: Message, daemon: bytes, spoken: Spoken
    ) -> tuple[Way, str]:
        inside = is_inside(self.settings, *spoken.next_host)
        if daemon == b"discard":
            return by_origin(message), "discarded"
        if daemon in (b"smtp", b"lmtp") and inside and says_discarded(spoken.text):
            return by_origin(message), "discarded"
        if daemon == b"smtp":
            return self.way_of_sent_on(line, name, spoken, inside=inside), "success"
        hop = (
            (daemon == b"local" and spoken.text.startswith(b"forwarded as "))
            or (daemon == b"lmtp" and b"queued as " in spoken.text)
            or (daemon == b"pipe" and spoken.relay in self.settings.pipe_hops)
        )
        return "hop" if hop else "in", "success"

    def way_of_sent_on(self, line: Line, name: bytes, spoken: Spoken, *, inside: bool) -> Way:
        """Return the way of what smtp sent, by FORMATS 1.1."""
        names = queue_ids(spoken.text)
        for other in names:
            message = self.messages.get(line.host, other)
            if message is not None and other != name:
                _, address = message.client
                from_there = address != b"" and address == spoken.next_host[1]
                if from_there or is_inside(self.settings, *message.client):
                    return "hop"
        if inside:
            return "hop" if names else "in"
        return "out"

    def way_of_failure(self, message: Message, agent: bytes, relay: bytes) -> Way:
        """Return the way of what bounced or expired at an agent."""
        found = lines.RELAY.fullmatch(relay)
        if agent == b"smtp":
            inside = found is not None and is_inside(self.settings, found["name"], found["address"])
            return by_origin(message) if inside else "out"
        if agent in STORES or (agent == b"pipe" and relay not in self.settings.pipe_hops):
            return "in"
        return by_origin(message)


def by_origin(message: Message) -> Way:
    """Return the way where no next host tells (FORMATS 1.2)."""
    return "out" if message.submitted else "in"


def agent_behind(tried: Pending, daemon: bytes, spoken: Spoken) -> tuple[bytes, bytes]:
    """Return the agent, and its relay, in whose place error and retry speak (FORMATS 3.2)."""
    if daemon not in (b"error", b"retry"):
        return daemon, spoken.relay
    if tried.agent:
        return tried.agent, tried.relay
    if b"temporarily suspended" in spoken.text:
        socket = re.search(rb"\[[^\]]*/[^\]]*\]", spoken.text)
        return (b"lmtp" if socket else b"smtp"), b"none"
    return b"", b"none"
