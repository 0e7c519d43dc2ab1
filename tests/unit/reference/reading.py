"""Short ways to read lines with the plain readers and to say what is expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailtally_shared.schema import Service
from tests.reference.log import read_log
from tests.reference.settings import Settings

if TYPE_CHECKING:
    from tests.reference.log import Outcomes, Program
    from tests.reference.outcome import Line, Reading, Record

DEFAULTS = Settings()


@dataclass
class Heard:
    """A program that keeps the lines it is handed."""

    lines: list[Line]

    def claims(self, line: Line) -> bool:
        return bool(line.body)

    def read(self, line: Line) -> Outcomes:
        self.lines.append(line)
        return []


def hear(*lines: bytes, settings: Settings = DEFAULTS) -> tuple[list[Line], Reading]:
    """Return what lines say beneath their clothing."""
    heard = Heard([])
    return heard.lines, read_log(settings, lines, [heard])


def read(program: Program, text: bytes, settings: Settings = DEFAULTS) -> Reading:
    """Read lines; leading blanks and empty lines are the test's own."""
    lines = [line.strip() for line in text.splitlines()]
    reading = read_log(settings, [line for line in lines if line], [program])
    assert reading.lines == reading.ended + reading.passed + reading.malformed
    return reading


def at(text: str) -> int:
    """Return Unix seconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


#: Service, domain, bytes, status and attempts of a record.
Short = tuple[str, str, int, str, int]


def short(record: Record) -> Short:
    return (
        record.service.label,
        record.domain,
        record.size,
        record.status,
        record.attempts,
    )


def shorts(reading: Reading) -> list[Short]:
    """Return the records in short; none of the lines may be malformed."""
    assert reading.rejects == []
    return [short(record) for record in reading.records]


IN, OUT = Service.SMTP_IN.label, Service.SMTP_OUT.label
