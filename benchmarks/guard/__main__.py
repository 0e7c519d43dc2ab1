"""``python -m benchmarks.guard``: exits with 1 if a kernel lost more than 15 %."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.guard.kernels import kernels
from benchmarks.guard.ratios import MOST_LOST, baseline_of, judged, measured
from benchmarks.machine import processor

if TYPE_CHECKING:
    from benchmarks.guard.kernels import Kernel

_BASELINE = Path(__file__).parent / "baseline.json"
#: Rounds of the first look, and of each further one where it looks bad.
_ROUNDS = (15, 30, 60, 60)
#: Looks of which a baseline is the median.
_LOOKS = 7


@click.command()
@click.option("--write", is_flag=True, help="Take a baseline of this processor.")
def main(*, write: bool) -> None:
    """Compare each kernel with the baseline, by its ratio to a yardstick."""
    baselines = json.loads(_BASELINE.read_text("utf-8")) if _BASELINE.exists() else {}
    here = processor()
    if write:
        baselines[here] = {one.name: round(_usual(one), 4) for one in kernels()}
        _BASELINE.write_text(json.dumps(baselines, indent=2) + "\n", "utf-8")
        return
    before, most_lost = baseline_of(baselines, here)
    if most_lost > MOST_LOST:
        click.echo(f"No baseline of this processor ({here}): a coarse look. --write takes one.")
    found = [judged(one, before[one.name], most_lost, _ROUNDS) for one in kernels()]
    for judgement in found:
        click.echo(judgement.sentence)
    if not all(judgement.is_good for judgement in found):
        click.echo("A kernel has become slower. If that is meant, take a new baseline: --write.")
        sys.exit(1)


def _usual(kernel: Kernel) -> float:
    """The median of some looks, so that no lucky one is the measure of all to come."""
    return median(measured(kernel, _ROUNDS[1]) for _ in range(_LOOKS))


if __name__ == "__main__":
    main()
