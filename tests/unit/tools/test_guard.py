"""The guard against slower kernels: it must see a loss, and not invent one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tools.benchmarks.guard.kernels import Kernel, hash_of, kernels
from tools.benchmarks.guard.ratios import (
    MOST_LOST,
    MOST_LOST_ELSEWHERE,
    baseline_of,
    judged,
    measured,
)


class Machine:
    """A processor whose time passes only by work; ``disturbed`` runs of all take twice as long."""

    def __init__(self, disturbed: int = 0) -> None:
        self.now = 0.0
        self.runs = 0
        self._disturbed = disturbed

    def work(self, seconds: float) -> None:
        self.runs += 1
        self.now += seconds * (2 if self.runs <= self._disturbed else 1)

    def clock(self) -> float:
        return self.now

    def kernel(self, seconds: float, yardstick: float = 1.0) -> Kernel:
        return Kernel("kernel", lambda: self.work(seconds), lambda: self.work(yardstick))


@pytest.mark.parametrize(
    ("seconds", "good"), [(1.0, True), (1.14, True), (1.16, False), (0.5, True)]
)
def test_a_loss_of_more_than_fifteen_per_cent_is_told(seconds: float, *, good: bool) -> None:
    machine = Machine()
    found = judged(machine.kernel(seconds), 1.0, MOST_LOST, (3, 3), machine.clock)
    assert found.is_good is good
    assert found.lost == pytest.approx(seconds - 1)
    assert ("too slow" in found.sentence) is not good


def test_a_machine_that_is_slower_as_a_whole_changes_nothing() -> None:
    machine = Machine()
    assert measured(machine.kernel(30.0, yardstick=20.0), 3, machine.clock) == pytest.approx(1.5)


def test_a_disturbance_that_passes_is_not_taken_for_a_loss() -> None:
    machine = Machine(
        disturbed=13
    )  # an odd number: the kernel suffers once more than its yardstick
    assert judged(machine.kernel(1.0), 1.0, MOST_LOST, (3, 3, 9), machine.clock).is_good


def test_what_looks_good_is_not_looked_at_again() -> None:
    machine = Machine()
    judged(machine.kernel(1.0), 1.0, MOST_LOST, (3, 1000), machine.clock)
    assert machine.runs == 8


def test_a_processor_without_a_baseline_is_held_to_less() -> None:
    baselines = {"one": {"parse": 1.0}}
    assert baseline_of(baselines, "one") == ({"parse": 1.0}, MOST_LOST)
    assert baseline_of(baselines, "other") == ({"parse": 1.0}, MOST_LOST_ELSEWHERE)
    with pytest.raises(ValueError, match="no baseline"):
        baseline_of({}, "other")


@pytest.fixture(scope="module")
def real() -> dict[str, Kernel]:
    """All that are guarded, by name."""
    return {kernel.name: kernel for kernel in kernels()}


@pytest.mark.parametrize("name", ["parse", "merge", "statistics"])
def test_a_kernel_that_does_its_work_twice_is_caught(name: str, real: dict[str, Kernel]) -> None:
    kernel = real[name]
    before = measured(kernel, 10)
    slowed = Kernel(kernel.name, lambda: (kernel.work(), kernel.work()), kernel.yardstick)
    assert not judged(slowed, before, MOST_LOST, (10, 10)).is_good
    assert math.isfinite(before)


def test_yardsticks_work_on_the_bytes_they_are_given() -> None:
    texts = [np.frombuffer(text, np.uint8) for text in (b"abcdefgh", b"abcdefgi")]
    assert hash_of(texts[0]) != hash_of(texts[1])
