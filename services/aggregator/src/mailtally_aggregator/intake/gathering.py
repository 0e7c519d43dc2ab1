"""The gathering half of the intake: announcements → payloads → rows → a merged group.

While one group is being committed, the next one is received, decoded and merged.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.intake.group import Announcement, Group
from mailtally_aggregator.intake.receive import LOOK
from mailtally_shared.errors import BadBatch
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.commit.batch import open_batch
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_aggregator.intake.bad_batches import BadBatches
    from mailtally_aggregator.intake.handover import Handover
    from mailtally_aggregator.intake.receive import Receiver
    from mailtally_aggregator.policies import GroupLimits
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.hosted_lists import HostedFile
    from mailtally_shared.state.keys import StateKeys

#: Seconds between two looks for whether the commit in progress has ended, while a group waits.
_LOOK_AGAIN = 0.02


@dataclass(slots=True)
class _Received:
    """A message in hand, what it says, and the payload: empty if there is none."""

    message: Any
    announcement: Announcement
    payload: bytes | None  # None: not fetched


class Gathering:
    """Takes messages from the queue and hands them over in groups; ``turn`` is one round."""

    def __init__(
        self,
        *,
        receiver: Receiver,
        state: State,
        keys: StateKeys,
        committer: Committer,
        bad: BadBatches,
        hosted: HostedFile,
        limits: GroupLimits,
        handover: Handover,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._receiver = receiver
        self._state = state
        self._keys = keys
        self._committer = committer
        self._bad = bad
        self._hosted = hosted
        self._limits = limits
        self._handover = handover
        self._steady = steady
        self._group = Group()
        self._in_hand: deque[_Received] = deque()

    def turn(self, now: float) -> int:
        """Take some messages from the queue, and hand the group over if it is due.

        Returns:
            The number of messages taken; 0 when the queue was empty, or the group is full.

        Raises:
            Unavailable: nothing is lost; ``reset`` and try again later.
            Refused: the aggregator must stop.
        """
        self._acknowledge(self._handover.finished())
        taken = self._receive(now)
        self._fill(now)
        if self._is_due():
            self._hand_over(now, LOOK)
        return taken

    def last(self, now: float) -> None:
        """Hand over what is gathered, if no group is being committed; else it is sent again."""
        if self._group.batches:
            self._hand_over(now, 0.0)

    def reset(self) -> None:
        """Reconnect to broker and state, after ``Unavailable``; what is gathered comes again."""
        self._state.connection_pool.disconnect()
        self._receiver.reset()
        self._group = Group()
        self._in_hand.clear()

    def _receive(self, now: float) -> int:
        """Take messages from the queue, unless some are in hand that wait for the next group."""
        if self._in_hand or self._group.is_merged:
            return 0
        room = max(1, self._limits.batches - len(self._group.batches))
        received = self._receiver.collect(lambda count: count >= room, self._patience())
        if received.messages:
            crash_point(CrashAt.RECEIVED)
        for message, body in zip(received.messages, received.bodies(), strict=True):
            try:
                announcement = read_announcement(body, self._keys)
            except BadBatch as error:
                self._bad.message(body, error, now)
                self._group.note(message, None, self._steady())
                continue
            payload = None if isinstance(announcement, BatchHeader) else b""
            self._in_hand.append(_Received(message, announcement, payload))
        return len(received.messages)

    def _patience(self) -> float:
        """Return the seconds to wait for a message."""
        if not self._group.messages:
            return LOOK
        if not self._handover.is_idle:
            return _LOOK_AGAIN
        return self._group.waits(self._steady(), self._handover.last, self._limits)

    def _fill(self, now: float) -> None:
        """Add what is in hand to the group, in order, as far as there is room."""
        while self._in_hand and self._has_room():
            if self._in_hand[0].payload is None:
                self._fetch()
            received = self._in_hand.popleft()
            header, payload = received.announcement, received.payload
            is_new = self._group.note(received.message, header, self._steady())
            # A missing payload was applied already, or is lost: the collector learns from the
            # ledger which, and sends it again if necessary.
            if is_new and payload and isinstance(header, BatchHeader):
                self._decode(header, payload, now)

    def _has_room(self) -> bool:
        return self._group.has_room_for(self._in_hand[0].announcement, self._limits)

    def _fetch(self) -> None:
        """Fetch the payloads of what is in hand, from the first on: all of them, usually."""
        fetched: list[_Received] = []
        size = 0
        pipeline = self._state.pipeline(transaction=False)
        for received in self._in_hand:
            header = received.announcement
            if isinstance(header, BatchHeader):
                # No more than was announced, whatever the key holds.
                announced = min(header.payload_bytes, self._limits.max_payload)
                size += announced
                if fetched and size > self._limits.max_payload:
                    break
                pipeline.getrange(header.payload_key, 0, max(announced, 1) - 1)
                fetched.append(received)
        with unavailable_errors():
            found = cast("list[bytes]", pipeline.execute())
        for received, payload in zip(fetched, found, strict=True):
            received.payload = payload

    def _decode(self, header: BatchHeader, payload: bytes, now: float) -> None:
        try:
            batch = open_batch(header, payload, self._committer.calendar, self._limits.max_payload)
        except BadBatch as error:
            self._bad.unreadable(header, payload, error, now)
        else:
            self._group.add(batch)

    def _is_due(self) -> bool:
        """Return whether the group is full, or has waited long enough for a commit to end."""
        if not self._group.messages:
            return False
        if self._in_hand or self._group.is_merged or self._group.is_full(self._limits):
            return True
        waits = self._group.waits(self._steady(), self._handover.last, self._limits)
        return self._handover.is_idle and not waits

    def _hand_over(self, now: float, patience: float) -> None:
        """Merge the group, and hand it over as soon as the one before it is committed."""
        group = self._group
        if not group.batches and not group.heartbeats:
            self._group = Group()
            self._acknowledge(group.messages)
            return
        if group.batches and not group.is_merged:
            hosted = self._hosted.current()
            self._committer.charged_name = hosted.charged_name if hosted else str
            group.days = self._committer.merged(group.batches, now)
            crash_point(CrashAt.MERGED)
        group.is_merged = True
        if self._handover.offer(group, patience):
            self._group = Group()

    def _acknowledge(self, messages: list[Any]) -> None:
        if messages:
            self._receiver.acknowledge(messages)
            crash_point(CrashAt.ACKNOWLEDGED)


def read_announcement(body: bytes, keys: StateKeys) -> Announcement:
    """Parse a message of the queue.

    Raises:
        BadBatch: it is not an announcement, or names a key of the state that is not its
            payload's: that key would be read, quarantined and deleted in its place.
    """
    message = parse_announcement(body)
    if isinstance(message, BatchHeader):
        own = keys.payload(message.collector_id, message.seq, message.checksum)
        if message.payload_key != own:
            raise BadBatch("foreign-key", "The announcement names a key that is not its own.")
    return message
