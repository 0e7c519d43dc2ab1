"""What the target for libFuzzer needs of queue logs: their programs in C, and some lines.

Run ``python -m tests.fuzz.queue_corpus HEADER DIRECTORY``.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally_collector.formats import Setting
from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_collector.formats.programs.registry import PROGRAMS
from mailtally_collector.formats.syslog.lines import pattern_of
from mailtally_kernel import Program
from mailtally_kernel.interface import Step
from tools.samples.maillogs import play

if TYPE_CHECKING:
    from mailtally_kernel import Pattern

_START = 1_771_200_000
_SEVERAL = b"""\
Nov  8 09:01:02 mx dovecot: imap(b@b.example)<8><E>: Logged out in=29 out=399
Nov  8 09:02:00 mx last message repeated 3 times
2026-10-25T02:30:00 mx dovecot: pop3(a@a.example): Logged out top=0/1, retr=2/3, del=0/0, size=9
<22>1 2026-11-08T09:01:02+01:00 mx imapd 7 - [a b="c"] LOGOUT, user=u, ip=[::1], rcvd=4, sent=5
Oct 25 02:30:00.5 mx dovecot: message repeated 2 times: [ imap(c): Closed bytes=1/2]
2026-11-08 09:01:02 imap(d@d.example): Info: Logged out in=1 out=2 hdr_bytes=3
"""


def array_of(kind: str, content: bytes) -> str:
    """Return a C array of bytes, aligned as a step is."""
    values = ",".join(map(str, content))
    return f"_Alignas(8) static const uint8_t {kind}[] = {{{values}}};\n"


def header(name: str, pattern: Pattern) -> str:
    """Return a program as two arrays of bytes."""
    program = Program(pattern)  # it owns what the table points at
    table = program.table
    size = ctypes.sizeof(Step)
    steps = ctypes.string_at(table.steps, table.count * size)
    return array_of(f"{name}_steps", steps) + array_of(
        f"{name}_bytes", ctypes.string_at(table.bytes, table.length)
    )


def main() -> None:
    """Write the header and the corpus."""
    syslog = pattern_of(PROGRAMS, Setting())
    Path(sys.argv[1]).write_text(header("qmail", QMAIL) + header("syslog", syslog))
    run = play(3, start=_START, seed=1)
    for name, lines in (("syslog", run.syslog()), ("multilog", run.multilog())):
        (Path(sys.argv[2]) / name).write_bytes(b"".join(lines))
    (Path(sys.argv[2]) / "several").write_bytes(_SEVERAL)


if __name__ == "__main__":
    main()
