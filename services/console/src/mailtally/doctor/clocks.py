"""Do the clocks agree by which days are closed? Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally.doctor.finding import Finding, Level, verdict
from mailtally_aggregator.clocks import NOT_CONFIRMED, WRITER, host_clocks, judge, told

if TYPE_CHECKING:
    from mailtally_aggregator.books import Books

_ADVICE = "Set the clock of each machine named by NTP; days are closed once all agree."
_START_ADVICE = "Start a collector, or wait for its first sign of life: it may be starting."


def check_clocks(books: Books, *, here: float, redis: float, stopped: str) -> Finding:
    """Name each clock that is off, and say whether days are closed.

    Args:
        books: the state, with what the collectors reported.
        here: what the clock of this machine shows, Unix seconds.
        redis: what Redis's clock shows.
        stopped: why the day writer closes no day; empty where it does.
    """
    found = judge(here, redis, host_clocks(books))
    off = [f"{_named(of)} is {told(ahead)}." for of, ahead in found.off().items()]
    problems = [f"No day is closed. {stopped}", *off] if stopped else off
    fine = f"Redis, this machine and {found.heard:,} collectors agree within a minute."
    if stopped == NOT_CONFIRMED and not off:
        return verdict("clocks", problems, fine, _START_ADVICE, Level.WARNING)
    level = Level.WARNING if found.agree and not stopped else Level.FAILED
    return verdict("clocks", problems, fine, _ADVICE, level)


def _named(of: str) -> str:
    return "The clock of this machine" if of == WRITER else f"The clock of {of}"
