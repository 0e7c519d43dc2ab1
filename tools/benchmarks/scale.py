"""The scale of a benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.benchmarks.logs import make_logs

if TYPE_CHECKING:
    from pathlib import Path

    from tools.benchmarks.logs import Logs


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of all parts.

    Attributes:
        place: directory of logs and data while the benchmark runs.
        lines: lines of the logs that all contenders read.
        domains: domains charged in them.
        repeat: rounds, whose medians count.
        seconds: duration of steady and idle measurements.
        day: domains of a large day.
        longest: lines of the longest log for ``growth``.
        only: contenders to compare; all, if empty.
    """

    place: Path
    lines: int = 5_000_000
    domains: int = 1000
    repeat: int = 5
    seconds: float = 40.0
    day: int = 1_000_000
    longest: int = 100_000_000
    only: tuple[str, ...] = ()

    def logs(
        self, lines: int | None = None, domains: int | None = None, layout: str = "cluster"
    ) -> Logs:
        """Return the logs of this scale, generated on first use."""
        lines, domains = lines or self.lines, domains or self.domains
        place = self.place / f"{layout}-{lines}-{domains}"
        return make_logs(place, lines=lines, domains=domains, layout=layout)
