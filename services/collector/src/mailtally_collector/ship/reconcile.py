"""Compare the spool with a ledger that may have gone back: send again, or pass what is lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_collector.crash_at import CrashAt
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event

if TYPE_CHECKING:
    from mailtally_collector.ship.ledger import Applied, Ledger, Registration
    from mailtally_collector.spool.spool import Spool
    from mailtally_collector.spool.touched import Range
    from mailtally_shared.state.history import Pair

_log = logging.getLogger(__name__)


class Reconciliation:
    """The comparison of one collector's spool with the state."""

    def __init__(self, spool: Spool, ledger: Ledger, registration: Registration) -> None:
        self._spool = spool
        self._ledger = ledger
        self._registration = registration
        self._noted: Applied | None = None
        #: The history that the spool was last compared with, and the last batch made by then.
        self._compared: tuple[str | None, int] = (None, 0)
        self._lost: tuple[Range, ...] = ()
        self._remembered: Pair | None = None

    def note(self, applied: Applied) -> bool:
        """Note what is applied, and return whether the spool had to be compared with it."""
        is_new = self._is_new(applied)
        if is_new:
            self._compare(applied)
        else:
            self._pass_further(applied)
        self._noted = applied
        self._acknowledge(applied)
        return is_new

    def remember(self, applied: Applied) -> None:
        """Store the history and the commits that were seen of the state."""
        if applied.state is not None and applied.state != self._remembered:
            self._spool.remember(applied.state)
            self._remembered = applied.state

    def _is_new(self, applied: Applied) -> bool:
        """Return whether the state is another one than at the last comparison, or older."""
        if self._noted is None or not applied.covers(self._noted):
            return True
        now, former = applied.state, self._noted.state
        if now is None:
            return False
        went_back = former and former.history == now.history and former.commits > now.commits
        return now.history != self._compared[0] or bool(went_back)

    def _compare(self, applied: Applied) -> None:
        """Follow the ledger: what it lacks is sent again, whatever the spool noted."""
        self._tell_older(applied)
        back, lost = self._spool.revive(applied.hwm, applied.ahead)
        if lost:
            self._give_up(applied, lost)
        self._compared = (applied.state and applied.state.history, self._spool.next_seq - 1)
        self.remember(applied)
        if back:
            event(
                _log,
                logging.WARNING,
                "ledger-went-back",
                f"The ledger went back to batch {applied.hwm}; sending {back} batches again.",
                hwm=applied.hwm,
                batches=back,
            )

    def _tell_older(self, applied: Applied) -> None:
        seen = self._spool.seen
        if applied.state is None or seen is None or self._ledger.holds(seen):
            return
        event(
            _log,
            logging.WARNING,
            "state-went-back",
            f"Redis is older than what this collector saw of it: {applied.state.commits} commits, "
            f"after {seen.commits}. What is still in the spool is sent again.",
            commits=applied.state.commits,
        )

    def _give_up(self, applied: Applied, lost: tuple[Range, ...]) -> None:
        """Record what both the state and the spool lack, so that new lines are counted."""
        self._lost, hours = lost, self._spool.touched_by(lost)
        self._ledger.give_up(self._registration, lost, hours)
        crash_point(CrashAt.LOST_NOTED)
        batches = sum(last - first + 1 for first, last in lost)
        event(
            _log,
            logging.ERROR,
            "batches-lost",
            f"Redis went back to batch {applied.hwm}, and {batches} batches after it are no "
            f"longer in the spool. They touched {len(hours)} hours, whose days are not written "
            "until they are rebuilt: mailtally doctor names them. Then raise spool.keep_applied.",
            hwm=applied.hwm,
            batches=batches,
        )

    def _pass_further(self, applied: Applied) -> None:
        """Pass lost batches once the ledger has reached them.

        Their hours are noted again: a Redis that failed over may have lost that note without its
        ledger going back.
        """
        lost = tuple(each for each in self._lost if each[0] > applied.hwm)
        if any(first == applied.hwm + 1 for first, _ in lost):
            self._ledger.give_up(self._registration, lost, self._spool.touched_by(lost))

    def _acknowledge(self, applied: Applied) -> None:
        """Acknowledge the history once everything revived is applied; days then stop waiting."""
        history, upto = self._compared
        if history and applied.acknowledged != history and applied.hwm >= upto:
            self._ledger.acknowledge(self._registration, history)
