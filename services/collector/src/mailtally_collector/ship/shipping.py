"""Ship spooled batches until the ledger shows them as applied.

The path of a batch from the spool, and the cost of a crash after each step:

1. It is read from the spool. Cost: none.
2. Its payload is stored in Redis, then its announcement is queued. Cost: none; it is sent again,
   and the ledger drops what it has.
3. The ledger shows it as applied, and the spool notes that. It is kept for some time: a Redis that
   fails over to an older copy shows fewer batches as applied, and those are sent again.
4. After that time it is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mailtally_collector.crash_at import CrashAt
from mailtally_collector.ship.ledger import Displaced
from mailtally_collector.ship.reconcile import Reconciliation
from mailtally_collector.ship.same_batch import other_batches
from mailtally_shared.errors import Fenced
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.wire.announcement import CLOCK_TOLERANCE, BatchHeader, Heartbeat
from mailtally_shared.wire.status import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.ship.ledger import Applied, Ledger, Registration
    from mailtally_collector.ship.publish import Publisher
    from mailtally_collector.ship.window import Window
    from mailtally_collector.spool.pending import Pending
    from mailtally_collector.spool.spool import Spool


@dataclass(frozen=True, slots=True)
class ShipLimits:
    """The limits of shipping; times in seconds, sizes in bytes.

    Attributes:
        window: most batches in flight.
        queue: messages in the queue, of all collectors, at which sending pauses.
        group: most batches sent at once.
        look: time between two reads of the ledger while batches are in flight …
        idle_look: … and while none are.
        heartbeat: time between two heartbeats of an idle collector. They come at multiples of it,
            those of all hosts together, so that they share one write of Redis to its disk.
        keep_applied: retention of applied batches …
        keep_bytes: … and their maximum size.
        remember_hours: retention of which hours a batch touched.
    """

    window: int = 64
    queue: int = 1000
    group: int = 8
    look: float = 0.02
    idle_look: float = 2.0
    heartbeat: float = 30.0
    keep_applied: float = 3600.0
    keep_bytes: int = 2**30
    remember_hours: float = 35 * 86_400.0


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far the logs are read: once batch ``after_seq`` is applied, up to ``watermark``.

    One value, so that the two always belong together. ``at_end``: the input has ended, and this is
    final.
    """

    after_seq: int
    watermark: int
    at_end: bool = False


class _Claim(NamedTuple):
    """The watermark and the clocks that it rests on; fields of an announcement."""

    watermark: int
    clock: int
    state_clock: int


