"""What a cluster needs: cores, memory, network, disk. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally.plan.distinct import distinct
from mailtally.plan.load import DAY, Load, Question, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.plan.costs import Costs

#: The collector's defaults: seconds and bytes of applied batches in its spool.
_KEPT, _KEPT_BYTES = 3600.0, 512 * 2**20
#: Redis rewrites its append-only file when it has doubled, and both are on disk meanwhile.
_REWRITE = 3
_YEAR = 365
#: What of a core may be planned for: bursts need the rest, and waiting grows long beyond.
WISE = 0.7
#: Bytes of memory that one Redis is given at most.
MEMORY = 64e9


@dataclass(frozen=True, slots=True)
class Capacity:
    """Bytes, bytes a second, and cores.

    Attributes:
        load: in the busiest hour.
        rows: of a day: its distinct (host, domain, service, status).
        aggregators: that are needed, each at most as busy as is wise.
        states: Redis servers that are needed, each at most as busy and as large as is wise.
        redis_memory: for the totals of all days kept.
        redis_file: on disk at most, when the file is rewritten.
        redis_growth: a second, of the append-only file between two rewrites.
        network_in: a second, into Redis, from all collectors.
        network_out: a second, from Redis to the aggregators.
        writer_memory: of the aggregator that writes the days.
        spool: of each collector, at most.
        day_files: a day, before compression.
        database: a year.
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
    """What ``question`` needs, by ``costs``; ``behind`` as of ``load``."""
    at_work = load(question, costs, kinds, behind=behind)
    # Short of either, groups grow to their limits: what is needed is what is needed then.
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
