"""Run a contender once, in a process of its own, and measure it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.answer import Answer, heard
from benchmarks.dialects import deliveries_in, rendered

if TYPE_CHECKING:
    import resource
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.contenders import Contender
    from benchmarks.logs import Logs

#: ``ru_maxrss`` is in KiB, but in bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class WrongAnswerError(Exception):
    """A contender failed, or counted wrongly: its speed means nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement.

    Attributes:
        records: that it went through.
        seconds: of the work, on the wall.
        started: seconds before the work: interpreter, imports, compiled code loaded.
        cpu: processor seconds of the work, over all threads and processes.
        peak: bytes of memory at most; of a pipeline, the sum of its processes' peaks.
        extra: whatever else the contender told.
    """

    records: int
    seconds: float
    started: float
    cpu: float
    peak: int
    extra: dict[str, Any] = field(default_factory=dict)


def run(contender: Contender, logs: Logs) -> Run:
    """Run a contender on the logs.

    Raises:
        WrongAnswerError: it failed, or its sums are not the right ones.
    """
    records, paths = _given(contender, logs)
    command = [*contender.command, *map(str, paths)]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, env={**os.environ, "LC_ALL": "C"}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise WrongAnswerError(f"{contender.title} failed:\n{errors.read().strip()}")
        answer = heard(output.read())
    if contender.sums and answer.sums != logs.expected_sums():
        wrong = len(answer.sums ^ logs.expected_sums())
        raise WrongAnswerError(f"{contender.title} counted wrongly: {wrong} sums differ.")
    return _measured(records, answer, wall, usage)


def _given(contender: Contender, logs: Logs) -> tuple[int, Sequence[Path]]:
    """What a contender reads, and how many records that is."""
    if contender.share is None:
        return logs.lines, logs.paths
    share = contender.share
    path = rendered(logs, share.dialect, share.most)
    return deliveries_in(logs, share.most), (path,)


def _measured(records: int, answer: Answer, wall: float, usage: resource.struct_rusage) -> Run:
    """What the contender says of itself, and what was seen from outside where it does not."""
    told = dict(answer.figures)
    seconds = told.pop("seconds", wall)
    return Run(
        records=records,
        seconds=seconds,
        started=told.pop("started", wall - seconds),
        cpu=told.pop("cpu", usage.ru_utime + usage.ru_stime),
        peak=told.pop("peak", usage.ru_maxrss * _MAXRSS_UNIT),
        extra=told,
    )
