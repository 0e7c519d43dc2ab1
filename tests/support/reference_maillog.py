"""qmail's maillog, parsed the plain way: a line at a time, as docs/reference/formats.md reads.

It shares nothing with the product but the names of services and reasons, and with the plain parser
of the other format. Slow on purpose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailtally_collector.formats import Reason
from mailtally_shared.schema import Service
from tests.support.reference_parser import Malformed, Record, Reject, domain, need

NUMBER = 2**58
SENTENCE = re.compile(rb"(starting delivery|delivery|info msg|new msg|end msg) ")
FORMS = {
    b"starting delivery": re.compile(rb"([0-9]+): msg ([0-9]+) to (local|remote) (.*)", re.DOTALL),
    b"delivery": re.compile(
        rb"([0-9]+): (success: |failure: |deferral: |report mangled, will defer)"
    ),
    b"info msg": re.compile(rb"([0-9]+): bytes ([0-9]+) from <"),
    b"new msg": re.compile(rb"([0-9]+)\Z"),
    b"end msg": re.compile(rb"([0-9]+)\Z"),
}
SENDER = re.compile(rb"([^ ]*)> qp [0-9]+ uid [0-9]+", re.DOTALL)


@dataclass
class Message:
    size: int
    sender: bytes
    deferrals: dict[tuple[bool, bytes], int] = field(default_factory=dict)


@dataclass
class Reference:
    """A log from its beginning on."""

    own_host: bytes
    messages: dict[tuple[bytes, int], Message] = field(default_factory=dict)
    deliveries: dict[tuple[bytes, int], tuple[Message, bool, bytes]] = field(default_factory=dict)
    passed: int = 0

    def parse(self, chunk: bytes) -> tuple[list[Record], list[Reject]]:
        records, rejects = [], []
        start = 0
        for line in chunk.split(b"\n")[:-1]:
            end = start + len(line)
            start = end - len(line.lstrip(b"\0"))
            try:
                record = self.parse_line(line.lstrip(b"\0"))
            except Malformed as malformed:
                rejects.append(Reject(start, end, malformed.reason))
            else:
                records += [record] if record else []
                self.passed += record is None
            start = end + 1
        return records, rejects

    def parse_line(self, line: bytes) -> Record | None:
        need(len(line) <= 65_536, Reason.TOO_LONG)
        need(b"\0" not in line, Reason.NUL)
        line = line.removesuffix(b"\r")
        need(line != b"", Reason.EMPTY)
        stamp = from_label(line) if line.startswith(b"@") else from_date(line)
        if stamp is None:
            return None
        host, time, text = stamp
        found = SENTENCE.match(text)
        if found is None:
            return None
        said = FORMS[found[1]].match(text, found.end())
        need(said, Reason.BAD_EVENT)
        assert said is not None
        number = number_of(said[1])
        host = host or self.own_host
        return self.follow(found[1], host, time, number, said)

    def follow(
        self, kind: bytes, host: bytes, time: int, number: int, said: re.Match[bytes]
    ) -> Record | None:
        if kind == b"info msg":
            need(int(said[2]) <= 2**53 - 1, Reason.BAD_BYTES)
            sender = SENDER.match(said.string, said.end())
            need(sender, Reason.BAD_EVENT)
            assert sender is not None
            self.messages[host, number] = Message(int(said[2]), sender[1])
        elif kind == b"starting delivery":
            message = self.messages.get((host, number_of(said[2])))
            self.deliveries.pop((host, number), None)
            if message:
                self.deliveries[host, number] = (message, said[3] == b"local", said[4])
        elif kind == b"delivery":
            return self.end(host, time, number, said[2])
        else:
            self.messages.pop((host, number), None)
        return None

    def end(self, host: bytes, time: int, number: int, outcome: bytes) -> Record | None:
        delivery = self.deliveries.pop((host, number), None)
        known = any(delivery and delivery[0] is message for message in self.messages.values())
        final = outcome in (b"success: ", b"failure: ")
        need(known or not final, Reason.UNKNOWN_DELIVERY)
        if not known:
            return None
        assert delivery is not None
        message, local, recipient = delivery
        before = message.deferrals.pop((local, recipient), 0)
        if not final:
            message.deferrals[local, recipient] = before + 1
            return None
        return Record(
            time=time,
            host=host.decode().lower(),
            service=Service.SMTP_IN if local else Service.SMTP_OUT,
            domain=domain(charged(recipient if local else message.sender, local, host)),
            size=message.size,
            status=outcome[:-2].decode(),
            attempts=before + 1,
        )


def charged(address: bytes, local: bool, host: bytes) -> bytes:  # noqa: FBT001 - as the log says
    if not local and address in (b"", b"#@[]"):
        return host
    name = address.rpartition(b"@")[2] if b"@" in address else b""
    return host if name.startswith(b"[") else name


def from_label(line: bytes) -> tuple[bytes, int, bytes] | None:
    found = re.match(rb"@([0-9a-f]{16})[0-9a-f]{8} ", line)
    need(found, Reason.BAD_TIMESTAMP)
    assert found is not None
    time = int(found[1], 16) - 2**62 - 10
    need(0 <= time < 253_402_214_400, Reason.BAD_TIMESTAMP)
    return b"", time, line[found.end() :]


def from_date(line: bytes) -> tuple[bytes, int, bytes] | None:
    """``None`` for a line that is to be passed over."""
    need(re.match(rb"[A-Za-z]{3} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} ", line), Reason.BAD_DATE)
    host, _, rest = line[16:].partition(b" ")
    need(re.fullmatch(rb"[-A-Za-z0-9_.:]{1,255}", host), Reason.BAD_HOST)
    program = re.match(rb"qmail(\[[0-9]*\])?: ", rest)
    if program is None:
        return None
    found = re.match(rb"([0-9]+)(\.[0-9]+)?([ +])", rest[program.end() :])
    need(
        found and number_of(found[1], Reason.BAD_TIMESTAMP) < 253_402_214_400, Reason.BAD_TIMESTAMP
    )
    assert found is not None
    if found[3] == b"+":
        return None
    return host, int(found[1]), rest[program.end() + found.end() :]


def number_of(digits: bytes, reason: Reason = Reason.BAD_EVENT) -> int:
    need(len(digits.lstrip(b"0")) < 100, reason)
    number = int(digits)
    need(number <= NUMBER, reason)
    return number
