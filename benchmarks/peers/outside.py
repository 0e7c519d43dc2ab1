"""Run a program that is not ours, and tell what it took: for the peers that need a wrapper."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.answer import tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A program's end: what it wrote to standard output, and seconds, processor seconds, bytes."""

    output: str
    seconds: float
    cpu: float
    peak: int


def watch(command: Sequence[str | Path]) -> Seen:
    """Run a program to its end.

    Raises:
        SystemExit: it failed; with what it said.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{output.read()}{errors.read()}")
        cpu = usage.ru_utime + usage.ru_stime
        return Seen(output.read(), seconds, cpu, usage.ru_maxrss * _MAXRSS_UNIT)


def tell_seen(seen: Seen, *, counted: int, expected: int) -> None:
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
