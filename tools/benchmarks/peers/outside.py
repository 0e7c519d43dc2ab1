"""Run and measure an external program, for peers that need a wrapper."""

from __future__ import annotations

import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from tools.benchmarks.peers.answer import tell
from tools.benchmarks.usage import Usage, said, usage_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def watch(command: Sequence[str | Path]) -> tuple[Usage, str]:
    """Run a program to its end, and return its usage and its standard output.

    Raises:
        SystemExit: it failed; with its output.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, text=True
        )
        usage = usage_of(process, begin)
        if usage.code:
            raise SystemExit(f"{said(output)}{said(errors)}")
        return usage, said(output)


def tell_seen(seen: Usage, *, counted: int, expected: int) -> None:
    """Print the usage, if the count is right.

    Raises:
        SystemExit: the count is wrong.
    """
    if counted != expected:
        raise SystemExit(f"It counted {counted} instead of {expected}.")
    tell(figures={"seconds": seen.seconds, "cpu": seen.cpu, "peak": seen.peak})


def logged(path: Path, *, column: int, separator: str) -> int:
    """Return the sum of a column of the correct answer."""
    with path.open(encoding="ascii") as lines:
        return sum(int(line.split(separator)[column]) for line in lines)
