"""Records, malformed lines, and the tally of a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_shared.schema import Service


@dataclass(frozen=True)
class Record:
    time: int  # Unix seconds
    host: str
    domain: str
    service: Service
    status: str
    size: int  # bytes
    attempts: int

    @property
    def transferred(self) -> int:
        return self.size * max(self.attempts, 1)


class Malformed(Exception):
    """A line, or one delivery of a line, that cannot be counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def need(condition: object, reason: str) -> None:
    if not condition:
        raise Malformed(reason)


def number(digits: bytes) -> int:
    """Return a number of bytes; raise Malformed for more than any log counts."""
    need(len(digits.lstrip(b"0")) <= 19, "bad-bytes")
    return int(digits.lstrip(b"0") or b"0")


@dataclass(frozen=True)
class Line:
    """A line without its clothing: one thing that a program said."""

    time: int  # Unix seconds
    host: bytes  # lower case
    program: bytes
    pid: bytes
    body: bytes


@dataclass
class Reading:
    """All that came of a log: ``lines`` = ``ended`` + ``passed`` + ``malformed``."""

    records: list[Record] = field(default_factory=list)
    #: (number of the line from 0, reason); a line with several bad deliveries has several.
    rejects: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0
    ended: int = 0  # lines that ended records
    passed: int = 0
    malformed: int = 0
    lost: int = 0  # lines that syslog says it dropped
