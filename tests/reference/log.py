"""A whole log: each line undressed, dated, repeated as often as it says, and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.reference.clock import Clock
from tests.reference.containers import LONGEST, Containers
from tests.reference.outcome import Line, Malformed, Reading, Record, need
from tests.reference.repeats import Repeats, lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.reference.settings import Settings

#: What a line ended: records, and for each delivery that cannot be counted its reason.
Outcomes = list[Record | Malformed]


class Program(Protocol):
    """The reader of one program's lines."""

    def claims(self, line: Line) -> bool: ...

    def read(self, line: Line) -> Outcomes: ...


class Log:
    """One file, from its beginning on."""

    def __init__(self, settings: Settings, programs: Sequence[Program]) -> None:
        self.settings = settings
        self.programs = programs
        self.containers = Containers()
        self.clock = Clock(settings)
        self.repeats = Repeats()
        self.reading = Reading()

    def take(self, raw: bytes) -> None:
        """Read one line, without its line end."""
        reading = self.reading
        try:
            outcomes = self.outcomes(raw.lstrip(b"\0").removesuffix(b"\r"))
        except Malformed as malformed:
            outcomes = [malformed]
        records = [outcome for outcome in outcomes if isinstance(outcome, Record)]
        rejects = [outcome.reason for outcome in outcomes if isinstance(outcome, Malformed)]
        reading.records += records
        reading.rejects += [(reading.lines, reason) for reason in rejects]
        reading.lines += 1
        reading.ended += bool(records)
        reading.malformed += bool(rejects and not records)
        reading.passed += not outcomes

    def outcomes(self, raw: bytes) -> Outcomes:
        line = self.undressed(raw)
        if line is None:
            return []
        self.reading.lost += lost(line)
        line, times = self.repeats.happened(line)
        program = next((one for one in self.programs if one.claims(line)), None)
        outcomes: Outcomes = []
        for _ in range(times if program else 0):
            assert program is not None
            outcomes += program.read(line)
        return outcomes

    def undressed(self, raw: bytes) -> Line | None:
        need(len(raw) <= LONGEST, "too-long")
        need(b"\0" not in raw, "nul")
        dressed = self.containers.undress(raw)
        if dressed is None:
            return None
        return Line(
            time=self.clock.moment(dressed.stamp),
            host=dressed.host or self.settings.host,
            program=dressed.program,
            pid=dressed.pid,
            body=dressed.body,
        )


def read_log(settings: Settings, lines: Iterable[bytes], programs: Sequence[Program]) -> Reading:
    log = Log(settings, programs)
    for line in lines:
        log.take(line)
    return log.reading
