"""How fast aggregators work off batches that wait, with nobody else at work but Redis.

They are started, stopped in their tracks (SIGSTOP), and let go when all is in the queue and the
collectors are stopped: neither what they take to start nor the collectors are in the figures. A
second one can bring something only where a core is free; Redis needs one of them much of the time.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.ours.ledger import applied_records
from benchmarks.ours.pipeline import NEVER, Observer
from mailtally.site import Site
from mailtally_shared.header import BatchHeader, parse_announcement
from mailtally_shared.queue import QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.logs import Logs
    from mailtally_shared.state.client import State

_MILLION = 1_000_000
#: Seconds between two looks at what is in the queue, all of which is read.
_LOOK = 0.2
#: Nothing waits for anything, and nothing is sent twice, while aggregators stand still.
_SETTINGS = {
    **NEVER,
    "MAILTALLY_COLLECTOR__WINDOW": "100000",
    "MAILTALLY_COLLECTOR__QUEUE": "100000",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "3600",
    "MAILTALLY_COLLECTOR__RESEND_LONGEST": "3600",
    "MAILTALLY_COLLECTOR__HEARTBEAT": "3600",
}


def drained(logs: Logs, aggregators: int) -> dict[str, float]:
    """What so many aggregators make of the logs' batches.

    Returns:
        ``rate`` in records a second; ``cpu``, seconds a million, of aggregators and Redis;
        ``batches`` that waited.
    """
    temp = tempfile.TemporaryDirectory(prefix="mailtally-bench-", dir=logs.directory)
    with temp as directory, Site(Path(directory), _SETTINGS) as site:
        site.start_aggregators(aggregators)
        observer = Observer.of(site)
        observer.wait_until_quiet()
        with _stopped(observer.processes.of("aggregator")) as let_go:
            for log in logs.paths:
                site.start_collector([str(log)], host=log.parent.name)
            everyone = Observer.of(site)
            everyone.wait(lambda: sum(_waiting(observer.state)) == logs.lines, _LOOK)
            batches = len(_waiting(observer.state))
            with _stopped(everyone.processes.of("collector")):
                observer.wait_until_quiet()
                before = sum(observer.processes.cpu().values())
                begin = time.perf_counter()
                let_go()
                end = observer.wait(lambda: applied_records(observer.state) == logs.lines)
                cpu = sum(observer.processes.cpu().values()) - before
    return {
        "rate": logs.lines / (end - begin),
        "cpu": cpu / logs.lines * _MILLION,
        "batches": batches,
    }


def _waiting(state: State) -> list[int]:
    """The records of each batch that is in the queue."""
    messages = cast("list[bytes]", state.lrange(QUEUE, 0, -1))
    announced = (parse_announcement(b64decode(json.loads(one)["body"])) for one in messages)
    return [one.records for one in announced if isinstance(one, BatchHeader)]


class _Stopped:
    """Processes that stand still until they are let go."""

    def __init__(self, processes: Iterable[int]) -> None:
        self._processes = list(processes)
        self._send(signal.SIGSTOP)

    def __call__(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, what: signal.Signals) -> None:
        for process in self._processes:
            os.kill(process, what)


@contextmanager
def _stopped(processes: Iterable[int]) -> Iterator[_Stopped]:
    """Have processes stand still, at most until the end: a stopped one could not be ended."""
    stopped = _Stopped(processes)
    try:
        yield stopped
    finally:
        stopped()
