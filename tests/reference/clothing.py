"""Syslog's clothing in its dialects (FORMATS 2), decided for each line alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.reference.outcome import need
from tests.reference.stamps import Stamp, read_stamp

PRIORITY = re.compile(rb"<([0-9]{1,3})>")
STRUCTURED = rb'-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+'
RFC5424 = re.compile(
    rb"<[0-9]{1,3}>1 (?P<stamp>[^ ]+) (?P<host>[^ ]+) (?P<program>[^ ]+) (?P<pid>[^ ]+) [^ ]+ "
    rb"(?:" + STRUCTURED + rb")(?: (?P<body>.*))?\Z",
    re.DOTALL,
)
FACILITY = re.compile(rb"<[a-z0-9]+\.[a-z0-9]+> ")
TAG = re.compile(rb"(?P<program>[^ \[:]+)(?:\[(?P<pid>[^\]]*)\])?:(?: )?(?P<body>.*)\Z", re.DOTALL)

#: What Dovecot writes right after its own stamp (FORMATS 5.3.10), where syslog has a host.
DOVECOT_BODY = re.compile(
    rb"(?:(?:Debug|Info|Warning|Error|Fatal|Panic): "
    rb"|(?:imap|pop3|imap-hibernate|imap-urlauth|managesieve|submission|lmtp|lda|doveadm)\("
    rb"|(?:imap-login|pop3-login|managesieve-login|submission-login|auth|auth-worker|master|anvil"
    rb"|stats|indexer|indexer-worker|config|log|director|ssl-params|dict|lmtp|quota-status"
    rb"|replicator): )"
)
#: The same of qmail, after a stamp that multilog, svlogd or accustamp wrote.
QMAIL_BODY = re.compile(
    rb"(?:starting delivery|delivery|info msg|new msg|end msg|bounce msg) [0-9.]+(?:[: ]|\Z)"
    rb"|status: local "
)


@dataclass(frozen=True)
class Dressed:
    """What the clothing says; ``host`` is empty where it names none."""

    stamp: Stamp
    host: bytes
    program: bytes
    pid: bytes
    body: bytes


def undress(text: bytes) -> Dressed | None:
    """Return what a line says beneath its clothing; None for a line without any."""
    if found := RFC5424.match(text):
        return undress_5424(found)
    if (priority := PRIORITY.match(text)) and int(priority[1]) <= 191:
        text = text[priority.end() :]
    read = read_stamp(text)
    if read is None:
        return None
    own = DOVECOT_BODY.match(read.rest) or QMAIL_BODY.match(read.rest)
    if own or not read.host_follows:
        return without_host(read.stamp, read.rest)
    rest = without_facility(read.rest)
    host, _, rest = rest.partition(b" ")
    need(re.fullmatch(rb"[\x21-\x7e]{1,255}", host), "bad-host")
    program, pid, body = tagged(without_facility(rest))
    return Dressed(read.stamp, host.lower(), program, pid, body)


def without_host(stamp: Stamp, rest: bytes) -> Dressed:
    program = b"dovecot" if DOVECOT_BODY.match(rest) else b""
    return Dressed(stamp, b"", program, b"", rest)


def undress_5424(found: re.Match[bytes]) -> Dressed:
    read = read_stamp(found["stamp"] + b" ")
    need(read is not None and b"T" in found["stamp"], "bad-timestamp")
    assert read is not None
    body = (found["body"] or b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b" ")
    host = present(found["host"]).lower()
    need(re.fullmatch(rb"[\x21-\x7e]{0,255}", host), "bad-host")
    return Dressed(read.stamp, host, present(found["program"]), present(found["pid"]), body)


def present(field: bytes) -> bytes:
    return b"" if field == b"-" else field


def without_facility(text: bytes) -> bytes:
    found = FACILITY.match(text)
    return text[found.end() :] if found else text


def tagged(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Return program, pid and body; the program is empty where the text has no tag."""
    found = TAG.match(text)
    if found is None:
        return b"", b"", text
    return found["program"], found["pid"] or b"", found["body"]
