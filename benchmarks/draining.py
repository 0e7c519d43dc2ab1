"""How fast aggregators work off batches that wait, with nobody else at work.

They are started, stopped in their tracks (SIGSTOP), and let go when all is in the queue: what they
take to start is not in the figures. A second one can bring something only where a core is free.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ours.ledger import applied_records, collectors
from benchmarks.ours.pipeline import NEVER, Observer
from mailtally.site import Site

if TYPE_CHECKING:
    from benchmarks.logs import Logs

_MILLION = 1_000_000
#: Nothing waits for anything, and nothing is sent twice, while aggregators stand still.
_SETTINGS = {
    **NEVER,
    "MAILTALLY_COLLECTOR__WINDOW": "100000",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "3600",
    "MAILTALLY_COLLECTOR__RESEND_LONGEST": "3600",
    "MAILTALLY_COLLECTOR__HEARTBEAT": "3600",
}


def drained(logs: Logs, aggregators: int) -> dict[str, float]:
    """``rate`` in records a second; ``cpu`` seconds a million, of aggregators and Redis."""
    temp = tempfile.TemporaryDirectory(prefix="mailtally-bench-", dir=logs.directory)
    with temp as directory, Site(Path(directory), _SETTINGS) as site:
        site.start_aggregators(aggregators)
        observer = Observer.of(site)
        observer.wait_until_quiet()
        stopped = observer.processes.of("aggregator")
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        for log in logs.paths:
            site.start_collector([str(log)], host=log.parent.name)
        Observer.of(site).wait(lambda: len(collectors(observer.state)) == len(logs.paths))
        Observer.of(site).wait_until_quiet()
        observer.processes.look()
        before = sum(observer.processes.cpu().values())
        begin = time.perf_counter()
        for process in stopped:
            os.kill(process, signal.SIGCONT)
        end = observer.wait(lambda: applied_records(observer.state) == logs.lines)
        cpu = sum(observer.processes.cpu().values()) - before
    return {"rate": logs.lines / (end - begin), "cpu": cpu / logs.lines * _MILLION}
