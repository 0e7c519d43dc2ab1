"""The format ``syslog`` and the plain readers agree on every line, however the log is cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_collector.formats import Origin, ProgramLines, Setting
from mailtally_collector.formats.syslog.format import SyslogFormat
from mailtally_shared.runtime.zones import offsets_of
from tests.reference.courier import SESSIONS, Courier
from tests.reference.dovecot import Dovecot
from tests.reference.log import Log
from tests.reference.outcome import Malformed, Record
from tests.reference.settings import Settings
from tests.support import syslog_lines
from tests.support.parsed_records import records_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.reference.log import Outcomes, Program
    from tests.reference.outcome import Line

HOST = "mail.example.com"
EXAMPLES = 3 * settings().max_examples
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe")
MODIFIED = 1_794_268_800


@dataclass
class Sessions:
    """The sessions of a plain reader, of hosts that a record may name."""

    reader: Program
    programs: frozenset[bytes] | None = None

    def claims(self, line: Line) -> bool:
        return self.reader.claims(line) and (not self.programs or line.program in self.programs)

    def read(self, line: Line) -> Outcomes:
        try:
            outcomes = self.reader.read(line)
        except Malformed as malformed:
            outcomes = [malformed]
        if outcomes and not re.fullmatch(rb"[a-z0-9-_.:]*", line.host):
            return [one if is_of_bytes(one) else Malformed("bad-host") for one in outcomes]
        return outcomes


def is_of_bytes(outcome: Record | Malformed) -> bool:
    """Return whether a line has a fault that is looked for before its host's."""
    return isinstance(outcome, Malformed) and outcome.reason == "bad-bytes"


@cache
def format_of(zone: str, session_bytes: str = "both") -> SyslogFormat:
    return SyslogFormat(Setting(HOST, offset_at=offsets_of(zone), session_bytes=session_bytes))  # type: ignore[arg-type]  # one of two words


def assert_agree(chunks: Sequence[list[bytes]], zone: str, session_bytes: str = "both") -> None:
    """Compare what each line ended, chunk by chunk."""
    known = Settings(HOST.encode(), ZoneInfo(zone), modified=MODIFIED, session_bytes=session_bytes)
    log = Log(known, [Sessions(Dovecot(known)), Sessions(Courier(known), frozenset(SESSIONS))])
    parser, state = format_of(zone, session_bytes), b""
    reading, passed, malformed = log.reading, 0, 0
    counted = ProgramLines()
    for lines in chunks:
        before = len(reading.records), len(reading.rejects), reading.lines
        for line in lines:
            log.take(line)
        chunk = b"".join(line + b"\n" for line in lines)
        parsed, state = parser.parse(chunk, state, Origin(MODIFIED, begins=not before[2]))
        assert [record_of(one) for one in records_of(parsed)] == reading.records[before[0] :]
        assert malformed_of(lines, parsed) == sorted(
            {(number - before[2], first(reason)) for number, reason in reading.rejects[before[1] :]}
        )
        passed, malformed = passed + parsed.passed, malformed + len(parsed.rejects)
        counted = sum(parsed.programs.values(), counted)
    assert (passed, malformed) == (reading.passed, reading.malformed)
    assert counted == ProgramLines(reading.ended, reading.passed, reading.malformed)


def record_of(record: object) -> Record:
    return Record(
        *(getattr(record, name) for name in ("time", "host", "domain", "service", "status")),
        *(getattr(record, name) for name in ("size", "attempts")),
    )


def malformed_of(lines: list[bytes], parsed: object) -> list[tuple[int, str]]:
    starts, place = {}, 0
    for number, line in enumerate(lines):
        starts[place + len(line) - len(line.lstrip(b"\0"))] = number
        place += len(line) + 1
    rejects = parsed.rejects  # type: ignore[attr-defined]  # of what was parsed
    found = zip(rejects.start.tolist(), rejects.labels(), strict=True)
    return [(starts[start], first(reason)) for start, reason in found]


def first(reason: str) -> str:
    """Return a reason; of a repeat with two faults either may be said."""
    return "a repeat" if reason.endswith("-repeat") else reason


def pieces(lines: list[bytes], cuts: list[int]) -> list[list[bytes]]:
    edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    return [lines[a:b] for a, b in pairwise(edges) if a < b]


@settings(max_examples=EXAMPLES)
@given(syslog_lines.logs, st.sampled_from(ZONES), st.lists(st.integers(0, 25), max_size=4))
def test_a_log_in_pieces(lines: list[bytes], zone: str, cuts: list[int]) -> None:
    assert_agree(pieces(lines, cuts), zone)


@settings(max_examples=EXAMPLES)
@given(syslog_lines.logs, st.sampled_from(ZONES))
def test_a_chunk_a_line(lines: list[bytes], zone: str) -> None:
    assert_agree([[line] for line in lines], zone)


@given(syslog_lines.logs)
def test_bytes_sent_only(lines: list[bytes]) -> None:
    # The plain readers refuse a number of any length, also of bytes that they do not count.
    lines = [line.replace(b"9" * 20, b"9") for line in lines]
    assert_agree([lines] if lines else [], "UTC", "out")
