"""The day writer's memory of the state, stored outside of it in the statistic directory."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from mailtally_shared.days.durable import place
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.history import Pair, begin_history, read_standing
from mailtally_shared.state.read.went_back import missing_days, unheard_hosts

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)
#: The file's name in the statistic directory.
SEEN = "state-seen.json"
#: Seconds between two records of the same history.
_PAUSE = 10.0


class Memory:
    """The newest pair that the day writer saw, and whether the state still holds all of it."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar, directory: Path) -> None:
        self._state = state
        self._keys = keys
        self._calendar = calendar
        self._directory = directory
        self._noted_at = 0.0
        self._reported = ""

    def look(self, now: float) -> bool:
        """Compare the state with the memory, and remember the state.

        Returns:
            False while the state lacks something: until all hosts have sent again what they
            have, and the days of lost batches are rebuilt, the memory remains unchanged.
        """
        remembered = remembered_state(self._directory)
        standing = read_standing(self._state, self._keys, remembered)
        if standing.covers_memory or self._is_settled():
            self._remember(standing.now, remembered, now)
            return True
        self._report(standing.now, remembered)
        return False

    def _is_settled(self) -> bool:
        if unheard_hosts(self._state, self._keys):
            return False
        return not missing_days(self._state, self._keys, self._calendar)

    def _remember(self, pair: Pair | None, former: Pair | None, now: float) -> None:
        if pair is None or pair == former:
            return
        is_early = 0 <= now - self._noted_at < _PAUSE
        if is_early and former is not None and former.history == pair.history:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"history": pair.history, "commits": pair.commits})
        place(self._directory / SEEN, [text.encode("ascii"), b"\n"])
        self._noted_at = now

    def _report(self, pair: Pair | None, remembered: Pair | None) -> None:
        """Log it once, and begin another history so that the counter cannot catch up unnoticed."""
        if pair is None or remembered is None or pair.history == self._reported:
            return
        if pair.history == remembered.history:
            pair = begin_history(self._state, self._keys)
        self._reported = pair.history
        event(
            _log,
            logging.ERROR,
            "state-went-back",
            f"Redis holds an older state than the day writer saw: {pair.commits} commits, after "
            f"{remembered.commits}. The collectors send again what they still have; "
            "mailtally doctor shows what is missing.",
            commits=pair.commits,
        )


def remembered_state(directory: Path) -> Pair | None:
    """Return the day writer's memory; ``None`` where there is none or the file is damaged."""
    try:
        found = json.loads((directory / SEEN).read_bytes())
        return Pair(str(found["history"]), int(found["commits"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
