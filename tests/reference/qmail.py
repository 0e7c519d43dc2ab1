"""qmail and its relatives (FORMATS 8): notqmail, s/qmail, IndiMail with its several queues."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.schema import END_OF_TIME, MAX_SIZE, Service
from tests.reference.charging import checked
from tests.reference.clothing import QMAIL_BODY
from tests.reference.outcome import Line, Malformed, Record, need, number

if TYPE_CHECKING:
    from tests.reference.log import Outcomes

NUMBER = 2**58
SPLOGGER = re.compile(rb"(?P<seconds>[0-9]+)(?:\.[0-9]+)?(?P<more>[ +])")
QUEUE = re.compile(rb"(?P<text>.*?)(?: (?P<queue>queue[0-9]+))?\Z", re.DOTALL)
FORMS = {
    "starting": re.compile(
        rb"starting delivery (?P<id>[0-9.]+): msg (?P<msg>[0-9]+) to (?P<to>local|remote) "
        rb"(?P<r>.*)",
        re.DOTALL,
    ),
    "delivery": re.compile(
        rb"delivery (?P<id>[0-9.]+): "
        rb"(?P<outcome>success|failure|deferral|report mangled, will defer)(?:: |\Z).*",
        re.DOTALL,
    ),
    "info": re.compile(
        rb"info msg (?P<msg>[0-9]+): bytes (?P<size>[0-9]+) from <(?P<sender>[^ ]*)>"
        rb" qp [0-9]+ uid [0-9]+.*",
        re.DOTALL,
    ),
    "new": re.compile(rb"new msg (?P<msg>[0-9]+)"),
    "end": re.compile(rb"end msg (?P<msg>[0-9]+)"),
}
EVENT = re.compile(rb"(?:starting delivery|delivery|info msg|new msg|end msg) ")

#: Host, queue and number.
Key = tuple[bytes, bytes, bytes]


@dataclass
class Mail:
    size: int
    sender: bytes
    deferrals: dict[tuple[bytes, bytes], int] = field(default_factory=dict)


class Qmail:
    """The queues of each host whose lines are in the log."""

    def __init__(self) -> None:
        self.mails: dict[Key, Mail] = {}
        #: The mail of a delivery, whether it goes to a local mailbox, and its recipient.
        self.deliveries: dict[Key, tuple[Mail, bytes, bytes]] = {}

    def claims(self, line: Line) -> bool:
        if line.program:
            return line.program == b"qmail"
        return QMAIL_BODY.match(line.body) is not None

    def read(self, line: Line) -> Outcomes:
        time, body = line.time, line.body
        if line.program == b"qmail":
            stamp = SPLOGGER.match(body)
            need(stamp, "bad-timestamp")
            assert stamp is not None
            time = number(stamp["seconds"])
            need(time < END_OF_TIME, "bad-timestamp")
            if stamp["more"] == b"+":
                return []
            body = body[stamp.end() :]
        if EVENT.match(body) is None:
            return []
        split = QUEUE.match(body)
        assert split is not None
        for name, form in FORMS.items():
            if said := form.fullmatch(split["text"]):
                return self.event(line, time, name, split["queue"] or b"", said)
        raise Malformed("bad-event")

    def event(
        self, line: Line, time: int, name: str, queue: bytes, said: re.Match[bytes]
    ) -> Outcomes:
        if name == "delivery":
            return self.outcome(line, time, (line.host, queue, said["id"]), said["outcome"])
        need(number(said["msg"]) <= NUMBER, "bad-event")
        key = (line.host, queue, said["msg"].lstrip(b"0"))
        if name == "info":
            need(number(said["size"]) <= MAX_SIZE, "bad-bytes")
            self.mails[key] = Mail(number(said["size"]), said["sender"])
        elif name == "starting":
            delivery = (line.host, queue, said["id"])
            self.deliveries.pop(delivery, None)
            if mail := self.mails.get(key):
                self.deliveries[delivery] = (mail, said["to"], said["r"])
        else:
            self.mails.pop(key, None)
        return []

    def outcome(self, line: Line, time: int, key: Key, outcome: bytes) -> Outcomes:
        delivery = self.deliveries.pop(key, None)
        final = outcome in (b"success", b"failure")
        if delivery is None or not any(one is delivery[0] for one in self.mails.values()):
            return [Malformed("unknown-delivery")] if final else []
        mail, way, recipient = delivery
        before = mail.deferrals.pop((way, recipient), 0)
        if not final:
            mail.deferrals[way, recipient] = before + 1
            return []
        local = way == b"local"
        return [
            Record(
                time=time,
                host=line.host.decode(),
                domain=charged(recipient if local else mail.sender, line.host, local=local),
                service=Service.SMTP_IN if local else Service.SMTP_OUT,
                status=outcome.decode(),
                size=mail.size,
                attempts=before + 1,
            )
        ]


def charged(address: bytes, host: bytes, *, local: bool) -> str:
    """Return the domain; an address without one stays ``bad-domain`` here."""
    if not local and address in (b"", b"#@[]"):
        return checked(host)
    # VERP: the sender's prefix and host, in qmail's own form.
    address = address.removesuffix(b"-@[]")
    name = address.rpartition(b"@")[2] if b"@" in address else b""
    return checked(host if name.startswith(b"[") else name)
