"""``python -m tools.benchmarks.guard``: exits with 1 if a kernel lost more than 15 %."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from tools.benchmarks.guard.kernels import kernels
from tools.benchmarks.guard.ratios import MOST_LOST, baseline_of, judged, measured
from tools.benchmarks.machine import processor

if TYPE_CHECKING:
    from tools.benchmarks.guard.kernels import Kernel

_BASELINE = Path(__file__).parent / "baseline.json"
#: Rounds of the first measurement, and of each further one after a bad result.
_ROUNDS = (15, 30, 60, 60)
#: Number of measurements whose median is a baseline.
_LOOKS = 7


@click.command()
@click.option("--write", is_flag=True, help="Write a baseline for this processor.")
def main(*, write: bool) -> None:
    """Compare each kernel's ratio to its yardstick with the baseline."""
    baselines = json.loads(_BASELINE.read_text("utf-8")) if _BASELINE.exists() else {}
    here = processor()
    if write:
        baselines[here] = {one.name: round(_usual(one), 4) for one in kernels()}
        _BASELINE.write_text(json.dumps(baselines, indent=2) + "\n", "utf-8")
        return
    before, most_lost = baseline_of(baselines, here)
    if most_lost > MOST_LOST:
        click.echo(
            f"No baseline for this processor ({here}): the check is coarse. --write adds one."
        )
    found = [judged(one, before[one.name], most_lost, _ROUNDS) for one in kernels()]
    for judgement in found:
        click.echo(judgement.sentence)
    if not all(judgement.is_good for judgement in found):
        click.echo(
            "A kernel has become slower. If that is intended, write a new baseline: --write."
        )
        sys.exit(1)


def _usual(kernel: Kernel) -> float:
    """Return the median of several measurements, so that a lucky one is not the baseline."""
    return median(measured(kernel, _ROUNDS[1]) for _ in range(_LOOKS))


if __name__ == "__main__":
    main()
