"""How busy each part of a cluster is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailtally.plan.distinct import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally.plan.costs import Costs

DAY = 86_400
#: The services' defaults: lines of a batch at most; batches and records that are committed together
#: at most.
BATCH = 65_536
GROUP_BATCHES, GROUP_RECORDS = 32, 1_000_000
#: Groups grow while their commit takes long, and take longer then; this often it is looked at.
_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        hosts: mail hosts, each with a collector.
        spread: hosts that share the mail of a domain.
        rate: records a second of all hosts in the busiest hour.
        daily: records a day.
        domains: that are charged on a day.
        days: that Redis keeps.
        aggregators: at work.
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
        """Domains with records on one host."""
        return max(1, self.domains * min(self.spread, self.hosts) // self.hosts)

    def at(self, rate: float) -> Question:
        """The same cluster at another rate."""
        return replace(self, rate=rate, daily=self.daily * rate / self.rate)


@dataclass(frozen=True, slots=True)
class Load:
    """Work at a rate; a core is 1.0 when it has nothing left.

    Attributes:
        batch: records of a batch.
        group: records that are committed together.
        batches: a second.
        keys: of all groups together, a second.
        collector: cores of each collector.
        aggregators: cores of all aggregators together.
        redis: of the one thread that Redis works with.
    """

    batch: float
    group: float
    batches: float
    keys: float
    collector: float
    aggregators: float
    redis: float


def load(question: Question, costs: Costs, kinds: Sequence[float], *, behind: bool = False) -> Load:
    """The load of each part.

    An aggregator takes what has come while it was at the group before. So groups are small when
    little comes, and grow to their limits, and cost less a record, before it falls behind.

    Args:
        question: the cluster.
        costs: of each step.
        kinds: the shares of the pairs of service and status.
        behind: with groups at their limits, as when there always is more to do.
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
    """Distinct keys of a group: its batches come from as many hosts as there are, or it has."""
    hosts = min(question.hosts, max(1.0, group / batch))
    return hosts * distinct(group / hosts, question.host_domains, kinds)


def _group_seconds(
    group: float, batch: float, question: Question, costs: Costs, kinds: Sequence[float]
) -> float:
    """How long an aggregator is at a group, Redis's part of it included."""
    keys = _keys(group, batch, question, kinds)
    by_batch = (costs.aggregator_ms + costs.redis_ms) / 1e3 * group / batch
    by_key = (costs.key_us + costs.redis_key_us) / 1e6 * keys
    return group * costs.aggregator_ns / 1e9 + by_batch + by_key
