"""Commit a group of batches to the ledger and the totals, exactly once.

The guarantee, step by step, and the cost of a crash after each:

1. The batches are merged in memory. A crash loses nothing: the collectors
   still have them, and send again what the ledger does not show as applied.
2. One Lua script looks each batch up in the ledger. If any is there already, or
   its collector was fenced, or it must not be applied for another reason, the
   script writes nothing and returns why; the group is corrected and step 1
   repeated.
3. The same script adds the totals, marks the batches and deletes their
   payloads. Redis runs it completely or not at all.
4. The answer arrives. If it is lost, the group is tried again, and step 2 finds
   every batch known.

Only then are the announcements acknowledged to the broker.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from mailtally_shared.adding import SumOverflowError
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.commit.batch import Outcome, sort_out
from mailtally_shared.state.commit.merge import latest, merge, parted
from mailtally_shared.state.commit.request import (
    MOST_PARTS,
    Additions,
    Caps,
    Mends,
    batch_entry,
    day_entries,
    heartbeat_entry,
    held_entries,
)
from mailtally_shared.state.history import Pair, begin_history, redis_time
from mailtally_shared.state.hours.counted import count_hours
from mailtally_shared.state.scripts import Script, state_emptied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.batch import Batch
    from mailtally_shared.state.commit.merge import Reported
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.lease import Fence
    from mailtally_shared.state.uncounted.held import HeldDay
    from mailtally_shared.wire.announcement import Heartbeat


_log = logging.getLogger(__name__)


class Committer:
    """Applies groups of batches to one state."""

    def __init__(
        self,
        state: State,
        keys: StateKeys,
        calendar: Calendar,
        *,
        caps: Caps | None = None,
        charged_name: Callable[[str], str] = str,
        hours: bool = True,
    ) -> None:
        self._keys = keys
        self.calendar = calendar
        self._caps = caps or Caps()
        self.charged_name = charged_name
        self._counts_hours = hours
        self._closed_before = ""
        self._pinned = frozenset[str]()
        self._state = state
        self._seen: Pair | None = None
        self._script = Script(state, keys, "ledger.lua", "sums.lua", "held.lua", "commit.lua")

    def merged(self, batches: Sequence[Batch], now: float) -> list[dict[str, Any]] | None:
        """Return what a group adds to each day, for ``apply``; ``None`` if it adds up to too much.

        While one group is being applied, another thread may merge the next one.

        Raises:
            Unavailable: the state did not answer.
        """
        try:
            return self._days(batches, self._known_mends(), now)
        except SumOverflowError:
            return None

    def apply(
        self,
        batches: Sequence[Batch],
        heartbeats: Sequence[Heartbeat],
        now: float,
        merged: list[dict[str, Any]] | None = None,
    ) -> Outcome:
        """Apply what can be applied of a group; each batch ends in one list of the outcome.

        Args:
            batches: the batches of the group.
            heartbeats: its heartbeats.
            now: Unix seconds.
            merged: what ``merged`` returned for the same batches. If the state refuses it, the
                batches are merged again.

        Raises:
            Unavailable: the state did not answer; it is unknown whether the group was
                applied, and safe to try again.
            Refused: the state was emptied.
        """
        outcome = Outcome()
        remaining, mends = list(batches), self._known_mends()
        while remaining or heartbeats:
            verdict = self._try(remaining, heartbeats, mends, now, merged)
            merged = None
            match verdict["verdict"]:
                case "applied":
                    self._remember(verdict)
                    outcome.applied += remaining
                    break
                case "refused":
                    remaining = sort_out(remaining, verdict["batches"], outcome)
                case "overflow" | "days" | "too-far-ahead" as trouble:
                    outcome.add(self._one_by_one(remaining, trouble, now))
                    remaining = []
                case "behind":
                    self._report_went_back()
                case "empty":
                    raise state_emptied()
                case _:
                    self._mend(mends, verdict)
        return outcome

    def count_held(self, held: HeldDay, now: float, fence: Fence | None = None) -> str:
        """Move a held day into the totals, in one step.

        Args:
            held: the day as it was read.
            now: Unix seconds.
            fence: the day writer's lease, if the day writer calls this.

        Returns:
            ``applied``; or why not: ``changed`` since it was read, ``overflow``, ``days`` (more
            than ``max_days``), ``overtaken`` (by another day writer).

        Raises:
            Unavailable: the state did not answer; it is safe to try again.
            Refused: the state was emptied.
        """
        mends = self._known_mends()
        while True:
            request = self._common(now, mends) | {
                "opener": held.collector_id,
                "days": day_entries(self._keys, self._held(held), mends, self._caps),
                "held": held.entry(self._keys),
                "fence": None
                if fence is None
                else {"lease": self._keys.writer_lease, "token": fence},
            }
            match self._run(request):
                case {"verdict": "applied"} as verdict:
                    self._remember(verdict)
                    return "applied"
                case {"verdict": "changed" | "overflow" | "days" | "overtaken" as why}:
                    return str(why)
                case {"verdict": "behind"}:
                    self._report_went_back()
                case {"verdict": "empty"}:
                    raise state_emptied()
                case verdict:
                    self._mend(mends, verdict)

    def _known_mends(self) -> Mends:
        return Mends(closed_before=self._closed_before, pinned=self._pinned)

    def _try(
        self,
        batches: Sequence[Batch],
        heartbeats: Sequence[Heartbeat],
        mends: Mends,
        now: float,
        merged: list[dict[str, Any]] | None,
    ) -> dict[str, Any]:
        try:
            days = self._days(batches, mends, now) if merged is None else merged
        except SumOverflowError:
            return {"verdict": "overflow"}
        request = self._common(now, mends) | {
            "opener": _only(batch.header.collector_id for batch in batches),
            "batches": [batch_entry(self._keys, batch) for batch in batches],
            "heartbeats": [heartbeat_entry(self._keys, heartbeat) for heartbeat in heartbeats],
            "days": days,
        }
        return self._run(request)

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads(self._script.run(request))
        return verdict

    def _days(self, batches: Sequence[Batch], mends: Mends, now: float) -> list[dict[str, Any]]:
        """Return what the batches add to each day, of the totals and of the held records."""
        keys, caps = self._keys, self._caps
        counted, held = parted(batches, self._horizon(batches, now))
        entries = day_entries(keys, self._added(counted), mends, caps)
        for collector_id, columns in held.items():
            entries += held_entries(keys, collector_id, self._added(columns), mends, caps)
        return entries

    def _added(self, batches: Sequence[Reported]) -> Additions:
        increments = merge(batches, self.calendar, self.charged_name)
        if not self._counts_hours:
            return Additions(increments)
        return Additions(increments, count_hours(batches, self.calendar, self.charged_name))

    def _held(self, held: HeldDay) -> Additions:
        if held.hours is None or not self._counts_hours:
            return Additions(held.increments)
        return Additions(held.increments, {held.day: held.hours})

    def _horizon(self, batches: Sequence[Batch], now: float) -> float:
        """Return the time from which on records are held, by the later clock: one may be slow."""
        horizon = now + self._caps.future_slack
        if latest(batches) <= horizon:
            return horizon
        return max(horizon, redis_time(self._state) + self._caps.future_slack)

    def _common(self, now: float, mends: Mends) -> dict[str, Any]:
        """Return the part of a request that is the same for batches and for held days."""
        keys = self._keys
        return {
            "format": keys.format,
            "history": keys.history,
            "histories": keys.histories,
            "seen": self._seen and {"id": self._seen.history, "commits": self._seen.commits},
            "closed_key": keys.closed_before,
            "closed_before": mends.closed_before,
            "pinned": keys.pinned,
            "now": str(int(now)),
            "max_days": self._caps.days,
            "max_held_days": self._caps.held_days,
            "max_hosts": self._caps.hosts,
            "max_held_names": self._caps.held_names,
            "max_hours_parts": MOST_PARTS,
            "held_records_key": keys.held_records,
            "held_names_key": keys.held_names,
            "opened": {book.days: book.opened for book in (keys.totals, keys.late)},
            "batches": [],
            "heartbeats": [],
        }

    def _one_by_one(self, batches: Sequence[Batch], trouble: str, now: float) -> Outcome:
        """Apply the batches of a group one by one, so that only the offending ones are rejected."""
        if len(batches) == 1:
            alone = list(batches)
            if trouble == "too-far-ahead":
                return Outcome(too_far_ahead=alone)
            return Outcome(overflowing=alone) if trouble == "overflow" else Outcome(crowding=alone)
        outcome = Outcome()
        for batch in batches:
            outcome.add(self.apply([batch], [], now))
        return outcome

    def _remember(self, verdict: dict[str, Any]) -> None:
        """Remember the state's pair, so that an older copy is noticed at the next commit."""
        if verdict.get("history"):
            self._seen = Pair(verdict["history"], int(verdict["commits"]))

    def _report_went_back(self) -> None:
        """Log that the state is an older copy, and begin another history for further commits."""
        now = begin_history(self._state, self._keys)
        event(
            _log,
            logging.ERROR,
            "state-went-back",
            f"Redis went back to {now.commits} commits. The collectors send again what they still "
            "have; mailtally doctor shows what is missing.",
            commits=now.commits,
        )
        self._seen = now

    def _mend(self, mends: Mends, verdict: dict[str, Any]) -> None:
        if verdict["verdict"] == "closed":
            self._closed_before = mends.closed_before = verdict["before"]
            self._pinned = mends.pinned = frozenset(verdict.get("pinned", ()))
            return
        if verdict["verdict"] == "which-names":
            mends.list_names.add(verdict["key"])
        elif verdict["verdict"] == "names":
            mends.names.setdefault(verdict["key"], set()).update(verdict["refused"])
        elif verdict["verdict"] == "statuses":
            mends.statuses.setdefault(verdict["key"], set()).update(verdict["refused"])
        else:
            raise AssertionError(f"commit.lua returned an unknown verdict: {verdict}")


def _only(collectors: Iterable[str]) -> str:
    """Return the one collector of all; empty where there are several."""
    distinct = set(collectors)
    return distinct.pop() if len(distinct) == 1 else ""
