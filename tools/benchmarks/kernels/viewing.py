"""Time ``mailtally statistics -v`` against a Polars script.

Run ``python -m tools.benchmarks.kernels.viewing``. Both make the same tables of the same log, in
turns, each in a process of its own. *seconds* is the whole time of the process; *start s* is that
for a log of one line, and MB/s exclude it. Different answers end the run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tools.benchmarks.logs import make_logs
from tools.benchmarks.table import aligned
from tools.benchmarks.usage import usage_of

_OURS = (sys.executable, "-m", "mailtally_collector.statistics", "--format", "json")
_POLARS = (sys.executable, "-m", "tools.benchmarks.peers.polars_statistics")
CONTENDERS = {
    "mailtally statistics -v": (*_OURS, "-v"),
    "mailtally statistics": _OURS,
    "Polars, the tables of -v": _POLARS,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: wall and processor seconds, and peak memory in bytes."""

    seconds: float
    cpu: float
    peak: int
    answer: dict[str, Any]


@click.command()
@click.option("--lines", type=click.IntRange(3), default=3_000_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(CONTENDERS)))
def main(lines: int, repeat: int, only: tuple[str, ...]) -> None:
    """Compare the statistics with Polars."""
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as directory:
        logs = make_logs(Path(directory) / "logs", lines=lines)
        one_line = Path(directory) / "one-line"
        with logs.paths[0].open("rb") as log:
            one_line.write_bytes(log.readline())
        names = only or tuple(CONTENDERS)
        found: dict[str, list[Run]] = {name: [] for name in names}
        starts: dict[str, list[Run]] = {name: [] for name in names}
        for _ in range(repeat):
            for name in names:
                starts[name].append(_run((*CONTENDERS[name], str(one_line))))
                found[name].append(_run((*CONTENDERS[name], *map(str, logs.paths))))
        _compare([runs[0].answer for runs in found.values()])
        rows = (_row(name, found[name], starts[name], logs.size) for name in names)
        click.echo(aligned([_HEAD, *rows]))


_HEAD = ("", "seconds", "start s", "MB/s", "CPU s", "start CPU s", "peak MB")


def _row(name: str, runs: list[Run], starts: list[Run], size: int) -> tuple[str, ...]:
    seconds, start = (statistics.median(run.seconds for run in some) for some in (runs, starts))
    cpu, start_cpu = (statistics.median(run.cpu for run in some) for some in (runs, starts))
    rate = size / 1e6 / (seconds - start)
    peak = max(run.peak for run in runs) / 2**20
    figures = (f"{seconds:.2f}", f"{start:.2f}", f"{rate:,.0f}", f"{cpu:.2f}", f"{start_cpu:.2f}")
    return name, *figures, f"{peak:,.0f}"


def _run(command: tuple[str, ...]) -> Run:
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        usage = usage_of(subprocess.Popen(command, stdout=output, text=True), begin)
        if usage.code:
            raise click.ClickException(f"{' '.join(command[:3])} failed.")
        output.seek(0)
        answer = json.load(output)
    return Run(usage.seconds, usage.cpu, usage.peak, answer)


def _compare(answers: list[dict[str, Any]]) -> None:
    """Raise if the answers differ in what they have in common."""
    told = [_in_short(answer) if "format" in answer else answer for answer in answers]
    for one in told:
        for name in one.keys() & told[0].keys():
            if one[name] != told[0][name]:
                raise click.ClickException(f"The contenders do not agree about {name}.")


def _in_short(document: dict[str, Any]) -> dict[str, Any]:
    """Convert mailtally's document to the peer's form."""
    answer = {
        "traffic": sorted(
            [row[key] for key in ("service", "status", "messages", "bytes", "wasted")]
            for row in document["traffic"]
        ),
        "hours": [
            [
                int(datetime.fromisoformat(row["hour"]).timestamp()) // 3600,
                row["messages"],
                row["bytes"],
            ]
            for row in document["hours"]
        ],
    }
    details = document["details"] or {}
    for name in ("senders", "recipients", "domains") if details else ():
        answer[name] = [row["messages"] for row in details[name]["rows"]]
    if details:
        answer["largest"] = [row["bytes"] for row in details["largest"]]
        answer["sizes"] = [
            [k, row["messages"]] for k, row in enumerate(details["sizes"]) if row["messages"]
        ]
    return answer


if __name__ == "__main__":
    main()
