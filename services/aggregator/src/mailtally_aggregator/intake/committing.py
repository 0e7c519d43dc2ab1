"""The committing half of the intake: a merged group → the ledger and the totals.

It waits for Redis nearly all of the time, while the other half works in its own thread.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.intake.outcome_log import log_outcome
from mailtally_shared.errors import BadBatch, Unavailable
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.scripts import Script

if TYPE_CHECKING:
    from mailtally_aggregator.intake.bad_batches import BadBatches
    from mailtally_aggregator.intake.group import Group
    from mailtally_aggregator.intake.handover import Handover
    from mailtally_aggregator.intake.tally import Tally
    from mailtally_shared.state.commit.batch import Batch, Outcome
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)
#: Seconds to wait for a group in one turn; an offered one and a stop end it.
_LOOK = 5.0


class Committing:
    """Commits the groups that are handed over, one after the other; ``turn`` is one round."""

    def __init__(
        self,
        *,
        state: State,
        keys: StateKeys,
        committer: Committer,
        bad: BadBatches,
        handover: Handover,
        tally: Tally,
    ) -> None:
        self._state = state
        self._keys = keys
        self._committer = committer
        self._bad = bad
        self._handover = handover
        self._tally = tally
        self._different = Script(state, keys, "different.lua")

    def turn(self, now: float, patience: float | None = _LOOK) -> bool:
        """Commit the next group; return whether there was one.

        Raises:
            Unavailable: ``reset`` and try again later. The same group is tried again, and none
                after it before: what was applied already is then known.
            Refused: the aggregator must stop.
        """
        group = self._handover.take(patience)
        if group is None:
            return False
        crash_point(CrashAt.TAKEN)
        began = time.perf_counter()
        outcome = self._apply(group, now)
        seconds = time.perf_counter() - began
        if group.batches:
            self._tally.committed(outcome, seconds)
        self._settle(outcome, now)
        self._tally.heartbeats += len(group.heartbeats)
        crash_point(CrashAt.COMMITTED)
        self._handover.finish(seconds)
        return True

    def last(self, now: float) -> None:
        """Commit what is handed over until the other half has ended."""
        try:
            while self.turn(now, None):
                pass
        except Unavailable as error:
            _log.debug("a group is left to be sent again: %s", error)

    def reset(self) -> None:
        """Reconnect to the state, after ``Unavailable``."""
        self._state.connection_pool.disconnect()

    def _apply(self, group: Group, now: float) -> Outcome:
        # The first attempt only: at a later one, other records may be ahead of time.
        days, group.days = group.days, None
        return self._committer.apply(group.batches, group.heartbeats, now, days)

    def _settle(self, outcome: Outcome, now: float) -> None:
        """Deal with the batches that were not applied."""
        overflow = BadBatch("overflow", "The batch would raise a day's sum beyond 63 bits.")
        self._bad.uncountable(outcome.overflowing, overflow, now)
        crowd = BadBatch("too-many-days", "The batch would open more days than max_days allows.")
        self._bad.uncountable(outcome.crowding, crowd, now)
        ahead = BadBatch("too-far-ahead", "Its collector has too many records ahead of time.")
        self._bad.uncountable(outcome.too_far_ahead, ahead, now)
        naming = BadBatch("too-many-hosts", "The batch names more hosts than max_hosts allows.")
        self._bad.uncountable(outcome.naming, naming, now)
        self._note_different(outcome.different, now)
        self._forget_payloads([*outcome.known, *outcome.different, *outcome.fenced])
        log_outcome(outcome)

    def _note_different(self, batches: list[Batch], now: float) -> None:
        """Count them under their collector; their records are in the spool that made them."""
        for batch in batches:
            ledger = self._keys.ledger(batch.header.collector_id)
            self._different.run({"ledger": ledger, "now": str(int(now))})

    def _forget_payloads(self, batches: list[Batch]) -> None:
        """Delete payloads sent again after they were applied, or too late: nothing else does."""
        if batches:
            with unavailable_errors():
                self._state.unlink(*(batch.header.payload_key for batch in batches))
