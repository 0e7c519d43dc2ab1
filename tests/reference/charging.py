"""Whom a delivery or a session is charged to, and the records it makes (FORMATS 1, 16; RULES 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Literal

import idna

from mailtally_shared.schema import MAX_SIZE, Service
from tests.reference.outcome import Line, Malformed, Record, need
from tests.reference.places import is_hosted

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.messages import Message
    from tests.reference.settings import Settings

Way = Literal["in", "out", "hop"]


@dataclass(frozen=True)
class Delivery:
    """The final outcome of one message for one recipient."""

    way: Way
    recipient: bytes
    #: The recipient as addressed, before aliases; empty where the log has none.
    addressed: bytes
    status: str
    deferrals: int
    #: Whether any try had a connection or an agent of its own.
    connected: bool = True


def deliver(
    settings: Settings, line: Line, message: Message | None, delivery: Delivery
) -> Outcomes:
    """Return the records of a delivery, or why it cannot be counted."""
    if delivery.way == "hop" or delivery.recipient.lower() in settings.uncharged_recipients:
        return []
    if message is None or message.size is None or message.sender is None:
        return [Malformed("unknown-delivery")]
    ways: list[Way] = [delivery.way]
    if delivery.way == "in" and settings.charge_local_senders and message.submitted:
        ways.append("out")
    outcomes: Outcomes = []
    for way in ways:
        if settings.count == "messages" and way in message.counted:
            continue
        message.counted.add(way)
        outcomes.append(one(settings, line, message, delivery, way))
    return outcomes


def one(
    settings: Settings, line: Line, message: Message, delivery: Delivery, way: Way
) -> Record | Malformed:
    assert message.size is not None
    assert message.sender is not None
    size = message.size
    unsent = delivery.status in ("failure", "expired") and not delivery.connected
    if unsent and settings.unsent == "zero":
        size = 0
    service = Service.SMTP_IN if way == "in" else Service.SMTP_OUT
    if way == "out" and from_a_list(settings, message.sender):
        service = Service.MAILLIST
    try:
        need(size <= MAX_SIZE, "bad-bytes")
        if way == "in":
            domain = domain_of(recipient_charged(settings, delivery), line.host)
        else:
            domain = sender_charged(settings, line, message, delivery)
    except Malformed as malformed:
        return malformed
    return Record(
        time=line.time,
        host=line.host.decode(),
        domain=domain,
        service=service,
        status=delivery.status,
        size=size,
        attempts=delivery.deferrals + (delivery.status != "expired"),
    )


def recipient_charged(settings: Settings, delivery: Delivery) -> bytes:
    if settings.charge_in == "addressed" and b"@" in delivery.addressed:
        return delivery.addressed
    return delivery.recipient


def sender_charged(settings: Settings, line: Line, message: Message, delivery: Delivery) -> str:
    """Return the domain that mail to elsewhere is charged to."""
    assert message.sender is not None
    if settings.charge_out == "login" and b"@" in message.login:
        return domain_of(message.login, line.host)
    alias = delivery.addressed if b"@" in delivery.addressed else b""
    if alias and settings.hosted is None:
        elsewhere = domain_of(alias, line.host) != domain_of(delivery.recipient, line.host)
        if settings.forwarded == "alias" and elsewhere:
            return domain_of(alias, line.host)
    elif alias:
        sender_is_ours = message.sender and is_hosted(
            settings, domain_of(message.sender, line.host)
        )
        if not sender_is_ours and is_hosted(settings, domain_of(alias, line.host)):
            return domain_of(alias, line.host)
    return domain_of(message.sender, line.host)


def from_a_list(settings: Settings, sender: bytes) -> bool:
    text = sender.decode("utf-8", "replace").lower()
    return any(fnmatch(text, pattern.lower()) for pattern in settings.list_senders)


def domain_of(address: bytes, host: bytes) -> str:
    """Return the domain charged; the host for the null sender, a literal, or none."""
    name = address.rpartition(b"@")[2] if b"@" in address else host
    return checked(host if name.startswith(b"[") else name)


def checked(name: bytes) -> str:
    """Return a domain lower-cased and in ASCII; raise Malformed for what is none."""
    need(len(name) <= 1012, "bad-domain")
    if any(byte >= 0x80 for byte in name):
        try:
            name = idna.encode(name.decode(), uts46=True)
        except UnicodeError:
            raise Malformed("bad-domain") from None
    name = name.lower().removesuffix(b".")
    need(re.fullmatch(rb"[-a-z0-9_.]{1,253}", name), "bad-domain")
    return name.decode()


def session(line: Line, service: Service, user: bytes, size: int) -> Outcomes:
    """Return the record of a session's end; ``size`` is bytes both ways or what is charged."""
    need(size <= MAX_SIZE, "bad-bytes")
    need(user, "bad-domain")
    name = user.rpartition(b"@")[2]
    domain = checked(line.host if name.startswith(b"[") else name)
    return [Record(line.time, line.host.decode(), domain, service, "success", size, 1)]
