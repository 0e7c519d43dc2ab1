"""From runs to figures: medians, spread, ratios. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.running import Run

_MILLION = 1_000_000
#: The contenders that all are compared with.
RIVALS = ("mawk", "polars")


@dataclass(frozen=True, slots=True)
class Figures:
    """A contender's figures over all its runs, medians unless said otherwise.

    Attributes:
        rate: records a second of the work.
        spread: of the rate, its whole range over the median: 0.1 is 10 %.
        start: seconds before the work began.
        cpu: processor seconds a million records.
        peak: bytes, the largest of all runs.
        ratios: of the rate to each rival's, by the rival's name.
        extra: what it told of its last run.
    """

    name: str
    title: str
    rate: float
    spread: float
    start: float
    cpu: float
    peak: int
    ratios: dict[str, float]
    extra: dict[str, Any]


def figures(
    runs: Mapping[str, Sequence[Run]], titles: Mapping[str, str], lines: int
) -> list[Figures]:
    """The figures of each contender, in the order of ``runs``."""
    rates = {name: median(_rates(these, lines)) for name, these in runs.items()}
    return [
        Figures(
            name=name,
            title=titles[name],
            rate=rates[name],
            spread=_spread(_rates(these, lines)),
            start=median(run.started for run in these),
            cpu=median(run.cpu for run in these) / lines * _MILLION,
            peak=max(run.peak for run in these),
            ratios={rival: rates[name] / rates[rival] for rival in RIVALS if rival in rates},
            extra=these[-1].extra,
        )
        for name, these in runs.items()
    ]


def _rates(runs: Iterable[Run], lines: int) -> list[float]:
    return [lines / run.seconds for run in runs]


def _spread(rates: Sequence[float]) -> float:
    return (max(rates) - min(rates)) / median(rates)
