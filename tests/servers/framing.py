"""The forms in which one syslog line may be in a file: recorded in one, turned into the others."""

from __future__ import annotations

import re
from datetime import datetime

_DATAGRAM = re.compile(rb"<\d+>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(.*)", re.DOTALL)
_ISO = re.compile(rb"(\S+) (\S+) ([^ \[:]+)(?:\[(\d+)\])?: ?(.*)", re.DOTALL)
_MAIL_INFO = 22  # facility mail, severity info


def iso_line(datagram: bytes, now: datetime, host: str) -> bytes:
    """Return a datagram of ``/dev/log`` as the line of a file, as rsyslog has it on Debian 12.

    Control bytes become ``#ooo``, as rsyslog does it.
    """
    match = _DATAGRAM.fullmatch(datagram.rstrip(b"\n\0"))
    assert match, datagram
    body = re.sub(rb"[\0-\x1f\x7f]", lambda found: b"#%03o" % found[0][0], match[1])
    return b"%s %s %s\n" % (now.isoformat(timespec="microseconds").encode(), host.encode(), body)


def rfc3164(line: bytes) -> bytes:
    """Return an ISO line in the traditional form: no year, no zone, a second's precision."""
    stamp, _, rest = line.partition(b" ")
    when = datetime.fromisoformat(stamp.decode())
    return f"{when:%b} {when.day:2} {when:%H:%M:%S} ".encode() + rest


def rfc5424(line: bytes) -> bytes:
    """Return an ISO line as RFC 5424 has it; like rsyslog, cut the program's name at its ``/``."""
    match = _ISO.fullmatch(line)
    assert match, line
    stamp, host, program, pid, body = match.groups()
    name = program.partition(b"/")[0]
    return b"<%d>1 %s %s %s %s - -  %s" % (_MAIL_INFO, stamp, host, name, pid or b"-", body)
