"""The measured cost of each step. Pure.

Source: ``python -m tools.benchmarks stages`` (1,000,000 lines; 1,000 and 30,000 domains) and
``python -m tools.benchmarks freshness`` of 2026-11-22, two cores of a virtual Intel Xeon, Python
3.11, Redis 7.0, nothing else on the machine. Costs per record are those with 1,000 domains, costs
per key those with 30,000, where most are new. ``python -m tools.benchmarks.capacity.costs`` prints
the costs of the newest results.
"""

from __future__ import annotations

from dataclasses import dataclass

TAKEN_ON = "2026-11-22"


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor time, memory and bytes.

    Attributes:
        collector_ns: per record, from the log's bytes to the spool and the queue.
        aggregator_ns: per record: fetch, decode, merge.
        collector_ms: per batch, in addition to its records.
        aggregator_ms: per batch, in addition to its records: receive, ledger entry, acknowledge.
        redis_ms: per batch: announce, fetch, look up, acknowledge.
        key_us: per key of a group, in the aggregator: name and pack.
        redis_key_us: per key of a group, in Redis: increment and log its sums.
        wire: bytes per record.
        key_memory: bytes of Redis per row of a day.
        key_file: bytes in Redis's append-only file per key of a group.
        collector_memory: bytes of a busy collector.
        aggregator_memory: bytes of a busy aggregator.
        writer_memory: bytes per row of a day, in the aggregator that writes the day's files.
        loader_memory: bytes of the loader.
        row_file: bytes per row of a day in its breakdown.
        domain_file: bytes per domain in the day's qml file.
        row_table: bytes per row of a day in the database, with its index.
        domain_table: bytes per domain and day in the database, with its index.
    """

    collector_ns: float
    aggregator_ns: float
    collector_ms: float
    aggregator_ms: float
    redis_ms: float
    key_us: float
    redis_key_us: float
    wire: float
    key_memory: float
    key_file: float
    collector_memory: float
    aggregator_memory: float
    writer_memory: float
    loader_memory: float
    row_file: float
    domain_file: float
    row_table: float
    domain_table: float


MEASURED = Costs(
    collector_ns=170,
    aggregator_ns=85,
    collector_ms=6.6,
    aggregator_ms=2.8,
    redis_ms=2.7,
    key_us=0.45,
    redis_key_us=1.07,
    wire=4.2,
    key_memory=109,
    key_file=63,
    collector_memory=150e6,
    aggregator_memory=140e6,
    writer_memory=98,
    loader_memory=93e6,
    row_file=62,
    domain_file=38,
    row_table=180,
    domain_table=110,
)

#: The distribution of a domain's records over services and statuses: the share of each pair in the
#: generated logs of the benchmarks, which resemble those of a large site.
KINDS = (
    0.4816, 0.0448, 0.0112, 0.0084, 0.0056, 0.0028, 0.0028, 0.0028,
    0.228, 0.095, 0.0855, 0.0095, 0.0072, 0.0030, 0.0027, 0.0024, 0.0024, 0.0010, 0.0010,
    0.0009, 0.0009, 0.0003, 0.0001, 0.0001,
)  # fmt: skip
