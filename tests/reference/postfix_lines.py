"""Postfix's lines, read without regard to other lines (FORMATS 3.1, 3.2a)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.reference.outcome import need

VOWELLESS = rb"0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxy"
QUEUE_ID = re.compile(rb"(?:[0-9A-F]{6,}|[" + VOWELLESS + rb"z]{10,}z[" + VOWELLESS + rb"]+)")
DAEMONS = frozenset(
    b"smtpd cleanup pickup qmgr oqmgr nqmgr smtp lmtp local virtual pipe error retry discard"
    b" bounce postsuper qmqpd".split()
)
AGENTS = frozenset(b"smtp lmtp local virtual pipe error retry discard bounce cleanup qmgr".split())
MANAGERS = frozenset(b"qmgr oqmgr nqmgr".split())
#: They speak of messages, but never in a way that is counted.
OTHERS = frozenset(
    b"postscreen dnsblog anvil scache tlsproxy verify proxymap trivial-rewrite master postlogd"
    b" postfix-script flush showq tlsmgr".split()
)
CLIENT = re.compile(
    rb"client=(?P<name>[^\[]*)\[(?P<address>[^\]]*)\](:[0-9]+)?"
    rb"(, sasl_method=(?P<method>.*?))?(, sasl_username=(?P<login>.*?))?"
    rb"(, sasl_sender=(?P<as>.*?))?(, orig_queue_id=(?P<original>[^ ,]+))?"
    rb"(, orig_client=(?P<behind>.*))?",
    re.DOTALL,
)
AFTER_RECIPIENT = re.compile(
    rb", relay=(?P<relay>[^,]*)(, [a-z_]+=[^ ,]*)*?, status=(?P<status>[A-Za-z-]+)"
    rb" \((?P<text>.*)\)",
    re.DOTALL,
)
RELAY = re.compile(rb"(?P<name>[^\[]*)\[(?P<address>[^\]]*)\](:[0-9]+)?")


@dataclass(frozen=True)
class Spoken:
    """One delivery line."""

    recipient: bytes
    original: bytes
    relay: bytes
    status: bytes
    text: bytes

    @property
    def next_host(self) -> tuple[bytes, bytes]:
        """Name and address (or a socket's path) of the next host; empty for none."""
        found = RELAY.fullmatch(self.relay)
        return (found["name"], found["address"]) if found else (b"", b"")


def bracketed(text: bytes) -> tuple[bytes, bytes]:
    """Return the address between ``<`` and ``>``, and what follows."""
    need(text.startswith(b"<"), "bad-event")
    if text.startswith(b'<"'):
        quoted = re.match(rb'<("(?:[^"\\]|\\.)*"[^>]*)>', text, re.DOTALL)
        need(quoted, "bad-event")
        assert quoted is not None
        return quoted[1], text[quoted.end() :]
    plain = re.match(rb"<(.*?)>(?=, | |\Z)", text, re.DOTALL)
    need(plain, "bad-event")
    assert plain is not None
    return plain[1], text[plain.end() :]


def delivery_line(text: bytes) -> Spoken:
    """Parse ``to=<R>[, orig_to=<O>], relay=..., status=... (...)``."""
    recipient, rest = bracketed(text.removeprefix(b"to="))
    original = b""
    if rest.startswith(b", orig_to="):
        original, rest = bracketed(rest.removeprefix(b", orig_to="))
    found = AFTER_RECIPIENT.match(rest)
    need(found, "bad-event")
    assert found is not None
    return Spoken(recipient, original, found["relay"], found["status"], found["text"])


def daemon_of(program: bytes, text: bytes) -> bytes:
    """Return what speaks; by the text where syslog cut the tag at its slash."""
    if b"/" in program:
        return program.rpartition(b"/")[2]
    if text.startswith(b"client="):
        return b"smtpd"
    if text.startswith(b"uid="):
        return b"pickup"
    if text.startswith((b"message-id=", b"resent-message-id=")):
        return b"cleanup"
    if text.startswith(b"from=<") or text == b"removed":
        return b"qmgr"
    return agent_of(text) if text.startswith(b"to=<") else b""


def agent_of(text: bytes) -> bytes:
    spoken = delivery_line(text)
    relay, said = spoken.relay, spoken.text
    if relay in (b"local", b"virtual"):
        return relay
    if relay == b"none":
        if spoken.status == b"sent":
            return b"discard"
        connecting = b"connect to " in said or b"name not found" in said
        return b"smtp" if connecting else b"error"
    if b"/" in spoken.next_host[1] or re.search(rb"<[^>]*> [^ ]+ Saved", said):
        return b"lmtp"
    return b"smtp" if RELAY.fullmatch(relay) else b"pipe"
