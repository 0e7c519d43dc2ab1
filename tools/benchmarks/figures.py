"""Compute figures from runs: medians, spread, ratios. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.benchmarks.peers.running import Run

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Figures:
    """A contender's figures over all its runs; medians unless noted.

    Attributes:
        records: records of each run.
        rounds: number of runs.
        rate: records a second of the work.
        spread: range of the rate over its median: 0.1 is 10 %.
        start: seconds before the work began.
        cpu: processor seconds per million records.
        peak: bytes of memory, the largest of all runs.
        ratios: ratio of the rate to each rival's, by the rival's name.
        extra: further figures of its last run.
    """

    name: str
    title: str
    records: int
    rounds: int
    rate: float
    spread: float
    start: float
    cpu: float
    peak: int
    ratios: dict[str, float]
    extra: dict[str, Any]


def figures(
    runs: Mapping[str, Sequence[Run]], titles: Mapping[str, str], rivals: Sequence[str]
) -> list[Figures]:
    """Return the figures of each contender, in the order of ``runs``."""
    rates = {name: median(_rates(these)) for name, these in runs.items()}
    return [
        Figures(
            name=name,
            title=titles[name],
            records=these[-1].records,
            rounds=len(these),
            rate=rates[name],
            spread=spread(_rates(these)),
            start=median(run.started for run in these),
            cpu=median(run.cpu / run.records for run in these) * _MILLION,
            peak=max(run.peak for run in these),
            ratios={rival: rates[name] / rates[rival] for rival in rivals if rival in rates},
            extra=these[-1].extra,
        )
        for name, these in runs.items()
    ]


def _rates(runs: Sequence[Run]) -> list[float]:
    return [run.records / run.seconds for run in runs]


def spread(values: Sequence[float]) -> float:
    """Return the range of values over their median."""
    return (max(values) - min(values)) / median(values)
