"""Print the newest results as the costs of ``mailtally plan``.

``python -m tools.benchmarks.capacity.costs`` prints what differs from
``mailtally/commands/plan/costs.py``, to be entered there by hand. Run these parts first: ``stages
--lines 1000000``, ``freshness``, ``memory`` and ``peers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.commands.plan.costs import KINDS, MEASURED
from mailtally.commands.plan.distinct import distinct
from tools.benchmarks.parts import kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tools.benchmarks.parts import Found

_COLLECTOR = ("tail", "parse", "batch", "encode", "spool", "publish")
_AGGREGATOR = ("receive", "fetch", "decode", "merge", "acknowledge")


def of_stages(found: Found) -> dict[str, float]:
    """Return the costs per record and per key."""
    stages, lines, keys = found["stages"], found["lines"], found["keys"]

    def ours(names: Iterable[str]) -> float:
        return float(sum(stages[name]["ours"] for name in names) / lines * 1e9)

    return {
        "collector_ns": ours(_COLLECTOR),
        "aggregator_ns": ours(_AGGREGATOR),
        "key_us": stages["commit"]["ours"] / keys * 1e6,
        "redis_key_us": stages["commit"]["redis"] / keys * 1e6,
        "wire": found["payload_bytes"] / lines,
        "key_memory": found["memory_bytes"] / found["rows"],
        "key_file": (found["file_bytes"] - found["payload_bytes"]) / keys,
    }


def of_freshness(found: Found, costs: Mapping[str, float], keys: float) -> dict[str, float]:
    """Return the costs per batch in addition to its records and its ``keys``."""
    batches = found["batches"] / found["seconds"]
    cores = {role: share / batches * 1e3 for role, share in found["cores"].items()}
    records = found["rate"] / batches / 1e6  # per batch; times ns, it is ms
    by_key = keys / 1e3  # times us, it is ms
    return {
        "collector_ms": cores["collector"] - records * costs["collector_ns"],
        "aggregator_ms": cores["aggregator"]
        - records * costs["aggregator_ns"]
        - by_key * costs["key_us"],
        "redis_ms": cores["redis"] - by_key * costs["redis_key_us"],
    }


def of_memory(found: Found) -> dict[str, float]:
    """Return the peak memory, for the aggregator also what each row of a large day adds."""
    rows = (found["aggregator_bytes"] - MEASURED.aggregator_memory) / found["domains"]
    return {
        "collector_memory": found["collector_bytes"],
        "writer_memory": max(0.0, rows),
        "loader_memory": found["loader_bytes"],
    }


def main() -> None:
    """Print the measured costs next to those in use."""
    parts = kept()
    costs = of_stages(parts["stages"])
    steady = parts["freshness"]
    each = steady["rate"] * steady["seconds"] / steady["batches"]
    costs |= of_freshness(steady, costs, distinct(each, 1000, KINDS))
    costs |= of_memory(parts["memory"])
    for name, value in costs.items():
        print(f"{name:18} {getattr(MEASURED, name):14,.2f} -> {value:14,.2f}")


if __name__ == "__main__":
    main()
