"""Agreement of the clocks by which days are closed. Pure.

A day is closed, retired or judged late only while three clocks agree within a minute: Redis's, the
day writer's, and the median of those that the collectors report. Every report contains Redis's time
at the same moment, so that its time in the queue does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from mailtally_shared.audit.finding import Finding, Level, verdict
from mailtally_shared.wire.announcement import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_shared.state.read.books import Books


#: Age in seconds up to which a collector's report of its clock counts.
LATELY = 900.0
#: Why a day writer closes no day in its first minutes, while no collector has reported.
NOT_CONFIRMED = "No collector has reported yet that its clock agrees."
REDIS, WRITER, COLLECTORS = "Redis", "the day writer", "the median of the collectors"


@dataclass(frozen=True, slots=True)
class HostClock:
    """The last report of a mail host's clock: seconds ahead of Redis's, which showed ``heard``."""

    host: str
    ahead: float
    heard: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of comparing the clocks.

    Attributes:
        agree: days may be closed.
        why: a sentence, where they may not.
        ahead: seconds by which each clock is ahead of the majority.
        heard: number of collectors with a recent report.
    """

    agree: bool
    why: str = ""
    ahead: dict[str, float] = field(default_factory=dict)
    heard: int = 0

    def off(self) -> dict[str, float]:
        """Return the clocks that are off by more than a minute, and by how much."""
        return {of: ahead for of, ahead in self.ahead.items() if abs(ahead) > CLOCK_TOLERANCE}


def host_clocks(books: Books) -> Iterator[HostClock]:
    """Yield the clocks that the registered collectors reported."""
    hosts = {owner: host for host, owner in books.owners.items()}
    for ledger in books.ledgers:
        if ledger.state_clock and ledger.collector_id in hosts:
            ahead = float(ledger.clock - ledger.state_clock)
            yield HostClock(hosts[ledger.collector_id], ahead, float(ledger.state_clock))


def judge(writer: float, redis: float, reports: Iterable[HostClock]) -> Verdict:
    """Compare the clocks.

    Args:
        writer: the day writer's clock, Unix seconds.
        redis: Redis's clock.
        reports: the collectors' reports; old ones do not count.
    """
    heard = [each for each in reports if abs(redis - each.heard) <= LATELY]
    ahead = {REDIS: 0.0, WRITER: writer - redis}
    if heard:
        ahead[COLLECTORS] = float(median(each.ahead for each in heard))
    # Two values have no middle: neither clock is known to be right.
    middle = sorted(ahead.values())[1] if heard else 0.0
    named = ahead | {each.host: each.ahead for each in heard}
    verdict = Verdict(
        agree=max(ahead.values()) - min(ahead.values()) <= CLOCK_TOLERANCE,
        ahead={of: seconds - middle for of, seconds in named.items()},
        heard=len(heard),
    )
    return verdict if verdict.agree else _explained(verdict)


def _explained(verdict: Verdict) -> Verdict:
    parts = [f"{of} is {offset_in_words(ahead)}" for of, ahead in verdict.off().items()]
    why = f"The clocks do not agree: {', '.join(parts)}."
    return Verdict(agree=False, why=why, ahead=verdict.ahead, heard=verdict.heard)


def offset_in_words(ahead: float) -> str:
    """Return the offset of a clock in words."""
    return f"{abs(ahead):,.0f} s {'ahead' if ahead > 0 else 'behind'}"


_ADVICE = "Set the clock of each machine named with NTP; days are closed once all agree."
_START_ADVICE = "Start a collector, or wait for its first heartbeat if it is starting."


def check_clocks(books: Books, *, here: float, redis: float, stopped: str) -> Finding:
    """Return a finding that names each clock that is off, and whether days are closed.

    Args:
        books: the state, with the collectors' reports.
        here: the clock of this machine, Unix seconds.
        redis: Redis's clock.
        stopped: why the day writer closes no day; empty where it does.
    """
    found = judge(here, redis, host_clocks(books))
    off = [f"{_named(of)} is {offset_in_words(ahead)}." for of, ahead in found.off().items()]
    problems = [f"No day is closed. {stopped}", *off] if stopped else off
    heard = "1 collector" if found.heard == 1 else f"{found.heard:,} collectors"
    fine = f"Redis, this machine and {heard} agree within a minute."
    if stopped == NOT_CONFIRMED and not off:
        return verdict("clocks", problems, fine, _START_ADVICE, Level.WARNING)
    level = Level.WARNING if found.agree and not stopped else Level.FAILED
    return verdict("clocks", problems, fine, _ADVICE, level)


def _named(of: str) -> str:
    return "The clock of this machine" if of == WRITER else f"The clock of {of}"
