"""The part ``slopes``: what a further line costs, by logs of two lengths.

What a contender needs once (its start, its end, the last group) is in both lengths, and leaves no
trace in the difference. Both data sets are measured: a cluster of three mail hosts with as many
domains as the other parts have, and one machine with 20,000 domains and four logs.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from tools.benchmarks.figures import spread
from tools.benchmarks.logs import repeated
from tools.benchmarks.peers.contenders import ANALYZE, ONCE, POLARS, RUNNING, TOGETHER
from tools.benchmarks.peers.running import Run, WrongAnswerError, run
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.benchmarks.logs import Logs
    from tools.benchmarks.peers.contenders import Contender
    from tools.benchmarks.scale import Scale

#: The length of the longer logs, relative to the shorter ones.
TIMES = 4
#: The domains of the machine.
MANY = 20_000
_CLUSTER = (POLARS, ANALYZE, RUNNING)
_MACHINE = (POLARS, ANALYZE, TOGETHER, ONCE)
_RIVAL = POLARS.name
_MILLION = 1_000_000
#: The least difference of two runs, in seconds. On very small logs the longer ones may be faster.
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Slope:
    """A contender's figures over all rounds; medians unless noted.

    Attributes:
        rate: records a second, by the difference of both lengths.
        spread: range of that over its median.
        cpu: processor seconds a million records, by the difference.
        cpu_short: the same of the shorter logs alone.
        ratio: ratio of its rate to Polars' in the same round.
        ratio_spread: range of the ratio over its median.
        extra: further figures of its last run on the longer logs.
    """

    name: str
    title: str
    rounds: int
    rate: float
    spread: float
    cpu: float
    cpu_short: float
    ratio: float
    ratio_spread: float
    extra: dict[str, Any]


def measure(scale: Scale) -> dict[str, Any]:
    """Measure both data sets."""
    sets = {
        "cluster": (_CLUSTER, scale.logs()),
        "machine": (_MACHINE, scale.logs(domains=MANY, layout="machine")),
    }
    found: dict[str, Any] = {"lines": scale.lines, "times": TIMES, "repeat": scale.repeat}
    for name, (contenders, logs) in sets.items():
        present = [one for one in contenders if not one.missing]
        try:
            runs = _in_turns(present, (logs, repeated(logs, TIMES)), scale.repeat)
        except WrongAnswerError as error:
            raise click.ClickException(str(error)) from error
        titles = {one.name: one.title for one in present}
        found[name] = [asdict(slope) for slope in slopes(runs, titles)]
    return {**found, "domains": {"cluster": scale.domains, "machine": MANY}}


#: The runs of a round: on the shorter logs, and on the longer ones.
Pair = tuple[Run, Run]


def _in_turns(
    contenders: Sequence[Contender], sizes: tuple[Logs, Logs], rounds: int
) -> dict[str, list[Pair]]:
    """Run all contenders in turn on both lengths, after a round that is not measured."""
    for contender in contenders:
        run(contender, sizes[0])
    runs: dict[str, list[Pair]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            runs[contender.name].append((run(contender, sizes[0]), run(contender, sizes[1])))
    return runs


def slopes(runs: Mapping[str, Sequence[Pair]], titles: Mapping[str, str]) -> list[Slope]:
    """Return the figures of each contender, in the order of ``runs``."""
    rates = {name: [_rate(*pair) for pair in pairs] for name, pairs in runs.items()}
    rival = rates.get(_RIVAL, [])
    found = []
    for name, pairs in runs.items():
        ratios = [ours / theirs for ours, theirs in zip(rates[name], rival, strict=bool(rival))]
        found.append(
            Slope(
                name=name,
                title=titles[name],
                rounds=len(pairs),
                rate=median(rates[name]),
                spread=spread(rates[name]),
                cpu=median(_cpu(*pair) for pair in pairs),
                cpu_short=median(short.cpu / short.records for short, _ in pairs) * _MILLION,
                ratio=median(ratios) if ratios else 0.0,
                ratio_spread=spread(ratios) if ratios else 0.0,
                extra=pairs[-1][1].extra,
            )
        )
    return found


def _rate(short: Run, long: Run) -> float:
    seconds = (long.started + long.seconds) - (short.started + short.seconds)
    return (long.records - short.records) / max(seconds, _LEAST)


def _cpu(short: Run, long: Run) -> float:
    return (long.cpu - short.cpu) / (long.records - short.records) * _MILLION


def shown(found: dict[str, Any]) -> str:
    """Return a table for each data set."""
    return "\n\n".join(_table(found, name) for name in ("cluster", "machine"))


def _table(found: dict[str, Any], name: str) -> str:
    short, domains = found["lines"], found["domains"][name]
    what = f"{domains:,} domains, {short:,} to {short * found['times']:,} lines"
    head = (what, "records/s", "spread", "to Polars", "spread", "CPU s/M", "of the short", "wire B")
    rows = [
        (
            one["title"],
            f"{one['rate']:,.0f}",
            f"{one['spread']:.0%}",
            f"{one['ratio']:.2f}",
            f"{one['ratio_spread']:.0%}",
            f"{one['cpu']:.2f}",
            f"{one['cpu_short']:.2f}",
            f"{one['extra'].get('wire_bytes_per_record', '')}",
        )
        for one in found[name]
    ]
    return aligned([head, *rows])
