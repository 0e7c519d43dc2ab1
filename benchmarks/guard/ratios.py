"""Measuring a kernel beside its yardstick, and judging it. Pure but for the clock."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.guard.kernels import Kernel

#: A kernel that takes so much more of its yardstick than before has lost too much.
MOST_LOST = 0.15
#: On a processor that nobody took a baseline on: what the two are worth differs.
MOST_LOST_ELSEWHERE = 0.6


@dataclass(frozen=True, slots=True)
class Judgement:
    """A kernel's ratio beside that of the baseline."""

    name: str
    ratio: float
    before: float
    most_lost: float

    @property
    def lost(self) -> float:
        """0.15 is 15 % more time than before; below 0 it is quicker."""
        return self.ratio / self.before - 1

    @property
    def is_good(self) -> bool:
        """It did not lose too much."""
        return self.lost <= self.most_lost

    @property
    def sentence(self) -> str:
        """For people."""
        verdict = "good" if self.is_good else f"too slow: {self.most_lost:.0%} is allowed"
        ratios = f"{self.ratio:6.3f}, before {self.before:6.3f}"
        return f"{self.name:10}  {ratios}  {self.lost:+6.1%}  {verdict}"


Clock = Callable[[], float]


def measured(kernel: Kernel, rounds: int, clock: Clock = time.process_time) -> float:
    """The kernel's least processor time over that of its yardstick, in turns.

    The collector of garbage rests meanwhile: when it runs is nothing that the kernel decides.

    Args:
        kernel: to be measured; it runs once before.
        rounds: how often both run.
        clock: seconds that this process worked.
    """
    kernel.work()
    kernel.yardstick()
    gc.disable()
    try:
        times = [(_cost(kernel.work, clock), _cost(kernel.yardstick, clock)) for _ in range(rounds)]
    finally:
        gc.enable()
    works, yardsticks = zip(*times, strict=True)
    return float(min(works) / min(yardsticks))


def _cost(work: Callable[[], object], clock: Clock) -> float:
    begin = clock()
    work()
    return clock() - begin


def judged(
    kernel: Kernel,
    before: float,
    most_lost: float,
    rounds: Sequence[int],
    clock: Clock = time.process_time,
) -> Judgement:
    """Measure, and again with more rounds as long as it looks bad; the best look counts.

    What disturbs is shared by both for the most part; what is not passes, a slow kernel does not.
    """
    best = float("inf")
    for count in rounds:
        best = min(best, measured(kernel, count, clock))
        if best <= before * (1 + most_lost):
            break
    return Judgement(kernel.name, best, before, most_lost)


def baseline_of(
    baselines: Mapping[str, Mapping[str, float]], processor: str
) -> tuple[Mapping[str, float], float]:
    """The ratios to compare with, and what may be lost.

    Raises:
        ValueError: there is no baseline at all.
    """
    if processor in baselines:
        return baselines[processor], MOST_LOST
    if not baselines:
        raise ValueError("there is no baseline")
    return next(iter(baselines.values())), MOST_LOST_ELSEWHERE
