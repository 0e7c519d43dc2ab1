"""How much a benchmark takes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.logs import make_logs

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.logs import Logs


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of all parts.

    Attributes:
        place: logs and data are kept below it while the benchmark runs.
        lines: of the logs that everyone reads.
        domains: charged in them.
        repeat: rounds, of which the medians are taken.
        seconds: for how long what is steady or idle is watched.
        day: domains of a large day.
        longest: lines of the longest log of which the growth is measured.
        only: the contenders to be compared; all, if empty.
    """

    place: Path
    lines: int = 5_000_000
    domains: int = 1000
    repeat: int = 5
    seconds: float = 40.0
    day: int = 1_000_000
    longest: int = 100_000_000
    only: tuple[str, ...] = ()

    def logs(self, lines: int | None = None, domains: int | None = None) -> Logs:
        """The logs of that size, made when they are first asked for."""
        size = (lines or self.lines, domains or self.domains)
        return make_logs(self.place / "{}-{}".format(*size), lines=size[0], domains=size[1])
