"""Counting held records whose time has come, by the day writer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mailtally_shared.runtime.logs import event
from mailtally_shared.state.uncounted.held import held, read_held

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.lease import Lease
    from mailtally_shared.state.uncounted.held import Held

_log = logging.getLogger(__name__)
#: Number of times that a day is read because more of it was held in the meantime.
_ATTEMPTS = 5


class HeldTurn:
    """Counts held days of one state; ``slack`` (seconds) is that of the commit that held them."""

    def __init__(
        self,
        *,
        state: State,
        keys: StateKeys,
        committer: Committer,
        calendar: Calendar,
        lease: Lease,
        slack: float,
    ) -> None:
        self._state = state
        self._keys = keys
        self._committer = committer
        self._calendar = calendar
        self._lease = lease
        self._slack = slack
        self._reported: dict[tuple[str, str], str] = {}

    def take(self, now: float) -> bool:
        """Count each held day of which nothing would be held any more; return false when overtaken.

        Raises:
            Unavailable: Redis does not answer; nothing is lost.
        """
        for each in held(self._state, self._keys):
            if self._calendar.end_of(each.day) > now + self._slack:
                continue
            if not self._lease.hold() or self._count(each, now) == "overtaken":
                return False
        return True

    def _count(self, each: Held, now: float) -> str:
        became = "changed"
        for _ in range(_ATTEMPTS):
            day = read_held(self._state, self._keys, each.collector_id, each.day)
            if day is None:
                return "gone"
            became = self._committer.count_held(day, now, self._lease.fence)
            if became != "changed":
                break
        self._report(each, became)
        return became

    def _report(self, each: Held, became: str) -> None:
        """Log the outcome for a held day, once for as long as it stays the same."""
        name = (each.collector_id, each.day.isoformat())
        if became == "applied":
            self._reported.pop(name, None)
            sentence = f"Counted {each.messages:,} held records of {each.day}: their time has come."
            event(_log, logging.INFO, "held-counted", sentence, day=name[1], collector=name[0])
        elif became in {"overflow", "days"} and self._reported.get(name) != became:
            self._reported[name] = became
            why = "max_days is reached" if became == "days" else "a sum would exceed 63 bits"
            sentence = f"{each.messages:,} held records of {each.day} are not counted: {why}."
            event(_log, logging.WARNING, "held-stays", sentence, day=name[1], collector=name[0])
