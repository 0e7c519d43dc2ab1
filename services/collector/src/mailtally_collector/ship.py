"""Ship spooled batches until the ledger says that they are applied.

A batch's way from the spool, and what a crash costs after each step:

1. It is read from the spool: nothing.
2. Its payload is put into the state, then its announcement into the queue:
   nothing; it is sent again, and the ledger drops what it has.
3. The ledger shows it as applied, and the spool notes that. It is kept for a
   while longer: a state that fails over to an older copy shows fewer batches
   as applied, and those are sent again.
4. After that while it is deleted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_collector.crash_at import CrashAt
from mailtally_shared.errors import Refused
from mailtally_shared.header import BatchHeader, Heartbeat
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.ledger import Applied, Ledger, Registration
    from mailtally_collector.publish import Publisher
    from mailtally_collector.spool import Pending, Spool
    from mailtally_collector.window import Window

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShipLimits:
    """How the shipper paces itself; times in seconds, sizes in bytes.

    Attributes:
        window: batches under way at once.
        queue: messages in the queue, of all collectors, from which on none is added.
        group: batches sent in one go.
        look: between two looks at the ledger while something is under way …
        idle_look: … and while nothing is.
        heartbeat: between two heartbeats of an idle collector. They come at the multiples
            of it, those of all hosts together: so they share what Redis writes to its disk.
        keep_applied: applied batches are kept so long …
        keep_bytes: … and this much of them.
    """

    window: int = 64
    queue: int = 1000
    group: int = 8
    look: float = 0.02
    idle_look: float = 2.0
    heartbeat: float = 30.0
    keep_applied: float = 3600.0
    keep_bytes: int = 2**30


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far the logs are read: once batch ``after_seq`` is applied, up to ``watermark``.

    One value, so that the two always fit each other. ``at_end`` says that the
    input has ended: this is the last word.
    """

    after_seq: int
    watermark: int
    at_end: bool = False


class Shipper:
    """Sends one collector's batches; ``turn`` is its loop's body."""

    def __init__(
        self,
        *,
        spool: Spool,
        ledger: Ledger,
        publisher: Publisher,
        window: Window,
        registration: Registration,
        read_up_to: Callable[[], ReadUpTo],
        limits: ShipLimits,
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._publisher = publisher
        self._window = window
        self._registration = registration
        self._read_up_to = read_up_to
        self._limits = limits
        #: The watermark that the ledger had at the last turn.
        self.watermark_told = 0
        self._noted: Applied | None = None
        self._beaten: float | None = None  # the interval of the last heartbeat
        self._pruned_at = 0.0

    def turn(self, now: float) -> float:
        """Send what is due and take note of what was applied.

        Returns:
            Seconds that may pass before the next turn, unless something is spooled.

        Raises:
            Unavailable: call ``reset``, back off, try again.
            Fenced: the host name belongs to another collector.
            Refused: the cluster lost more than this collector still has.
        """
        applied = self._ledger.applied(self._registration)
        self._note(applied, now)
        pending = self._spool.pending(applied.hwm, self._limits.window)
        due = self._window.to_send([p.seq for p in pending], applied, now)
        if due and not self._has_room():
            due = []
        chosen = [p for p in pending if p.seq in set(due[: self._limits.group])]
        if chosen:
            self._send(chosen, now)
        elif not pending:
            self._beat(applied, now)
        self.watermark_told = applied.watermark
        if len(due) > len(chosen):
            return 0.0
        return self._limits.look if pending else self._idle_pause(now)

    @property
    def resent(self) -> int:
        """How many batches were sent again since the start; safe to ask from another thread."""
        return self._window.resent

    def reset(self) -> None:
        """After ``Unavailable``: begin anew with the broker."""
        self._publisher.reset()

    def _has_room(self) -> bool:
        """Whether the queue is emptied: if nobody does, its broker's memory comes to an end."""
        return self._publisher.waiting() < self._limits.queue

    def _send(self, chosen: list[Pending], now: float) -> None:
        parts = []
        for batch in chosen:
            announcement = batch.header
            header = BatchHeader.model_validate_json(announcement)
            parts.append((announcement.encode(), header.payload_key, batch.payload))
        self._publisher.batches(parts)
        for batch in chosen:
            self._window.sent(batch.seq, now)

    def _note(self, applied: Applied, now: float) -> None:
        if self._noted is None or not applied.covers(self._noted):
            self._reconcile(applied)
        self._window.settle(applied)
        if applied != self._noted and self._spool.mark_applied(applied.hwm, applied.ahead, now):
            crash_point(CrashAt.APPLIED_NOTED)
        self._noted = applied
        if _is_over(self._limits.idle_look, self._pruned_at, now):
            limits = self._limits
            self._spool.prune(applied.hwm, now, limits.keep_applied, limits.keep_bytes)
            self._pruned_at = now

    def _reconcile(self, applied: Applied) -> None:
        """Believe the ledger: what it does not have is to be sent, whatever the spool noted."""
        back, missing = self._spool.revive(applied.hwm, applied.ahead)
        if missing:
            raise Refused(
                f"The ledger in Redis went back to batch {applied.hwm}, and {missing} batches "
                "after it are no longer in the spool. Restore a newer copy of Redis, or rebuild "
                "the days concerned from their logs; then raise spool.keep_applied."
            )
        self._window.forget()
        if back:
            event(
                _log,
                logging.WARNING,
                "ledger-went-back",
                f"The ledger went back to batch {applied.hwm}; sending {back} batches again.",
                hwm=applied.hwm,
                batches=back,
            )

    def _idle_pause(self, now: float) -> float:
        """Until the next look, or the moment of the next heartbeat where that comes first."""
        every = self._limits.heartbeat
        return min(self._limits.idle_look, every - now % every)

    def _beat(self, applied: Applied, now: float) -> None:
        """Tell how far everything is read, once all of it is applied, where that is news."""
        read = self._read_up_to()
        interval = now // self._limits.heartbeat
        if read.after_seq > applied.hwm or read.watermark <= applied.watermark:
            return
        # A clock that was set back begins another interval, too.
        if interval == self._beaten and not read.at_end:
            return
        if not self._has_room():
            return
        registration = self._registration
        self._publisher.heartbeat(
            Heartbeat(
                collector_id=registration.collector_id,
                epoch=registration.epoch,
                host=registration.host,
                after_seq=read.after_seq,
                watermark=read.watermark,
            )
        )
        self._beaten = interval


def _is_over(pause: float, since: float, now: float) -> bool:
    """Whether a pause is over; a clock that was set back ends it too."""
    return not 0 <= now - since < pause