class Shipper:
    """The sender of one collector's batches; ``turn`` is one round."""

    def __init__(
        self,
        *,
        spool: Spool,
        ledger: Ledger,
        publisher: Publisher,
        window: Window,
        registration: Registration,
        renew: Callable[[], Registration],
        read_up_to: Callable[[], ReadUpTo],
        limits: ShipLimits,
        stated: Callable[[float], float],
        status: Callable[[], str] = str,
    ) -> None:
        self._spool = spool
        self._ledger = ledger
        self._reconciliation = Reconciliation(spool, ledger, registration)
        self._publisher = publisher
        self._window = window
        self._registration = registration
        self._renew = renew
        self._read_up_to = read_up_to
        self._limits = limits
        self._stated = stated
        self._status = status
        #: Whether the input has ended and the ledger has the final watermark and status.
        self.end_is_known = False
        self._noted: Applied | None = None
        self._alive: float | None = None  # the interval of the last sign of life
        self._beaten: float | None = None  # the interval of the last heartbeat
        self._pruned_at = float("-inf")

    def turn(self, now: float) -> float:
        """Send what is due, and note what is applied; ``now`` is steady time.

        Returns:
            Seconds that may pass before the next turn, unless something is spooled.

        Raises:
            Unavailable: call ``reset``, back off, try again.
            Fenced: the host name belongs to another collector.
        """
        try:
            applied = self._ledger.applied(self._registration)
        except Displaced:
            self._register_again()
            return 0.0
        self._show_life(now)
        self._note(applied, now)
        pending = self._spool.pending(applied.hwm, self._limits.window)
        due = self._window.to_send([p.seq for p in pending], applied, now)
        if due and not self._has_room():
            due = []
        chosen = [p for p in pending if p.seq in set(due[: self._limits.group])]
        if chosen:
            self._send(chosen, applied, now)
        self._beat(applied, now)
        read = self._read_up_to()
        claim = self._claim(read.watermark, applied, now)
        is_last = read.at_end and applied.watermark >= claim.watermark
        self.end_is_known = is_last and not self._news(applied)
        if len(due) > len(chosen):
            return 0.0
        return self._limits.look if pending else self._idle_pause(now)

    @property
    def resent(self) -> int:
        """Return the batches sent again since the start; safe to call from another thread."""
        return self._window.resent

    def reset(self) -> None:
        """Reset the connection to the broker, after ``Unavailable``."""
        self._publisher.reset()

    def _has_room(self) -> bool:
        """Return whether the queue is short enough, as a long one fills the broker's memory."""
        return self._publisher.waiting() < self._limits.queue

    def _send(self, chosen: list[Pending], applied: Applied, now: float) -> None:
        parts = []
        for batch in chosen:
            header = self._announced(batch, applied, now)
            parts.append((header.to_bytes(), header.payload_key, batch.payload))
        self._publisher.batches(parts)
        for batch in chosen:
            self._window.sent(batch.seq, now)

    def _announced(self, batch: Pending, applied: Applied, now: float) -> BatchHeader:
        """Return a spooled batch's header with the present start's identity and clocks."""
        who = self._registration
        header = BatchHeader.model_validate_json(batch.header)
        # A watermark of an earlier process whose clock was ahead says nothing.
        is_known = header.watermark <= now or header.watermark == END_OF_TIME
        claim = self._claim(header.watermark if is_known else 0, applied, now)
        speaker = {"epoch": who.epoch, "nonce": who.nonce}
        return header.model_copy(update=claim._asdict() | speaker)

    def _claim(self, watermark: int, applied: Applied, now: float) -> _Claim:
        """Convert a watermark from steady time to the clocks' time.

        The earlier of the two clocks counts: so neither a machine's clock nor one of Redis that is
        ahead makes a collector claim to have read a day that it has not.
        """
        clock = self._stated(now)
        if 0 < watermark < END_OF_TIME:
            watermark = max(0, int(min(clock, applied.state_clock) - (now - watermark)))
        return _Claim(watermark, int(clock), int(applied.state_clock))

    def _register_again(self) -> None:
        """Register again if the state went back; raise ``Fenced`` if another one took over."""
        self._registration = self._renew()
        self._window.forget()  # what is in flight for the former start is refused

    def _note(self, applied: Applied, now: float) -> None:
        if applied != self._noted:
            self._check_own(applied)
        if self._reconciliation.note(applied):
            self._window.forget()
        self._window.settle(applied)
        if applied != self._noted and self._spool.mark_applied(applied.hwm, applied.ahead, now):
            crash_point(CrashAt.APPLIED_NOTED)
        self._noted = applied
        if _is_over(self._limits.idle_look, self._pruned_at, now):
            limits = self._limits
            self._spool.prune(applied.hwm, now, limits.keep_applied, limits.keep_bytes)
            self._spool.forget_touched(now - limits.remember_hours)
            self._reconciliation.remember(applied)
            self._pruned_at = now

    def _check_own(self, applied: Applied) -> None:
        """Raise ``Fenced`` if the ledger has batches that this directory never made."""
        newest, last = applied.newest, self._spool.next_seq - 1
        collector_id = self._registration.collector_id
        others = other_batches(self._spool, self._ledger, collector_id, applied)
        if newest > last or others:
            raise Fenced(
                f"The ledger has batch {min(others, default=newest)} of this collector, which this "
                "state directory never made: the machine was set back to an earlier state, or a "
                "copy of the directory is in use. Start the collector again: it takes over at the "
                "positions in the ledger, unless the other one is still running."
            )

    def _show_life(self, now: float) -> None:
        """Write a sign of life once a heartbeat, at the same moment as all hosts."""
        interval = now // self._limits.heartbeat
        if interval != self._alive:
            self._ledger.show_life(self._registration)
            self._alive = interval

    def _idle_pause(self, now: float) -> float:
        """Return the seconds to the next read of the ledger or, if sooner, heartbeat."""
        every = self._limits.heartbeat
        return min(self._limits.idle_look, every - now % every)

    def _beat(self, applied: Applied, now: float) -> None:
        """Announce the watermark, once it is covered by applied batches, and a new status."""
        read = self._read_up_to()
        interval = now // self._limits.heartbeat
        if interval == self._beaten and not read.at_end:
            return
        claim = self._claim(read.watermark, applied, now)
        is_ahead = read.after_seq <= applied.hwm and claim.watermark > applied.watermark
        status = self._news(applied)
        # A wrong clock holds the watermark back; it is reported for as long as it is wrong.
        is_off = abs(claim.clock - claim.state_clock) > CLOCK_TOLERANCE and not read.at_end
        if not (is_ahead or is_off or status) or not self._has_room():
            return
        registration = self._registration
        self._publisher.heartbeat(
            Heartbeat(
                collector_id=registration.collector_id,
                epoch=registration.epoch,
                nonce=registration.nonce,
                host=registration.host,
                after_seq=read.after_seq,
                watermark=claim.watermark,
                clock=claim.clock,
                state_clock=claim.state_clock,
                status=status or None,
            )
        )
        self._beaten = interval

    def _news(self, applied: Applied) -> str:
        """Return the status document if the ledger has another one, else an empty text."""
        status = self._status()
        return "" if digest_of(status) == applied.status else status


def _is_over(pause: float, since: float, now: float) -> bool:
    """Return whether a pause is over."""
    return now - since >= pause
