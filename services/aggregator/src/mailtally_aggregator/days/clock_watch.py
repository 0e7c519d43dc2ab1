"""The day writer's watch on the clocks: may days be closed now?

A step of the writer's or of Redis's clock is detected by the monotonic clock. After one, no day is
closed for a while, although all agree: on one machine all clocks are the same, and wrong together.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from mailtally_shared.audit.clocks import NOT_CONFIRMED, HostClock, Verdict, judge
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.history import redis_time
from mailtally_shared.state.untrusted import own_ledgers, whole
from mailtally_shared.wire.announcement import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.runtime.clock import Clock
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)


class Steadiness:
    """The time since which no clock has stepped, in steady time. Pure."""

    def __init__(self, began: float) -> None:
        self._began = self._stepped = began
        self._offsets: tuple[float, ...] | None = None

    def note(self, steady: float, *shown: float) -> None:
        """Record the clocks' times at a moment of steady time."""
        offsets = tuple(each - steady for each in shown)
        pairs = zip(offsets, self._offsets or offsets, strict=True)
        if any(abs(now - before) > CLOCK_TOLERANCE for now, before in pairs):
            self._stepped = steady
        self._offsets = offsets

    def has_stepped(self, steady: float, within: float) -> bool:
        """Return whether a clock has stepped within the last ``within`` seconds."""
        return self._stepped > self._began and steady - self._stepped < within

    def watched_for(self, steady: float) -> float:
        """Return the seconds for which no clock has stepped since the start."""
        return steady - self._stepped


class ClockWatch:
    """Decides for one day writer whether days may be closed."""

    def __init__(self, state: State, keys: StateKeys, clock: Clock, settle: float) -> None:
        self._state = state
        self._keys = keys
        self._clock = clock
        self._settle = settle
        self._steadiness = Steadiness(clock.steady())
        self._logged: str | None = None

    def agree(self) -> bool:
        """Read the clocks, report a change, and return whether days may be closed.

        Raises:
            Unavailable: Redis does not answer.
        """
        verdict = self._look()
        self._publish(verdict)
        return verdict.agree

    def _look(self) -> Verdict:
        steady, wall, redis = self._clock.steady(), self._clock.wall(), redis_time(self._state)
        self._steadiness.note(steady, wall, redis)
        verdict = judge(wall, redis, _reported(self._state, self._keys))
        if not verdict.agree:
            return verdict
        if self._steadiness.has_stepped(steady, self._settle):
            return Verdict(agree=False, why="A clock has stepped within the last minutes.")
        if not verdict.heard and self._steadiness.watched_for(steady) < self._settle:
            return Verdict(agree=False, why=NOT_CONFIRMED)
        return verdict

    def _publish(self, verdict: Verdict) -> None:
        """Record the verdict in the state for doctor and metrics, and log an event when it changes.

        The record in the state may be another day writer's, or of a time before Redis went back.
        """
        word = None if verdict.agree else json.dumps({"why": verdict.why}).encode()
        with unavailable_errors():
            if self._state.get(self._keys.writer_clocks) == word:
                pass
            elif word is None:
                self._state.delete(self._keys.writer_clocks)
            else:
                self._state.set(self._keys.writer_clocks, word)
        if verdict.why != self._logged:
            _report(verdict, again=bool(self._logged))
        self._logged = verdict.why


def _report(verdict: Verdict, *, again: bool) -> None:
    if not verdict.agree:
        sentence = f"{verdict.why} No day is written or retired until they agree."
        event(_log, logging.ERROR, "clocks-disagree", sentence, off=sorted(verdict.off()))
    elif again:
        event(_log, logging.INFO, "clocks-agree", "The clocks agree again; days are closed.")


def _reported(state: State, keys: StateKeys) -> Iterator[HostClock]:
    """Yield the clocks that the registered collectors reported."""
    for host, _, (clock, heard) in own_ledgers(state, keys, "clock", "state_clock"):
        if whole(heard):
            yield HostClock(host, float(whole(clock) - whole(heard)), float(whole(heard)))
