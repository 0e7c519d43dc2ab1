"""Lines that say how often another line happened (FORMATS 2, repeats), and lines that are gone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.reference.outcome import need

if TYPE_CHECKING:
    from tests.reference.outcome import Line

LAST = re.compile(rb" ?last message repeated ([0-9]+) times?")
INNER = re.compile(rb"message repeated ([0-9]+) times: \[ ?(.*)\]", re.DOTALL)
#: More than a syslog daemon writes before it tells.
MOST = 100_000

LOST = (
    (
        rb"rsyslogd|rsyslogd-.*",
        rb".*\blost ([0-9]{1,9}) messages from pid .*rate-limiting.*",
    ),
    (rb"systemd-journald|systemd-journal", rb"Suppressed ([0-9]{1,9}) messages from .*"),
    (rb"kernel", rb"(?:.*[^0-9])?([0-9]{1,9}) message\(?s?\)? dropped.*"),
)


@dataclass
class Repeats:
    """The line before, of each host of one file."""

    previous: dict[bytes, Line] = field(default_factory=dict)

    def happened(self, line: Line) -> tuple[Line, int]:
        """Return the line that happened at this line's time, and how often."""
        found = LAST.fullmatch(line.body)
        if found and line.program in (b"", b"syslogd", b"kernel"):
            previous = self.previous.get(line.host)
            need(previous is not None, "unknown-repeat")
            assert previous is not None
            return replace(previous, time=line.time), times(found[1])
        if found := INNER.fullmatch(line.body):
            repeated = replace(line, body=self.in_full(line, found[2]))
            self.previous[line.host] = repeated
            return repeated, times(found[1])
        self.previous[line.host] = line
        return line, 1

    def in_full(self, line: Line, body: bytes) -> bytes:
        """Return the whole body: rsyslog cuts it in the repetition, not in the line before."""
        previous = self.previous.get(line.host)
        if previous is None or (previous.program, previous.pid) != (line.program, line.pid):
            return body
        return previous.body if previous.body.startswith(body) and len(body) >= 799 else body


def times(digits: bytes) -> int:
    need(len(digits) <= 6 and int(digits) <= MOST, "bad-repeat")
    return int(digits)


def lost(line: Line) -> int:
    """Return how many lines syslog says that it dropped."""
    for program, form in LOST:
        if re.fullmatch(program, line.program) and (found := re.fullmatch(form, line.body)):
            return int(found[1])
    return 0
