"""Measure a kernel against its yardstick, and judge it. Pure except for the clock."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.benchmarks.guard.kernels import Kernel

#: The increase of the ratio from which a kernel is too slow.
MOST_LOST = 0.15
#: The same on a processor without a baseline, where the ratios differ.
MOST_LOST_ELSEWHERE = 0.6


@dataclass(frozen=True, slots=True)
class Judgement:
    """A kernel's ratio, compared with that of the baseline."""

    name: str
    ratio: float
    before: float
    most_lost: float

    @property
    def lost(self) -> float:
        """Return the loss: 0.15 is 15 % more time than before; below 0 is faster."""
        return self.ratio / self.before - 1

    @property
    def is_good(self) -> bool:
        """Return whether the loss is acceptable."""
        return self.lost <= self.most_lost

    @property
    def sentence(self) -> str:
        """Return the verdict as a line of text."""
        verdict = "good" if self.is_good else f"too slow: {self.most_lost:.0%} is allowed"
        ratios = f"{self.ratio:6.3f}, before {self.before:6.3f}"
        return f"{self.name:10}  {ratios}  {self.lost:+6.1%}  {verdict}"


Clock = Callable[[], float]


def measured(kernel: Kernel, rounds: int, clock: Clock = time.process_time) -> float:
    """Return the kernel's minimum processor time over that of its yardstick, run in turns.

    The garbage collector is off meanwhile, because the kernel does not decide when it runs.

    Args:
        kernel: the kernel, which runs once before.
        rounds: number of runs of both.
        clock: returns the processor seconds of this process.
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
    """Measure, repeat with more rounds after a bad result, and return the best.

    Disturbances mostly affect both; others pass, while a slow kernel stays slow.
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
    """Return the ratios to compare with, and the acceptable loss.

    Raises:
        ValueError: there is no baseline at all.
    """
    if processor in baselines:
        return baselines[processor], MOST_LOST
    if not baselines:
        raise ValueError("there is no baseline")
    return next(iter(baselines.values())), MOST_LOST_ELSEWHERE
