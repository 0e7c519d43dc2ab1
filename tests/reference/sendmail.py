"""Sendmail: from lines to deliveries (FORMATS 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
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

QUEUE_ID = re.compile(rb"(?P<id>(?!NOQUEUE)[0-9A-Za-z]{7,16}): (?P<text>.*)", re.DOTALL)
#: Text in which quoted strings are taken whole, as short as may be.
FREE = rb'(?:"(?:[^"\\]|\\.)*"|[^"])*?'
FROM = re.compile(rb"from=(?P<sender>" + FREE + rb"), size=(?P<size>[0-9]+), class=", re.DOTALL)
#: The same of an address that was cut within its quotes.
FROM_CUT = re.compile(rb"from=(?P<sender>.*?), size=(?P<size>[0-9]+), class=", re.DOTALL)
TO = re.compile(
    rb"to=(?P<to>" + FREE + rb")(?:, \[more\])?(?:, ctladdr=(?P<owner>" + FREE + rb"))?"
    rb", delay=(?P<rest>.*)",
    re.DOTALL,
)
CLIENT = re.compile(rb"(?P<name>[^ \[]*) ?\[(?P<address>[^\]]*)\](?: \(may be forged\))?")
#: ``CHILD: what happened`` on the line of its parent.
CHILD = re.compile(rb"(?P<child>[0-9A-Za-z]{7,16}): (?P<what>.*)", re.DOTALL)
BORN = (b"DSN: ", b"return to sender: ", b"sender notify: ", b"postmaster notify: ")
#: A recipient: bytes other than the separator, quoted strings and routes taken whole.
RECIPIENT = re.compile(rb'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,])+', re.DOTALL)
HOPS = ("[*]include[*]", "nullmail")


@dataclass(frozen=True)
class Spoken:
    """What a line with ``to=`` says of all its recipients."""

    mailer: str
    relay: tuple[bytes, bytes]
    code: bytes
    text: bytes
    owner: bytes


class Sendmail:
    """The queues of each host whose lines are in the log."""

    def __init__(self, settings: Settings, messages: Messages | None = None) -> None:
        self.settings = settings
        self.messages = messages or Messages()

    def claims(self, line: Line) -> bool:
        return line.program.startswith((b"sendmail", b"sm-"))

    def read(self, line: Line) -> Outcomes:
        self.messages.age(line.host, line.time)
        found = QUEUE_ID.fullmatch(line.body)
        if found is None:
            return []
        name, text = found["id"], found["text"]
        if text.startswith(b"from="):
            self.arrival(line, name, text)
        elif text.startswith(b"to="):
            return self.delivery(line, name, text)
        elif text.startswith(b"done;"):
            self.messages.end(line.host, name, line.time)
        elif child := CHILD.fullmatch(text):
            return self.child(line, name, child["child"], child["what"])
        return []

    def arrival(self, line: Line, name: bytes, text: bytes) -> None:
        found = FROM.match(text) or FROM_CUT.match(text)
        need(found, "bad-event")
        assert found is not None
        message = self.messages.new(line.host, name)
        message.size, message.sender = number(found["size"]), bare(found["sender"])
        relay = text.rpartition(b", relay=")[2]
        client = CLIENT.fullmatch(relay)
        message.client = (client["name"], client["address"]) if client else (b"", b"")
        by_user = re.fullmatch(rb"[^ \[\]]+@localhost", relay) is not None
        message.submitted = by_user or is_loopback(message.client[1])

    def child(self, line: Line, name: bytes, child: bytes, what: bytes) -> Outcomes:
        """Read of a message that another one made, or of the end of its own."""
        if what.startswith(b"clone: owner="):
            parent, clone = self.messages.get(line.host, name), self.messages.new(line.host, child)
            clone.sender = bare(what.removeprefix(b"clone: owner="))
            clone.size = parent.size if parent else None
            clone.submitted = parent.submitted if parent else False
        elif what.startswith(BORN):
            # Many versions log no from= line of a bounce; its size is nowhere.
            born = self.messages.new(line.host, child)
            born.size, born.sender, born.submitted = 0, b"", True
        if re.match(rb"return to sender: Cannot send message (for|within) ", what):
            return self.expiry(line, name)
        return []

    def expiry(self, line: Line, name: bytes) -> Outcomes:
        message = self.messages.here(line.host, name)
        outcomes: Outcomes = []
        for (recipient, owner), tried in message.pending.items():
            mailer = tried.agent.decode("utf-8", "replace")
            relay = (b"", tried.relay)
            way = self.way_of_failure(message, Spoken(mailer, relay, b"", b"", owner))
            ended = Delivery(way, recipient, owner, "expired", tried.deferrals, tried.connected)
            outcomes += deliver(self.settings, line, message, ended)
        message.pending = {}
        return outcomes

    def delivery(self, line: Line, name: bytes, text: bytes) -> Outcomes:
        found = TO.fullmatch(text)
        need(found, "bad-event")
        assert found is not None
        spoken = spoken_of(found)
        known = self.messages.get(line.host, name)
        message = known or Message()
        message.submitted = message.submitted or spoken.owner != b""
        outcome = outcome_of(spoken)
        outcomes: Outcomes = []
        for recipient in recipients_of(found["to"]):
            key = (recipient, spoken.owner)
            if outcome == "attempt":
                message = known or self.messages.here(line.host, name)
                self.defer(message.pending.setdefault(key, Pending()), spoken)
            elif outcome is not None:
                tried = message.pending.pop(key, Pending())
                sent = outcome == "success"
                way = (
                    self.way_of_sent(line, name, spoken)
                    if sent
                    else (self.way_of_failure(message, spoken))
                )
                addressed = spoken.owner if way == "out" else b""
                connected = tried.connected or spoken.relay[1] != b""
                ended = Delivery(way, recipient, addressed, outcome, tried.deferrals, connected)
                outcomes += deliver(self.settings, line, known, ended)
        return outcomes

    def defer(self, tried: Pending, spoken: Spoken) -> None:
        connected = spoken.relay[1] != b""
        tried.deferrals += connected or self.settings.attempts == "all"
        tried.connected = tried.connected or connected
        tried.agent, tried.relay = spoken.mailer.encode(), spoken.relay[1]

    def way_of_sent(self, line: Line, name: bytes, spoken: Spoken) -> Way:
        if matches(spoken.mailer, HOPS):
            return "hop"
        if matches(spoken.mailer, self.settings.in_mailers):
            return "in"
        names = queue_ids(spoken.text)
        if is_inside(self.settings, *spoken.relay):
            return "hop" if names else "in"
        back = any(self.came_back(line, name, other, spoken) for other in names)
        return "hop" if back else "out"

    def came_back(self, line: Line, name: bytes, other: bytes, spoken: Spoken) -> bool:
        """Return whether the next host's id is that of another message of ours (FORMATS 1.1)."""
        message = self.messages.get(line.host, other)
        if message is None or other == name:
            return False
        from_there = message.client[1] != b"" and message.client[1] == spoken.relay[1]
        return from_there or is_inside(self.settings, *message.client)

    def way_of_failure(self, message: Message, spoken: Spoken) -> Way:
        if matches(spoken.mailer, self.settings.in_mailers):
            return "in"
        if matches(spoken.mailer, HOPS) or is_inside(self.settings, *spoken.relay):
            return "out" if message.submitted else "in"
        return "out"


