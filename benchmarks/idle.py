"""The part ``idle``: what each service takes while nothing is logged."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.logs import HOSTS
from benchmarks.ours.ledger import applied_records
from benchmarks.ours.pipeline import Observer
from benchmarks.table import aligned
from mailtally.sample_logs import write_log
from mailtally.site import Site
from mailtally_collector.ship import ShipLimits

if TYPE_CHECKING:
    from benchmarks.ours.processes import Processes
    from benchmarks.scale import Scale

_LINES = 10_000
#: Seconds that the site is left alone before it counts as idle.
_SETTLING = 10.0
#: Seconds from one heartbeat to the next: what is written comes with them.
_HEARTBEAT = ShipLimits().heartbeat


def measure(scale: Scale) -> dict[str, Any]:
    """One of each service, after it had something to count, watched for ``scale.seconds``.

    These are made up to whole intervals between heartbeats.
    """
    seconds = math.ceil(scale.seconds / _HEARTBEAT) * _HEARTBEAT
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        log, now = Path(temp) / "stats", int(time.time())
        write_log(log, host=HOSTS[0], lines=_LINES, start=now - 60, end=now, seed=1)
        with Site(Path(temp) / "data") as site:
            site.start_aggregators(1)
            site.start_loader()
            site.start_collector([str(log)])
            observer = Observer.of(site)
            observer.wait(lambda: applied_records(observer.state) == _LINES)
            observer.wait_until_quiet()
            observer.state.close()
            time.sleep(min(_SETTLING, scale.seconds))
            services = _watched(observer.processes, seconds)
    return {"seconds": seconds, "services": services}


def _watched(processes: Processes, seconds: float) -> dict[str, dict[str, float]]:
    processes.look()
    cpu, written, begin = processes.cpu(), processes.written(), time.perf_counter()
    time.sleep(seconds)
    processes.look()
    lasted = time.perf_counter() - begin
    return {
        role: {
            "cores": (used - cpu[role]) / lasted,
            "written_bytes_s": (processes.written()[role] - written[role]) / lasted,
        }
        for role, used in processes.cpu().items()
        if role != "other"
    }


def shown(found: dict[str, Any]) -> str:
    """A line a service."""
    head = (f"idle for {found['seconds']:.0f} s", "of a core", "written bytes/s")
    rows = [
        (role, f"{one['cores']:.2%}", f"{one['written_bytes_s']:,.0f}")
        for role, one in found["services"].items()
    ]
    return aligned([head, *rows])
