"""The steps of a group: announcements → payloads → records → commit → acknowledgement."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.intake.outcome_log import log_outcome
from mailtally_aggregator.intake.tally import Tally
from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch, BadInput
from mailtally_shared.runtime.crash_points import crash_point
from mailtally_shared.runtime.logs import event
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.commit.batch import Batch, open_batch
from mailtally_shared.state.uncounted.quarantine import SOUND_SHARE
from mailtally_shared.wire.announcement import BatchHeader, Heartbeat, parse_announcement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_aggregator.intake.receive import Receiver
    from mailtally_aggregator.policies import GroupLimits
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.hosted_lists import HostedFile
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.quarantine import Quarantine

_log = logging.getLogger(__name__)
#: A turn with this many records works off a backlog, and the next turn waits this many seconds for
#: more batches: a commit costs by distinct keys, of which larger groups have fewer per record.
_BUSY, _LINGER = 200_000, 0.2
#: The outcome of a batch that its collector is left to send again.
_AGAIN = "again"


@dataclass(slots=True)
class Announced:
    """The announcements among some messages; bad ones are already in quarantine."""

    headers: list[BatchHeader] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)


class Intake:
    """Takes messages from the queue and commits them."""

    def __init__(
        self,
        *,
        receiver: Receiver,
        state: State,
        keys: StateKeys,
        committer: Committer,
        quarantine: Quarantine,
        hosted: HostedFile,
        limits: GroupLimits,
        tally: Tally | None = None,
    ) -> None:
        self._receiver = receiver
        self._state = state
        self._keys = keys
        self._committer = committer
        self._quarantine = quarantine
        self._hosted = hosted
        self._limits = limits
        self._tally = tally or Tally()
        self._is_busy = False

    def turn(self, now: float) -> int:
        """Process some messages from the queue up to their acknowledgement.

        Returns:
            The number of messages taken; 0 when the queue was empty.

        Raises:
            Unavailable: nothing is lost; ``reset`` and try again later.
            Refused: the aggregator must stop.
        """
        received = self._receiver.collect(
            lambda count: count >= self._limits.batches, _LINGER if self._is_busy else 0.0
        )
        if not received.messages:
            return 0
        crash_point(CrashAt.RECEIVED)
        announced = self._read(received.bodies(), now)
        headers = list({_name(header): header for header in announced.headers}.values())
        self._is_busy = sum(header.records for header in headers) >= _BUSY
        hosted = self._hosted.current()
        self._committer.charged_name = hosted.charged_name if hosted else str
        for group in groups(headers, self._limits):
            self._count(group, now)
        self._commit([], announced.heartbeats, now)
        self._tally.heartbeats += len(announced.heartbeats)
        crash_point(CrashAt.COMMITTED)
        self._receiver.acknowledge(received)
        crash_point(CrashAt.ACKNOWLEDGED)
        return len(received.messages)

    def reset(self) -> None:
        """Reconnect to broker and state, after ``Unavailable``."""
        self._state.connection_pool.disconnect()
        self._receiver.reset()

    def _read(self, bodies: Iterable[bytes], now: float) -> Announced:
        announced = Announced()
        for body in bodies:
            try:
                message = read_announcement(body, self._keys)
            except BadBatch as error:
                self._quarantine_message(body, error, now)
                continue
            if isinstance(message, BatchHeader):
                announced.headers.append(message)
            else:
                announced.heartbeats.append(message)
        return announced

    def _count(self, group: list[BatchHeader], now: float) -> None:
        """Commit a group, in several parts where it has more distinct names than the limit."""
        batches: list[Batch] = []
        names = _Names()
        for batch in self._fetch(group, now):
            names.add(batch)
            if batches and names.count() > self._limits.names:
                self._commit(batches, [], now)
                batches, names = [], _Names()
                names.add(batch)
            batches.append(batch)
        self._commit(batches, [], now)

    def _fetch(self, headers: list[BatchHeader], now: float) -> Iterator[Batch]:
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=False)
            for header in headers:
                # No more than was announced, whatever the key holds.
                announced = min(header.payload_bytes, self._limits.max_payload)
                pipeline.getrange(header.payload_key, 0, max(announced, 1) - 1)
            found: list[bytes] = pipeline.execute()
        for header, payload in zip(headers, found, strict=True):
            # A missing payload was applied already, or is lost: the collector learns from the
            # ledger which, and sends it again if necessary.
            if payload:
                yield from self._decode(header, payload, now)

    def _decode(self, header: BatchHeader, payload: bytes, now: float) -> list[Batch]:
        try:
            return [open_batch(header, payload, self._committer.calendar, self._limits.max_payload)]
        except BadBatch as error:
            became = _AGAIN
            if error.reason != UNKNOWN_VERSION:
                whole = self._whole(header, payload)
                became = self._quarantine.batch(header, whole, error, now, at_once=False)
            self._report_bad(error, became, host=header.host, seq=header.seq)
            return []

    def _whole(self, header: BatchHeader, payload: bytes) -> bytes:
        """Return the announced payload; one too large to be decoded was fetched only in part."""
        announced = min(header.payload_bytes, self._quarantine.largest)
        if len(payload) >= announced:
            return payload
        with unavailable_errors():
            return cast("bytes", self._state.getrange(header.payload_key, 0, announced - 1))

    def _quarantine_message(self, body: bytes, error: BadBatch, now: float) -> None:
        """Quarantine a message, unless a release that knows its version will take it later."""
        if error.reason == UNKNOWN_VERSION:
            self._report_bad(error, _AGAIN)
            return
        self._report_bad(error, "message")
        self._quarantine.message(body, error, now)

    def _commit(self, batches: list[Batch], heartbeats: list[Heartbeat], now: float) -> None:
        if not batches and not heartbeats:
            return
        if batches:
            crash_point(CrashAt.MERGED)
        began = time.perf_counter()
        outcome = self._committer.apply(batches, heartbeats, now)
        if batches:
            self._tally.committed(outcome, time.perf_counter() - began)
        overflow = BadBatch("overflow", "The batch would raise a day's sum beyond 63 bits.")
        self._quarantine_sound(outcome.overflowing, overflow, now)
        crowd = BadBatch("too-many-days", "The batch would open more days than max_days allows.")
        self._quarantine_sound(outcome.crowding, crowd, now)
        ahead = BadBatch("too-far-ahead", "Its collector has too many records ahead of time.")
        self._quarantine_sound(outcome.too_far_ahead, ahead, now)
        naming = BadBatch("too-many-hosts", "The batch names more hosts than max_hosts allows.")
        self._quarantine_sound(outcome.naming, naming, now)
        self._note_different(outcome.different, now)
        self._forget_payloads([*outcome.known, *outcome.different, *outcome.fenced])
        log_outcome(outcome)

    def _quarantine_sound(self, batches: list[Batch], error: BadBatch, now: float) -> None:
        """Quarantine sound batches that cannot be counted, at once: sending again does not help."""
        for batch in batches:
            with unavailable_errors():
                payload = cast("bytes", self._state.get(batch.header.payload_key) or b"")
            if not payload:  # lost in the meantime: nothing to quarantine, and it is sent again
                self._report_bad(error, _AGAIN, host=batch.header.host, seq=batch.header.seq)
                continue
            became = self._quarantine.batch(
                batch.header, payload, error, now, at_once=True, share=SOUND_SHARE
            )
            self._report_bad(error, became, host=batch.header.host, seq=batch.header.seq)

    def _report_bad(self, error: BadInput, became: str, **fields: object) -> None:
        self._tally.bad[error.reason, became] += 1
        event(
            _log,
            logging.WARNING,
            "bad-batch",
            str(error),
            reason=error.reason,
            became=became,
            **fields,
        )

    def _note_different(self, batches: list[Batch], now: float) -> None:
        """Count them under their collector; their records are in the spool that made them."""
        for batch in batches:
            ledger = self._keys.ledger(batch.header.collector_id)
            with unavailable_errors():
                pipeline = self._state.pipeline(transaction=True)
                pipeline.hincrby(ledger, "different", 1)
                pipeline.hset(ledger, "different_at", int(now))
                pipeline.execute()

    def _forget_payloads(self, batches: list[Batch]) -> None:
        """Delete payloads sent again after they were applied, or too late: nothing else does."""
        if batches:
            with unavailable_errors():
                self._state.unlink(*(batch.header.payload_key for batch in batches))


class _Names:
    """The distinct names of some batches: what Redis pays for, whatever they are the sums of.

    Each collector's names are fields of hashes of its own.
    """

    def __init__(self) -> None:
        self._of_collector: dict[str, set[str]] = {}

    def add(self, batch: Batch) -> None:
        """Add the names of a batch."""
        self._of_collector.setdefault(batch.header.host, set()).update(batch.rows.domains)

    def count(self) -> int:
        """Return the number of names."""
        return sum(map(len, self._of_collector.values()))


def groups(headers: list[BatchHeader], limits: GroupLimits) -> Iterator[list[BatchHeader]]:
    """Yield the batches in groups within the limits, in the same order.

    The numbers in their headers decide: a payload that holds more is refused unread.
    """
    group: list[BatchHeader] = []
    rows = size = 0
    for header in headers:
        rows += header.rows
        size += header.payload_bytes
        full = len(group) >= limits.batches or rows > limits.rows
        if group and (full or size > limits.max_payload):
            yield group
            group, rows, size = [], header.rows, header.payload_bytes
        group.append(header)
    if group:
        yield group


def read_announcement(body: bytes, keys: StateKeys) -> BatchHeader | Heartbeat:
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


def _name(header: BatchHeader) -> tuple[str, int, str, int, str]:
    """Return the fields by which two announcements are the same."""
    return header.collector_id, header.epoch, header.nonce, header.seq, header.checksum
