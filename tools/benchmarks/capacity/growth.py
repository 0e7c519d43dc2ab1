"""The part ``growth``: whether the cost per record grows with the number of records.

The pipeline with running services, on logs of several lengths and numbers of domains, in turns. The
measure is the processor time of all processes. Longer logs repeat the lines of the shortest, so
that only their length differs; they are limited to what fits into memory, from which they are read.
Then the gain from a second aggregator is measured, with a backlog of batches.
"""

from __future__ import annotations

import shutil
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from tools.benchmarks.figures import spread
from tools.benchmarks.logs import repeated
from tools.benchmarks.peers.contenders import RUNNING
from tools.benchmarks.peers.running import run
from tools.benchmarks.pipeline.draining import drained
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.benchmarks.logs import Logs
    from tools.benchmarks.peers.running import Run
    from tools.benchmarks.scale import Scale

_MILLION = 1_000_000
#: Lengths of logs, relative to the shortest.
_TIMES = (1, 10, 100)
#: More rounds would take too long for what they add. The longest log has one.
_ROUNDS = 3
#: The shares of the free memory and of the free disk for logs.
_SHARE = 0.6


def measure(scale: Scale) -> dict[str, Any]:
    """Measure the cost by lines and by domains, and the rate by aggregators."""
    rounds = min(scale.repeat, _ROUNDS)
    shortest = scale.logs(lines=scale.longest // _TIMES[-1])
    by_domains, few = _by_domains(scale, rounds)
    by_aggregators = _by_aggregators(repeated(shortest, _TIMES[1]), rounds)
    return {
        "by_lines": _by_lines(shortest, rounds),
        "by_domains": by_domains,
        "domains_lines": few,
        "by_aggregators": by_aggregators,
    }


def _by_lines(shortest: Logs, rounds: int) -> dict[str, Any]:
    """Measure by lines, the longest log last, because it takes the room of all others."""
    fitting = int(_room(shortest.directory) // shortest.size)
    *shorter, longest = (min(times, max(fitting, 1)) for times in _TIMES)
    logs = {n * shortest.lines: repeated(shortest, n) for n in shorter}
    runs = _in_turns(logs, rounds)
    if longest * shortest.lines not in runs:
        runs |= _in_turns({longest * shortest.lines: repeated(shortest, longest)}, 1)
    return _figures(runs)


def _by_domains(scale: Scale, rounds: int) -> tuple[dict[str, Any], int]:
    """Return the figures, and the lines of each log."""
    few = min(scale.lines, 2 * _MILLION)
    names = sorted({1000, 31_623, scale.day})
    logs = {count: scale.logs(lines=few, domains=count) for count in names}
    return _figures(_in_turns(logs, rounds)), few


def _by_aggregators(logs: Logs, rounds: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    for _ in range(rounds):
        for count, these in found.items():
            these.append(drained(logs, int(count)))
    return {
        count: {key: median(one[key] for one in these) for key in these[0]}
        | {"spread": spread([one["rate"] for one in these])}
        for count, these in found.items()
    }


def _room(place: Path) -> float:
    """Return the bytes available for logs."""
    free = min(shutil.disk_usage(place).free, int(psutil.virtual_memory().available))
    return free * _SHARE


def _in_turns(logs: Mapping[int, Logs], rounds: int) -> dict[int, list[Run]]:
    runs: dict[int, list[Run]] = {size: [] for size in logs}
    for _ in range(rounds):
        for size, these in logs.items():
            runs[size].append(run(RUNNING, these))
    return runs


def _figures(runs: Mapping[int, Sequence[Run]]) -> dict[str, Any]:
    """Return the figures by size: processor seconds per million records and so on."""
    return {str(size): _figures_of(these) for size, these in runs.items()}


def _figures_of(runs: Sequence[Run]) -> dict[str, Any]:
    cpu = [one.cpu / one.records * _MILLION for one in runs]
    return {
        "cpu_s_per_million": median(cpu),
        "spread": spread(cpu),
        "rounds": len(runs),
        "rate": median(one.records / one.seconds for one in runs),
        "cpu_s": runs[-1].extra["cpu_s"],
    }


def shown(found: dict[str, Any]) -> str:
    """Return three tables as text."""
    by_domains = f"domains, {found['domains_lines']:,} lines"
    head = ("aggregators, batches waiting", "batches", "records/s", "spread", "CPU s/M")
    aggregators = [
        (
            count,
            f"{one['batches']:.0f}",
            f"{one['rate']:,.0f}",
            f"{one['spread']:.0%}",
            f"{one['cpu']:.2f}",
        )
        for count, one in found["by_aggregators"].items()
    ]
    return "\n\n".join(
        (
            _table("lines", found["by_lines"]),
            _table(by_domains, found["by_domains"]),
            aligned([head, *aggregators]),
        )
    )


def _table(what: str, costs: dict[str, Any]) -> str:
    rows = [
        (
            f"{int(name):,}",
            f"{one['cpu_s_per_million']:.2f}",
            f"{one['spread']:.0%}",
            f"{one['rounds']}",
            f"{one['rate']:,.0f}",
            ", ".join(f"{role} {seconds}" for role, seconds in one["cpu_s"].items()),
        )
        for name, one in costs.items()
    ]
    head = (what, "CPU s/M", "spread", "rounds", "records/s", "CPU s of the last run")
    return aligned([head, *rows])
