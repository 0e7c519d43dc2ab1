"""The rate at which aggregators process a backlog of batches, with only Redis running besides.

They are started, suspended (SIGSTOP), and resumed when everything is in the queue and the
collectors are stopped: the figures include neither their start nor the collectors. A second
aggregator is a gain only if a core is free; Redis needs one much of the time.
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

from mailtally.local.site import Site
from mailtally_shared.state.keys import CHECKSUMS_KEPT
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement
from mailtally_shared.wire.queue import QUEUE
from tools.benchmarks.pipeline.ledger import applied_records
from tools.benchmarks.pipeline.pipeline import NEVER, Observer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.state.client import State
    from tools.benchmarks.logs import Logs

_MILLION = 1_000_000
#: Seconds between two checks of the queue, each of which reads all of it.
_LOOK = 0.2
#: Settings with which nothing waits or is sent again while aggregators are suspended.
_SETTINGS = {
    **NEVER,
    "MAILTALLY_COLLECTOR__WINDOW": str(CHECKSUMS_KEPT),
    "MAILTALLY_COLLECTOR__QUEUE": "100000",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "3600",
    "MAILTALLY_COLLECTOR__RESEND_LONGEST": "3600",
    "MAILTALLY_COLLECTOR__HEARTBEAT": "3600",
}


def drained(logs: Logs, aggregators: int) -> dict[str, float]:
    """Measure a number of aggregators on the logs' batches.

    Returns:
        ``rate`` in records a second; ``cpu`` seconds per million records of aggregators and Redis;
        ``batches`` of the backlog.
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
    """Return the records of each batch in the queue."""
    messages = cast("list[bytes]", state.lrange(QUEUE, 0, -1))
    announced = (parse_announcement(b64decode(json.loads(one)["body"])) for one in messages)
    return [one.records for one in announced if isinstance(one, BatchHeader)]


class _Stopped:
    """Suspended processes, until they are resumed."""

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
    """Suspend processes, and resume them in any case: a suspended one cannot be ended."""
    stopped = _Stopped(processes)
    try:
        yield stopped
    finally:
        stopped()
