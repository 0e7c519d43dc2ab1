"""Postfix's lines as its daemons write them."""

from __future__ import annotations

ARGUMENTS = (
    "delay=1, ",  # before 2.3
    "delay=0.26, delays=0.08/0/0.01/0.17, dsn=2.0.0, ",
    "conn_use=3, delay=0.26, delays=0.08/0/0.01/0.17, dsn=2.0.0, ",
    "delay=0.26, delays=0.1/0/0/0.2, tls=may/!cert/TLSv1.3:x, dsn=2.0.0, ",  # 3.11
    "delay=0.26, new_key=value, dsn=2.0.0, ",  # some day
)


def line(daemon: str, body: str, *, at: str = "09:01:02", program: str = "postfix/{}") -> str:
    return f"Nov  8 {at} mx {program.format(daemon)}[123]: {body}\n"


def of(
    agent: str,
    to: str,
    relay: str,
    *,
    status: str = "sent",
    said: str = "delivered",
    at: str = "09:01:02",
    name: str = "4D2F1A0C5E",
) -> str:
    """Return a delivery line."""
    fields = f"delay=0.26, delays=0.08/0/0.01/0.17, dsn=2.0.0, status={status} ({said})"
    return line(agent, f"{name}: {to}, relay={relay}, {fields}", at=at)


def queued(name: str, sender: str = "a@sender.example", size: int = 1200, nrcpt: int = 1) -> str:
    text = f"{name}: from=<{sender}>, size={size}, nrcpt={nrcpt} (queue active)"
    return line("qmgr", text)


def client(name: str, text: str) -> str:
    return line("smtpd", f"{name}: client={text}") + line("cleanup", f"{name}: message-id=<1@x>")


def removed(name: str, at: str = "09:01:02") -> str:
    return line("qmgr", f"{name}: removed", at=at)


SIZE = "4D2F1A0C5E: from=<a@sender.example>, size=1200, nrcpt=1 (queue active)"
SENT = "4D2F1A0C5E: to=<bob@example.com>, relay=virtual, delay=1, status=sent (delivered)"
ARRIVED = client("4D2F1A0C5E", "mail.sender.example[192.0.2.1]") + queued("4D2F1A0C5E")
SUBMITTED = client(
    "4D2F1A0C5E", "home[198.51.100.7]:4711, sasl_method=PLAIN, sasl_username=ann@login.example"
) + queued("4D2F1A0C5E")
PICKED_UP = (
    line("pickup", "4D2F1A0C5E: uid=33 from=<a@sender.example>")
    + line("cleanup", "4D2F1A0C5E: message-id=<1@x>")
    + queued("4D2F1A0C5E")
)
