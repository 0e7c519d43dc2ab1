"""Commit a group of batches to the ledger and the totals, exactly once.

The guarantee, step by step, and what a crash costs after each:

1. The batches are merged in memory. A crash loses nothing: the collectors
   still have them, and send again what the ledger does not show as applied.
2. One Lua script looks each batch up in the ledger. If any is there already, or
   its collector was fenced, or something else stands against it, the script
   writes nothing and says so; the group is mended and tried anew from 1.
3. The same script adds the totals, marks the batches and deletes their
   payloads. Redis runs it whole or not at all.
4. The answer comes back. If it is lost, the group is tried again and step 2
   finds every batch known.

Only after that are the announcements acknowledged to the broker.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import msgpack

from mailtally_aggregator.merge import SumOverflowError, merge
from mailtally_aggregator.request import (
    Batch,
    Caps,
    Mends,
    batch_entry,
    day_entries,
    heartbeat_entry,
)
from mailtally_aggregator.scripts import declared_keys, source, state_emptied
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.header import Heartbeat
    from mailtally_shared.state.keys import StateKeys


@dataclass(slots=True)
class Outcome:
    """What became of each batch of a group."""

    applied: list[Batch] = field(default_factory=list)
    known: list[Batch] = field(default_factory=list)
    fenced: list[Batch] = field(default_factory=list)
    overflowing: list[Batch] = field(default_factory=list)
    crowding: list[Batch] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take another outcome's batches in."""
        self.applied += other.applied
        self.known += other.known
        self.fenced += other.fenced
        self.overflowing += other.overflowing
        self.crowding += other.crowding


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
    ) -> None:
        self._keys = keys
        self._calendar = calendar
        self._caps = caps or Caps()
        self.charged_name = charged_name
        self._closed_before = ""
        self._script = state.register_script(source("ledger.lua", "sums.lua", "commit.lua"))

    def apply(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], now: float
    ) -> Outcome:
        """Apply what can be applied of a group; each batch ends in one list of the outcome.

        Raises:
            Unavailable: the state did not answer; it is unknown whether the group was
                applied, and safe to try it again.
            Refused: the state was emptied.
        """
        outcome = Outcome()
        remaining, mends = list(batches), Mends(closed_before=self._closed_before)
        while remaining or heartbeats:
            verdict = self._try(remaining, heartbeats, mends, now)
            match verdict["verdict"]:
                case "applied":
                    outcome.applied += remaining
                    break
                case "refused":
                    remaining = _sort_out(remaining, verdict["batches"], outcome)
                case "overflow" | "days" as trouble:
                    outcome.add(self._one_by_one(remaining, trouble, now))
                    remaining = []
                case "empty":
                    raise state_emptied()
                case _:
                    self._mend(mends, verdict)
        return outcome

    def _try(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], mends: Mends, now: float
    ) -> dict[str, Any]:
        try:
            declared, packed = self._request(batches, heartbeats, mends, now)
        except SumOverflowError:
            return {"verdict": "overflow"}
        with unavailable_errors():
            answer = self._script(keys=declared, args=[packed])
        verdict: dict[str, Any] = json.loads(answer)
        return verdict

    def _request(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], mends: Mends, now: float
    ) -> tuple[list[str], bytes]:
        """The script's keys and its argument: what they are made of may be large, and is let go."""
        keys = self._keys
        columns = [batch.columns for batch in batches]
        increments = merge(columns, self._calendar, self.charged_name)
        request = {
            "format": keys.format,
            "closed_key": keys.closed_before,
            "closed_before": mends.closed_before,
            "now": str(int(now)),
            "max_days": self._caps.days,
            "batches": [batch_entry(keys, batch) for batch in batches],
            "heartbeats": [heartbeat_entry(keys, heartbeat) for heartbeat in heartbeats],
            "days": day_entries(keys, increments, mends, self._caps),
        }
        # Redis's cmsgpack knows text only, which may hold any bytes.
        return declared_keys(request, keys.tag), msgpack.packb(request, use_bin_type=False)

    def _one_by_one(self, batches: Sequence[Batch], trouble: str, now: float) -> Outcome:
        """A group that overflows somewhere: only the batches that do are set aside."""
        if len(batches) == 1:
            alone = list(batches)
            return Outcome(overflowing=alone) if trouble == "overflow" else Outcome(crowding=alone)
        outcome = Outcome()
        for batch in batches:
            outcome.add(self.apply([batch], [], now))
        return outcome

    def _mend(self, mends: Mends, verdict: dict[str, Any]) -> None:
        if verdict["verdict"] == "closed":
            self._closed_before = mends.closed_before = verdict["before"]
            return
        day = date.fromisoformat(verdict["day"])
        if verdict["verdict"] == "which-names":
            mends.list_names.add(day)
        elif verdict["verdict"] == "names":
            mends.names.setdefault(day, set()).update(verdict["refused"])
        elif verdict["verdict"] == "statuses":
            mends.statuses.setdefault(day, set()).update(verdict["refused"])
        else:
            raise AssertionError(f"commit.lua gave an unknown verdict: {verdict}")


def _sort_out(batches: list[Batch], reasons: dict[str, str], outcome: Outcome) -> list[Batch]:
    """Move the refused batches into the outcome; what is left may be tried again."""
    for index, reason in reasons.items():
        (outcome.known if reason == "known" else outcome.fenced).append(batches[int(index)])
    return [batch for index, batch in enumerate(batches) if str(index) not in reasons]
