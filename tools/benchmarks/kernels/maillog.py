"""Time the maillog parser against a plain Python regex loop.

Run ``python -m tools.benchmarks.kernels.maillog``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import click

from tools.benchmarks.peers.answer import heard
from tools.benchmarks.peers.running import WrongAnswerError
from tools.benchmarks.table import aligned
from tools.samples.maillogs import play

_PROGRAMS = {
    "plain Python, one regex per event": "tools.benchmarks.peers.regex_loop",
    "maillog parser, one core": "tools.benchmarks.kernels.maillog_parser",
}
_START = 1_771_200_000
_ROOT = Path(__file__).parents[3]


@click.command()
@click.option("--messages", type=click.IntRange(1), default=200_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
def main(messages: int, repeat: int) -> None:
    """Compare the two on the same log, A B A B; the first round is not counted."""
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as directory:
        path = Path(directory) / "maillog"
        lines = play(messages, start=_START, seed=1, every=1.0).syslog()
        path.write_bytes(b"".join(lines))
        click.echo(f"{len(lines):,} lines, {path.stat().st_size:,} bytes", err=True)
        rounds = [_round(path) for _ in range(repeat + 1)][1:]
        click.echo(_table(rounds, len(lines)))


def _round(path: Path) -> dict[str, dict[str, float]]:
    answers = {title: _run(module, path) for title, module in _PROGRAMS.items()}
    if len({sums for sums, _ in answers.values()}) > 1:
        raise WrongAnswerError("The two count differently: their speeds are meaningless.")
    return {title: figures for title, (_, figures) in answers.items()}


def _run(module: str, path: Path) -> tuple[frozenset[str], dict[str, float]]:
    command = [sys.executable, "-m", module, str(path)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    answer = heard(done.stdout)
    return answer.sums, answer.figures


def _table(rounds: list[dict[str, dict[str, float]]], lines: int) -> str:
    cpu = {title: median(one[title]["cpu"] for one in rounds) for title in _PROGRAMS}
    wall = {title: median(one[title]["seconds"] for one in rounds) for title in _PROGRAMS}
    slowest = max(cpu.values())
    rows = [
        [
            title,
            f"{lines / wall[title]:,.0f}",
            f"{lines / cpu[title]:,.0f}",
            f"{slowest / cpu[title]:.1f}",
        ]
        for title in _PROGRAMS
    ]
    state = max(one[title].get("state", 0) for one in rounds for title in one)
    head = ["", "lines/s", "lines/CPU s", "to plain"]
    return f"{aligned([head, *rows])}\n\nlargest state after a chunk: {state:,.0f} bytes"


if __name__ == "__main__":
    main()
