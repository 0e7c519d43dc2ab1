"""The load of each part of a cluster. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally.commands.plan.distinct import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.commands.plan.costs import Costs

DAY = 86_400
#: The services' defaults: most lines of a batch; most batches and records committed together.
BATCH = 65_536
GROUP_BATCHES, GROUP_RECORDS = 32, 1_000_000
#: Iterations for the size of a group, which grows with the duration of its commit and vice versa.
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Question:
    """The description of a cluster.

    Attributes:
        hosts: mail hosts, each with a collector.
        spread: hosts that share the mail of a domain.
        rate: records a second of all hosts in the busiest hour.
        daily: records a day.
        domains: domains charged on a day.
        days: days kept in Redis.
        aggregators: running aggregators.
        linger: seconds after which a collector sends a batch that is not full.
    """

    hosts: int
    spread: int
    rate: float
    daily: float
    domains: int
    days: int
    aggregators: int
    linger: float = 0.2

    @property
    def host_domains(self) -> int:
        """Return the number of domains with records on one host."""
        return max(1, self.domains * min(self.spread, self.hosts) // self.hosts)

    def at(self, rate: float) -> Question:
        """Return the same cluster at another rate."""
        return replace(self, rate=rate, daily=self.daily * rate / self.rate)


@dataclass(frozen=True, slots=True)
class Load:
    """The load at a rate; 1.0 is a fully used core.

    Attributes:
        batch: records per batch.
        group: records committed together.
        batches: batches a second.
        keys: keys of all groups a second.
        collector: cores of each collector.
        aggregators: cores of all aggregators together.
        redis: use of Redis's single thread.
    """

    batch: float
    group: float
    batches: float
    keys: float
    collector: float
    aggregators: float
    redis: float


def load(question: Question, costs: Costs, kinds: Sequence[float], *, behind: bool = False) -> Load:
    """Return the load of each part.

    An aggregator takes what has arrived during its previous group. So groups are small at a low
    rate; before it falls behind, they grow to their limits and cost less per record.

    Args:
        question: the cluster.
        costs: the cost of each step.
        kinds: the shares of the pairs of service and status.
        behind: whether groups are at their limits, as with a permanent backlog.
    """
    each = question.rate / question.hosts
    batch = min(BATCH, max(1.0, each * question.linger))
    largest = max(batch, min(GROUP_BATCHES * batch, GROUP_RECORDS))
    group = largest if behind else batch
    for _ in range(0 if behind else _ROUNDS):
        seconds = _group_seconds(group, batch, question, costs, kinds)
        group = min(largest, max(batch, seconds * question.rate / question.aggregators))
    batches = question.rate / batch
    keys = _keys(group, batch, question, kinds) * question.rate / group
    return Load(
        batch=batch,
        group=group,
        batches=batches,
        keys=keys,
        collector=each * costs.collector_ns / 1e9 + each / batch * costs.collector_ms / 1e3,
        aggregators=question.rate * costs.aggregator_ns / 1e9
        + batches * costs.aggregator_ms / 1e3
        + keys * costs.key_us / 1e6,
        redis=batches * costs.redis_ms / 1e3 + keys * costs.redis_key_us / 1e6,
    )


def _keys(group: float, batch: float, question: Question, kinds: Sequence[float]) -> float:
    """Return the distinct keys of a group, whose batches come from different hosts."""
    hosts = min(question.hosts, max(1.0, group / batch))
    return hosts * distinct(group / hosts, question.host_domains, kinds)


def _group_seconds(
    group: float, batch: float, question: Question, costs: Costs, kinds: Sequence[float]
) -> float:
    """Return the seconds that an aggregator takes for a group, including Redis's part."""
    keys = _keys(group, batch, question, kinds)
    by_batch = (costs.aggregator_ms + costs.redis_ms) / 1e3 * group / batch
    by_key = (costs.key_us + costs.redis_key_us) / 1e6 * keys
    return group * costs.aggregator_ns / 1e9 + by_batch + by_key
