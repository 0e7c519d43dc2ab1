"""The part ``growth``: does a record cost the same when there are more of them?

The pipeline with services running, on logs of several lengths and with several numbers of domains,
in turns. What counts is processor time, of all processes. Then what a second aggregator brings.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import RUNNING
from benchmarks.draining import drained
from benchmarks.figures import spread
from benchmarks.running import run
from benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.logs import Logs
    from benchmarks.running import Run
    from benchmarks.scale import Scale

_MILLION = 1_000_000
#: More rounds take too long, and differ less than they take.
_ROUNDS = 3


def measure(scale: Scale) -> dict[str, Any]:
    """Cost by lines and by domains, and rate by aggregators."""
    lengths = sorted({scale.longest // 10, scale.longest})
    few = min(scale.lines, 2 * _MILLION)
    names = sorted({1000, 31_623, scale.day})
    by_lines = _costs({str(n): scale.logs(lines=n) for n in lengths}, scale)
    by_domains = _costs({str(n): scale.logs(lines=few, domains=n) for n in names}, scale)
    rounds = min(scale.repeat, _ROUNDS)
    draining = {str(n): [drained(scale.logs(lines=few), n) for _ in range(rounds)] for n in (1, 2)}
    return {
        "by_lines": by_lines,
        "by_domains": by_domains,
        "domains_lines": few,
        "by_aggregators": {
            count: {
                "rate": median(one["rate"] for one in these),
                "cpu": median(one["cpu"] for one in these),
            }
            for count, these in draining.items()
        },
    }


def _costs(logs: dict[str, Logs], scale: Scale) -> dict[str, Any]:
    """By the logs' names: processor seconds a million records and so on, in turns."""
    runs: dict[str, list[Run]] = {name: [] for name in logs}
    for _ in range(min(scale.repeat, _ROUNDS)):
        for name, these in logs.items():
            runs[name].append(run(RUNNING, these))
    return {name: _figures(these) for name, these in runs.items()}


def _figures(runs: Sequence[Run]) -> dict[str, Any]:
    cpu = [one.cpu / one.records * _MILLION for one in runs]
    return {
        "cpu_s_per_million": median(cpu),
        "spread": spread(cpu),
        "rate": median(one.records / one.seconds for one in runs),
        "cpu_s": runs[-1].extra["cpu_s"],
    }


def shown(found: dict[str, Any]) -> str:
    """Three tables."""
    by_domains = f"domains, {found['domains_lines']:,} lines"
    aggregators = [
        (count, f"{one['rate']:,.0f}", f"{one['cpu']:.2f}")
        for count, one in found["by_aggregators"].items()
    ]
    return "\n\n".join(
        (
            _table("lines", found["by_lines"]),
            _table(by_domains, found["by_domains"]),
            aligned([("aggregators, batches waiting", "records/s", "CPU s/M"), *aggregators]),
        )
    )


def _table(what: str, costs: dict[str, Any]) -> str:
    rows = [
        (
            f"{int(name):,}",
            f"{one['cpu_s_per_million']:.2f}",
            f"{one['spread']:.0%}",
            f"{one['rate']:,.0f}",
            ", ".join(f"{role} {seconds}" for role, seconds in one["cpu_s"].items()),
        )
        for name, one in costs.items()
    ]
    return aligned([(what, "CPU s/M", "spread", "records/s", "CPU s of the last run"), *rows])