def spoken_of(found: re.Match[bytes]) -> Spoken:
    rest = found["rest"]
    said = re.search(rb", stat=(.*)\Z", rest, re.DOTALL)
    mailer = re.search(rb", mailer=([^,]+)", rest)
    need(said and mailer, "bad-event")
    assert said is not None
    assert mailer is not None
    before = rest[: said.start()]
    relay = re.search(rb", relay=([^,]*)", before)
    client = CLIENT.match(relay[1]) if relay else None
    code = re.search(rb", dsn=([0-9])\.", before)
    owner = re.sub(rb" \([^()]*\)\Z", b"", found["owner"] or b"")
    return Spoken(
        mailer=mailer[1].decode("utf-8", "replace"),
        relay=(client["name"], client["address"]) if client else (b"", b""),
        code=code[1] if code else b"",
        text=said[1],
        owner=bare(owner),
    )


def outcome_of(spoken: Spoken) -> str | None:
    """Return a status, ``attempt``, or None where nothing has happened yet."""
    if spoken.text.startswith(b"Sent"):
        return "success"
    if spoken.text.startswith(b"Deferred") or (
        spoken.code == b"4" and spoken.text not in (b"queued", b"quarantined")
    ):
        return "attempt"
    if spoken.text in (b"queued", b"quarantined"):
        return None
    need(spoken.code in (b"5", b""), "bad-event")
    return "failure"


def recipients_of(text: bytes) -> list[bytes]:
    return [mailbox(bare(one.strip())) for one in RECIPIENT.findall(text)]


def mailbox(recipient: bytes) -> bytes:
    """Return a recipient; a program or a file has no domain of its own."""
    return b"" if recipient.startswith((b"|", b'"|', b"/", b'"/', b":include:")) else recipient


def bare(address: bytes) -> bytes:
    return address.removeprefix(b"<").removesuffix(b">")


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
