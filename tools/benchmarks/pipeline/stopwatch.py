"""The cost of stages: wall time, processor time of mailtally and of Redis.

Compare processor time: on a machine with other work it hardly changes, while wall time includes
what a stage waited for.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from statistics import median
from typing import TYPE_CHECKING, cast

from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailtally_shared.state.client import State

_HEAD = ("stage", "wall ns", "CPU ns", "of it Redis", "share of CPU")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: wall, processor time of this process, processor time of Redis."""

    wall: float = 0.0
    ours: float = 0.0
    redis: float = 0.0

    @property
    def cpu(self) -> float:
        """Return the processor seconds of both."""
        return self.ours + self.redis

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


#: By stage, in the order of the pipeline.
Costs = dict[str, Cost]


class Stopwatch:
    """The sums of each stage's cost; ``counts`` is for further figures."""

    def __init__(self, state: State) -> None:
        self.costs: Costs = defaultdict(Cost)
        self.counts: Counter[str] = Counter()
        self._state = state

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the block's cost to a stage."""
        redis = self._redis()
        begin = Cost(time.perf_counter(), time.process_time())
        yield
        cost = Cost(time.perf_counter(), time.process_time()) - begin
        self.costs[stage] += cost + Cost(redis=self._redis() - redis)

    def _redis(self) -> float:
        used = cast("dict[str, float]", self._state.info("cpu"))
        return used["used_cpu_user"] + used["used_cpu_sys"]


def medians(runs: Sequence[Costs]) -> Costs:
    """Return the median of each figure of each stage over some runs."""
    return {
        stage: Cost(*map(median, zip(*(astuple(run[stage]) for run in runs), strict=True)))
        for stage in runs[0]
    }


def costs_table(costs: Mapping[str, Cost], lines: int) -> str:
    """Return a line per stage: nanoseconds per record, share of all processor time."""
    whole = sum(costs.values(), Cost())
    rows = [*costs.items(), ("all", whole)]
    return aligned([_HEAD, *(_row(stage, cost, whole, lines) for stage, cost in rows)])


def _row(stage: str, cost: Cost, whole: Cost, lines: int) -> tuple[str, ...]:
    each = (f"{seconds / lines * 1e9:,.0f}" for seconds in (cost.wall, cost.cpu, cost.redis))
    return (stage, *each, f"{cost.cpu / whole.cpu:.0%}")
