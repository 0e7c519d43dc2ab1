"""What is told of fault runs: a line a seed, everything of a failed one, and the sum. Pure."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.scenario import Result


def told(result: Result) -> str:
    """One line; for a seed with differences all there is to know, and how to run it again."""
    plan = result.plan
    verdict = "stopped a log" if result.stopped else "right"
    line = (
        f"seed {plan.seed}: {'DIFFERS' if result.differences else verdict}, "
        f"{result.lines} lines, {len(plan.faults)} faults, {len(result.restarts)} restarts, "
        f"recovered in {result.recovery:.1f} s, {result.seconds:.1f} s "
        f"({plan.database}, fsync {plan.fsync})"
    )
    if not result.differences:
        return line
    return "\n".join(
        [
            line,
            *(f"  {difference}" for difference in result.differences),
            "  Its faults, by tick:",
            *(f"    {fault}" for fault in plan.faults),
            *(f"  {restart}" for restart in result.restarts),
            f"  Run it again: make faults SEED={plan.seed}",
        ]
    )


def summed_up(results: Sequence[Result]) -> str:
    """The whole run."""
    if not results:
        return "No seed was run."
    kinds = Counter(fault.kind for result in results for fault in result.plan.faults)
    failed = [str(result.plan.seed) for result in results if result.differences]
    waiting = ", ".join(str(result.plan.seed) for result in results if result.stopped)
    recoveries = sorted(result.recovery for result in results)
    return "\n".join(
        [
            (
                f"{len(results)} seeds, {sum(r.lines for r in results):,} lines, "
                f"{sum(kinds.values()):,} faults, "
                f"{sum(len(r.restarts) for r in results):,} restarts of services that gave up, "
                f"{sum(r.seconds for r in results) / 60:.1f} minutes."
            ),
            f"Recovery: median {median(recoveries):.1f} s, longest {recoveries[-1]:.1f} s.",
            "Faults: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) + ".",
            f"Seeds with a log that waits for a person, as doctor said: {waiting or 'none'}.",
            f"Seeds with differences to the oracle: {', '.join(failed) or 'none'}.",
            f"{len(results) - len(failed)} passed, {len(failed)} failed",
        ]
    )
