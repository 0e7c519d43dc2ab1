"""The send window: which batches to send now, new ones and lost ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from mailtally_collector.ship.ledger import Applied


@dataclass(frozen=True, slots=True)
class Patience:
    """When to send a batch again; in seconds.

    Attributes:
        overtaken: time after which a batch is lost if later ones are applied. (Before that,
            another aggregator may still be working on it.)
        first: otherwise, the time without progress after which it is sent again, doubled …
        longest: … each further time up to this, with jitter.
    """

    overtaken: float = 1.0
    first: float = 5.0
    longest: float = 60.0


@dataclass(slots=True)
class _Sent:
    at: float
    times: int
    due: float
    overtaken: float | None = None  # since when later ones are applied


class Window:
    """The batches that were sent and are not applied yet."""

    def __init__(self, patience: Patience, rng: random.Random) -> None:
        self._patience = patience
        self._rng = rng
        self._sent: dict[int, _Sent] = {}
        self._seen: Applied | None = None
        self._moved = float("-inf")  # when that changed
        self.resent = 0

    def to_send(self, pending: Iterable[int], applied: Applied, now: float) -> list[int]:
        """Return the numbers among ``pending`` (not applied, ascending) to send now."""
        if self._seen is not None and applied != self._seen:
            self._moved = now
        self._seen = applied
        newest = max(applied.ahead, default=applied.hwm)
        return [seq for seq in pending if self._is_due(seq, newest, now)]

    def sent(self, seq: int, now: float) -> None:
        """Note that a batch was sent to the broker."""
        before = self._sent.get(seq)
        times = before.times if before else 0
        self.resent += 1 if before else 0
        longest = min(self._patience.longest, self._patience.first * 2.0 ** min(times, 30))
        pause = longest * self._rng.uniform(0.5, 1.0) if times else longest
        self._sent[seq] = _Sent(now, times + 1, now + pause)

    def settle(self, applied: Applied) -> None:
        """Drop the batches that are applied."""
        for seq in [s for s in self._sent if s <= applied.hwm or s in applied.ahead]:
            del self._sent[seq]

    def forget(self) -> None:
        """Send every unapplied batch again, because the state has lost something."""
        self._sent.clear()

    def _is_due(self, seq: int, newest_applied: int, now: float) -> bool:
        sent = self._sent.get(seq)
        if sent is None or now < sent.at:  # new, or the clock was set back: ``due`` means nothing
            return True
        if seq < newest_applied:
            return self._is_lost(sent, now)
        # While others are applied, it is waiting in the queue.
        return now >= sent.due + max(0.0, min(self._moved, now) - sent.at)

    def _is_lost(self, sent: _Sent, now: float) -> bool:
        """Return whether a batch has been overtaken for long enough."""
        if sent.overtaken is None or now < sent.overtaken:
            sent.overtaken = now
        return now - sent.overtaken >= self._patience.overtaken * sent.times
