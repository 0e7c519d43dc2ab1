"""Run a contender once, in a process of its own, and measure it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.benchmarks.peers.answer import Answer, heard
from tools.benchmarks.peers.dialects import deliveries_in, rendered
from tools.benchmarks.usage import said, usage_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.benchmarks.logs import Logs
    from tools.benchmarks.peers.contenders import Contender
    from tools.benchmarks.usage import Usage


class WrongAnswerError(Exception):
    """The error that a contender failed or counted wrongly, so that its speed is meaningless."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement.

    Attributes:
        records: records processed.
        seconds: wall seconds of the work.
        started: seconds before the work: interpreter, imports, loading compiled code.
        cpu: processor seconds of the work, over all threads and processes.
        peak: peak memory in bytes; for a pipeline, the sum of its processes' peaks.
        extra: further figures of the contender.
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
        WrongAnswerError: it failed, or its sums are wrong.
    """
    records, paths = _given(contender, logs)
    command = [*contender.command, *map(str, paths)]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, env={**os.environ, "LC_ALL": "C"}, text=True
        )
        usage = usage_of(process, begin)
        if usage.code:
            raise WrongAnswerError(f"{contender.title} failed:\n{said(errors).strip()}")
        answer = heard(said(output))
    if contender.sums and answer.sums != logs.expected_sums():
        wrong = len(answer.sums ^ logs.expected_sums())
        raise WrongAnswerError(f"{contender.title} counted wrongly: {wrong} sums differ.")
    return _measured(records, answer, usage)


def _given(contender: Contender, logs: Logs) -> tuple[int, Sequence[Path]]:
    """Return the input of a contender, and its number of records."""
    if contender.share is None:
        return logs.lines, logs.paths
    share = contender.share
    path = rendered(logs, share.dialect, share.most)
    return deliveries_in(logs, share.most), (path,)


def _measured(records: int, answer: Answer, usage: Usage) -> Run:
    """Combine the contender's own figures with those measured from outside."""
    told = dict(answer.figures)
    seconds = told.pop("seconds", usage.seconds)
    return Run(
        records=records,
        seconds=seconds,
        started=told.pop("started", usage.seconds - seconds),
        cpu=told.pop("cpu", usage.cpu),
        peak=told.pop("peak", usage.peak),
        extra=told,
    )
