"""The traffic log, parsed the plain way, a line at a time.

As RULES and docs/reference/formats.md read.

It shares nothing with the product but the names of services and reasons. Slow on purpose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

from mailtally_collector.formats import Reason
from mailtally_shared.schema import Service

KNOWN = (
    b"success timeout rejclam rejspam manyhops mboxoverquota badmime bytestooverflow "
    b"partial readerr"
).split()


@dataclass(frozen=True)
class Record:
    time: int
    host: str
    service: Service
    domain: str
    size: int
    status: str
    attempts: int


@dataclass(frozen=True)
class Reject:
    start: int
    end: int
    reason: Reason


class Malformed(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(chunk: bytes) -> tuple[list[Record], list[Reject]]:
    """Parse whole lines; gives the records and the malformed lines, both in order."""
    records: list[Record] = []
    rejects: list[Reject] = []
    hosts: set[str] = set()
    unknown: set[str] = set()
    start = 0
    for line in chunk.split(b"\n")[:-1]:
        end = start + len(line)
        start = end - len(line.lstrip(b"\0"))
        try:
            record = parse_line(line.lstrip(b"\0"))
            need(len(hosts | {record.host}) <= 65_535, Reason.TOO_MANY_HOSTS)
        except Malformed as malformed:
            rejects.append(Reject(start, end, malformed.reason))
        else:
            hosts.add(record.host)
            records.append(with_bounded_status(record, unknown))
        start = end + 1
    return records, rejects


def with_bounded_status(record: Record, unknown: set[str]) -> Record:
    if record.status.encode() in KNOWN or record.status in unknown:
        return record
    if len(unknown) < 200:
        unknown.add(record.status)
        return record
    return Record(**{**vars(record), "status": "other"})


def parse_line(line: bytes) -> Record:
    need(len(line) <= 65_536, Reason.TOO_LONG)
    need(b"\0" not in line, Reason.NUL)
    line = line.removesuffix(b"\r")
    need(line != b"", Reason.EMPTY)
    need(re.match(rb"[A-Za-z]{3} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} ", line), Reason.BAD_DATE)
    host, space, rest = line[16:].partition(b" ")
    need(re.fullmatch(rb"[-A-Za-z0-9_.:]{1,255}", host), Reason.BAD_HOST)
    message_type = re.match(rb"(in|out)\[[0-9]+\]: ", rest)
    need(space and message_type, Reason.BAD_TYPE)
    assert message_type is not None
    timestamp, pipe, rest = rest[message_type.end() :].partition(b"|")
    need(pipe and is_number(timestamp), Reason.BAD_TIMESTAMP)
    need(int_of(timestamp) < 253_402_214_400, Reason.BAD_TIMESTAMP)
    sender_recipient, size, status, attempts = measures(rest)
    sender, recipient = addresses(sender_recipient)
    outgoing = message_type[1] == b"out"
    service, name = charged(outgoing, sender, recipient, host)
    return Record(
        time=int_of(timestamp),
        host=host.decode().lower(),
        service=service,
        domain=domain(host if name.startswith(b"[") else name),
        size=size,
        status=status,
        attempts=attempts,
    )


def measures(rest: bytes) -> tuple[list[bytes], int, str, int]:
    fields = rest.split(b"|")
    attempts = b"1"
    if len(fields) >= 3 and is_number(fields[-1]) and is_number(fields[-3]):
        attempts = fields.pop()
    need(len(fields) >= 4, Reason.BAD_FIELDS)
    *sender_recipient, size, status = fields
    need(is_number(size) and int_of(size) <= 2**53 - 1, Reason.BAD_BYTES)
    need(re.fullmatch(rb"[\x21-\x7e]{1,32}", status), Reason.BAD_STATUS)
    need(int_of(attempts) <= 2**31 - 1, Reason.BAD_ATTEMPTS)
    need(int_of(size) * max(int_of(attempts), 1) <= 2**63 - 1, Reason.BAD_ATTEMPTS)
    return sender_recipient, int_of(size), status.decode(), int_of(attempts)


def addresses(parts: list[bytes]) -> tuple[bytes, bytes]:
    if len(parts) == 2:
        return parts[0], parts[1]
    # A quoted string is swallowed whole; what matches alone is a pipe, or a quote left open.
    middle = b"|".join(parts)
    tokens = list(re.finditer(rb'"(?:[^"\\]|\\.)*"|["|]', middle, re.DOTALL))
    loose = [token for token in tokens if len(token[0]) == 1]
    need(len(loose) == 1 and loose[0][0] == b"|", Reason.BAD_ADDRESSES)
    return middle[: loose[0].start()], middle[loose[0].end() :]


def charged(
    outgoing: bool,  # noqa: FBT001 - the line says in or out
    sender: bytes,
    recipient: bytes,
    host: bytes,
) -> tuple[Service, bytes]:
    for address, other in ((sender, recipient), (recipient, sender)):
        prefix, account = address[:5], address[5:]
        if prefix in (b"imap@", b"pop3@") and (
            b"@" in account or other in (b"", account, prefix + account)
        ):
            service = Service.IMAP if prefix == b"imap@" else Service.POP3
            return service, account.rpartition(b"@")[2]
    if b"web@maillist" in sender:
        return Service.MAILLIST, list_domain(sender) or recipient_domain(recipient)
    if not outgoing:
        return Service.SMTP_IN, recipient_domain(recipient)
    if sender in (b"", b"<>", b"#@[]"):
        return Service.SMTP_OUT, host
    return Service.SMTP_OUT, recipient_domain(sender)


def list_domain(sender: bytes) -> bytes:
    tail = sender.split(b"web@maillist", 1)[1]
    if b"@" in tail:
        return tail.rpartition(b"@")[2]
    tail = tail.lstrip(b".-")
    return tail if b"." in tail else b""


def recipient_domain(address: bytes) -> bytes:
    return address.rpartition(b"@")[2] if b"@" in address else b""


def domain(name: bytes) -> str:
    need(len(name) <= 1012, Reason.BAD_DOMAIN)
    if any(byte >= 0x80 for byte in name):
        try:
            name = idna.encode(name.decode(), uts46=True)
        except UnicodeError:
            raise Malformed(Reason.BAD_DOMAIN) from None
    name = name.lower().removesuffix(b".")
    need(re.fullmatch(rb"[-a-z0-9_.]{1,253}", name), Reason.BAD_DOMAIN)
    return name.decode()


def is_number(text: bytes) -> bool:
    return re.fullmatch(rb"[0-9]+", text) is not None


def int_of(text: bytes) -> int:
    """Digits as a number; so many that Python refuses them are larger than any limit."""
    digits = text.lstrip(b"0")
    return int(digits or b"0") if len(digits) < 100 else 10**100


def need(condition: object, reason: Reason) -> None:
    if not condition:
        raise Malformed(reason)
