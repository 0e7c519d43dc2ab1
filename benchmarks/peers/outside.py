"""Run a program that is not ours, and tell what it took: for the peers that need a wrapper."""

from __future__ import annotations

import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from benchmarks.answer import tell
from benchmarks.usage import Usage, said, usage_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def watch(command: Sequence[str | Path]) -> tuple[Usage, str]:
    """Run a program to its end; what it took, and what it wrote to standard output.

    Raises:
        SystemExit: it failed; with what it said.
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
    """Say what it took, where it counted rightly.

    Raises:
        SystemExit: it did not.
    """
    if counted != expected:
        raise SystemExit(f"It came to {counted}, and {expected} is right.")
    tell(figures={"seconds": seen.seconds, "cpu": seen.cpu, "peak": seen.peak})


def logged(path: Path, *, column: int, separator: str) -> int:
    """The sum of a column of a log, as a right answer has it."""
    with path.open(encoding="ascii") as lines:
        return sum(int(line.split(separator)[column]) for line in lines)
