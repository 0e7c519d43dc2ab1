"""Do the clocks agree by which days are closed? Pure.

A day is closed, retired or judged late only while three agree within a minute: Redis's clock, the
day writer's own, and the median of those that the collectors report. Every report holds what
Redis's clock showed at the same moment, so that its time in the queue does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from mailtally_shared.header import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_aggregator.books import Books

#: Seconds for which a collector's report of its clock counts.
LATELY = 900.0
#: Why no day is closed in the first minutes of a day writer that no collector was heard of.
NOT_CONFIRMED = "No collector was heard of that confirms the clocks."
REDIS, WRITER, COLLECTORS = "Redis", "the day writer", "the median of the collectors"


@dataclass(frozen=True, slots=True)
class HostClock:
    """The last report of a mail host's clock: seconds ahead of Redis's, which showed ``heard``."""

    host: str
    ahead: float
    heard: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of the clocks.

    Attributes:
        agree: days may be closed.
        why: a sentence where they may not.
        ahead: seconds by which each clock is ahead of what most of them show.
        heard: how many collectors were heard of lately.
    """

    agree: bool
    why: str = ""
    ahead: dict[str, float] = field(default_factory=dict)
    heard: int = 0

    def off(self) -> dict[str, float]:
        """Return the clocks that are off by more than a minute, and by how much."""
        return {of: ahead for of, ahead in self.ahead.items() if abs(ahead) > CLOCK_TOLERANCE}


def host_clocks(books: Books) -> Iterator[HostClock]:
    """Yield what the registered collectors reported."""
    hosts = {owner: host for host, owner in books.owners.items()}
    for ledger in books.ledgers:
        if ledger.state_clock and ledger.collector_id in hosts:
            ahead = float(ledger.clock - ledger.state_clock)
            yield HostClock(hosts[ledger.collector_id], ahead, float(ledger.state_clock))


def judge(writer: float, redis: float, reports: Iterable[HostClock]) -> Verdict:
    """Compare the clocks.

    Args:
        writer: what the day writer's clock shows, Unix seconds.
        redis: what Redis's clock shows.
        reports: what collectors said; those that are not of lately do not count.
    """
    heard = [each for each in reports if abs(redis - each.heard) <= LATELY]
    ahead = {REDIS: 0.0, WRITER: writer - redis}
    if heard:
        ahead[COLLECTORS] = float(median(each.ahead for each in heard))
    # Of two there is no middle: neither is known to be right.
    middle = sorted(ahead.values())[1] if heard else 0.0
    named = ahead | {each.host: each.ahead for each in heard}
    verdict = Verdict(
        agree=max(ahead.values()) - min(ahead.values()) <= CLOCK_TOLERANCE,
        ahead={of: seconds - middle for of, seconds in named.items()},
        heard=len(heard),
    )
    return verdict if verdict.agree else _explained(verdict)


def _explained(verdict: Verdict) -> Verdict:
    parts = [f"{of} is {told(ahead)}" for of, ahead in verdict.off().items()]
    why = f"The clocks do not agree: {', '.join(parts)}."
    return Verdict(agree=False, why=why, ahead=verdict.ahead, heard=verdict.heard)


def told(ahead: float) -> str:
    """Return in words how far a clock is off."""
    return f"{abs(ahead):,.0f} s {'ahead' if ahead > 0 else 'behind'}"
