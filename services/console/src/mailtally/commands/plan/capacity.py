"""The capacity that a cluster needs: cores, memory, network, disk. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.commands.plan.distinct import distinct
from mailtally.commands.plan.load import DAY, Load, Question, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.commands.plan.costs import Costs

#: The collector's defaults: seconds and bytes of applied batches in its spool.
_KEPT, _KEPT_BYTES = 3600.0, 512 * 2**20
#: Redis rewrites its append-only file when it has doubled; both are on disk meanwhile.
_REWRITE = 3
_YEAR = 365
#: The share of a core to plan for: bursts need the rest, and beyond it queues grow long.
WISE = 0.7
#: Most bytes of memory for one Redis.
MEMORY = 64e9


@dataclass(frozen=True, slots=True)
class Capacity:
    """The capacity needed, in bytes, bytes a second, and cores.

    Attributes:
        load: the load in the busiest hour.
        rows: rows per day: its distinct (host, domain, service, status).
        aggregators: aggregators needed, each with at most the planned load.
        states: Redis servers needed, each with at most the planned load and size.
        redis_memory: bytes for the totals of all days kept.
        redis_file: most bytes on disk, while the file is rewritten.
        redis_growth: bytes a second by which the append-only file grows between two rewrites.
        network_in: bytes a second into Redis from all collectors.
        network_out: bytes a second from Redis to the aggregators.
        writer_memory: bytes of the aggregator that writes the days.
        spool: most bytes in each collector's spool.
        day_files: bytes a day, before compression.
        database: bytes a year.
    """

    load: Load
    rows: float
    aggregators: int
    states: int
    redis_memory: float
    redis_file: float
    redis_growth: float
    network_in: float
    network_out: float
    writer_memory: float
    spool: float
    day_files: float
    database: float


def capacity(
    question: Question, costs: Costs, kinds: Sequence[float], *, behind: bool = False
) -> Capacity:
    """Return the capacity that ``question`` needs by ``costs``; for ``behind`` see ``load``."""
    at_work = load(question, costs, kinds, behind=behind)
    # If either is short, groups grow to their limits: the need is that of this case.
    busiest = load(question, costs, kinds, behind=True)
    each_day = question.daily / question.hosts
    rows = question.hosts * distinct(each_day, question.host_domains, kinds)
    memory = rows * question.days * costs.key_memory
    payloads = question.rate * costs.wire
    return Capacity(
        load=at_work,
        rows=rows,
        aggregators=max(1, math.ceil(busiest.aggregators / WISE)),
        states=max(1, math.ceil(busiest.redis / WISE), math.ceil(memory / MEMORY)),
        redis_memory=memory,
        redis_file=memory * _REWRITE,
        redis_growth=payloads + at_work.keys * costs.key_file,
        network_in=payloads + at_work.keys * costs.key_file,
        network_out=payloads,
        writer_memory=costs.aggregator_memory + rows * costs.writer_memory,
        spool=min(_KEPT_BYTES, each_day / DAY * _KEPT * costs.wire),
        day_files=rows * costs.row_file + question.domains * costs.domain_file,
        database=_YEAR * (rows * costs.row_table + question.domains * costs.domain_table),
    )
