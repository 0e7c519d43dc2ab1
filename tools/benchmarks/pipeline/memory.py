"""The part ``memory``: the peak resident memory of each service in its worst case."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailtally.local.site import Site
from tools.benchmarks.capacity.domains import write_large_log
from tools.benchmarks.pipeline.ledger import applied_records
from tools.benchmarks.pipeline.pipeline import Observer
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from tools.benchmarks.scale import Scale

_LOOK = 0.1  # seconds
_HOST = "mail.example.com"
#: Settings that close a day as soon as its collector has read to the end, and load it.
_AT_ONCE = {
    "MAILTALLY_AGGREGATOR__EXPECTED_HOSTS": _HOST,
    "MAILTALLY_AGGREGATOR__GRACE": "0",
}


def measure(scale: Scale) -> dict[str, Any]:
    """Measure a collector with a backlog, then a day of many domains in all services."""
    busy = _through(scale, [scale.logs().paths[0]], _records(scale))
    log = scale.place / f"large-{scale.day}"
    write_large_log(log, host=_HOST, domains=scale.day, now=time.time())
    large = _through(scale, [log], scale.day, loads=True)
    return {
        "collector_lines": _records(scale),
        "domains": scale.day,
        "collector_bytes": busy["collector"],
        "aggregator_bytes": large["aggregator"],
        "loader_bytes": large["loader"],
        "large_day": large,
    }


def _records(scale: Scale) -> int:
    """Measure a collector on the first of the logs."""
    with scale.logs().paths[0].open("rb") as log:
        return sum(1 for _ in log)


def _through(
    scale: Scale, logs: list[Path], records: int, *, loads: bool = False
) -> dict[str, float]:
    """Count logs, and return peaks by role and the seconds until the day was loaded."""
    temp = tempfile.TemporaryDirectory(prefix="mailtally-bench-", dir=scale.place)
    with temp as directory, Site(Path(directory), _AT_ONCE if loads else {}) as site:
        site.start_aggregators(1)
        site.start_loader()
        child = site.start_collector([str(log) for log in logs], host=_HOST, once=loads)
        observer = Observer.of(site)
        counted = observer.wait(lambda: applied_records(observer.state) == records, _LOOK)
        if not loads:
            return observer.processes.peaks()
        written = observer.wait(lambda: site.progress().days_written == 1, _LOOK)
        loaded = observer.wait(lambda: child.is_done and site.progress().is_settled, _LOOK)
        seconds = {"written_after_s": written - counted, "loaded_after_s": loaded - counted}
        return {**observer.processes.peaks(), **seconds}


def shown(found: dict[str, Any]) -> str:
    """Return a table with a line per service."""
    rows = [
        (f"collector, {found['collector_lines']:,} lines", found["collector_bytes"]),
        (f"aggregator, a day of {found['domains']:,} domains", found["aggregator_bytes"]),
        (f"loader, a file of {found['domains']:,} rows", found["loader_bytes"]),
    ]
    spelled = [(title, f"{size / 1e6:,.0f}") for title, size in rows]
    return aligned([("most resident memory", "MB"), *spelled])
