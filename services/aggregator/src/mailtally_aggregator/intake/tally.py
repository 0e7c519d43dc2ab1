"""The work of an aggregator since its start, in numbers. Pure."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_aggregator import catalogue as of
from mailtally_shared.runtime.metrics.metric import Durations, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.commit.batch import Outcome


@dataclass(slots=True)
class Tally:
    """Sums over all groups of batches. Any thread may read; each but ``bad`` has one that adds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: Counter[tuple[str, str]] = field(default_factory=Counter)
    commits: Durations = field(default_factory=Durations)
    records: int = 0
    payload_bytes: int = 0
    heartbeats: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_bad(self, reason: str, became: str) -> None:
        """Count a bad batch or message; from any thread."""
        with self._lock:
            self.bad[reason, became] += 1

    def committed(self, outcome: Outcome, seconds: float) -> None:
        """Add the outcome of a group of batches, and the duration of its commit."""
        self.outcomes["applied"] += len(outcome.applied)
        self.outcomes["known"] += len(outcome.known)
        self.outcomes["different"] += len(outcome.different)
        self.outcomes["fenced"] += len(outcome.fenced)
        self.outcomes["outdated"] += len(outcome.outdated)
        self.outcomes["overflowing"] += len(outcome.overflowing)
        self.outcomes["crowding"] += len(outcome.crowding)
        self.outcomes["too-far-ahead"] += len(outcome.too_far_ahead)
        self.outcomes["too-many-hosts"] += len(outcome.naming)
        self.records += sum(batch.header.records for batch in outcome.applied)
        self.payload_bytes += sum(batch.header.payload_bytes for batch in outcome.applied)
        self.commits.add(seconds)

    def samples(self) -> Iterator[Sample]:
        """Yield the metrics."""
        # Copied in one step, because another thread may be adding.
        for outcome, count in dict(self.outcomes).items():
            yield of.BATCHES.at(count, outcome)
        for (reason, became), count in dict(self.bad).items():
            yield of.BAD.at(count, reason, became)
        yield of.RECORDS.at(self.records)
        yield of.PAYLOAD_BYTES.at(self.payload_bytes)
        yield of.HEARTBEATS.at(self.heartbeats)
        yield of.COMMIT.at(self.commits)
