"""The part ``idle``: the resources that each service uses while nothing is logged."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtally.local.site import Site
from mailtally.samples.sample_logs import write_log
from mailtally_collector.ship.shipping import ShipLimits
from tools.benchmarks.logs import HOSTS
from tools.benchmarks.pipeline.ledger import applied_records
from tools.benchmarks.pipeline.pipeline import Observer
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from tools.benchmarks.pipeline.processes import Processes
    from tools.benchmarks.scale import Scale

_LINES = 10_000
#: Seconds until the site counts as idle.
_SETTLING = 10.0
#: Seconds between two heartbeats, which cause the writes.
_HEARTBEAT = ShipLimits().heartbeat


def measure(scale: Scale) -> dict[str, Any]:
    """Watch one of each service, after some counting, for ``scale.seconds``.

    These are rounded up to whole intervals between heartbeats.
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
    """Return a table with a line per service."""
    head = (f"idle for {found['seconds']:.0f} s", "of a core", "written bytes/s")
    rows = [
        (role, f"{one['cores']:.2%}", f"{one['written_bytes_s']:,.0f}")
        for role, one in found["services"].items()
    ]
    return aligned([head, *rows])
