"""One group's way: announcements → payloads → records → commit → acknowledged."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.crash_at import CrashAt
from mailtally_aggregator.outcome_log import log_outcome
from mailtally_aggregator.quarantine import SOUND_SHARE
from mailtally_aggregator.request import Batch
from mailtally_aggregator.tally import Tally
from mailtally_shared.errors import UNKNOWN_VERSION, BadBatch, BadInput
from mailtally_shared.header import BatchHeader, Heartbeat, parse_announcement
from mailtally_shared.payload import MAX_RAW, MAX_RECORDS, checksum, decode
from mailtally_shared.process.crash_points import crash_point
from mailtally_shared.process.logs import event
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailtally_aggregator.commit import Committer
    from mailtally_aggregator.hosted_file import HostedFile
    from mailtally_aggregator.quarantine import Quarantine
    from mailtally_aggregator.receive import Receiver
    from mailtally_shared.state.keys import StateKeys

_log = logging.getLogger(__name__)
#: From so many records in one turn on a backlog is worked off, and the next turn waits so many
#: seconds for more batches: a commit costs by distinct keys, fewer a record in larger groups.
_BUSY, _LINGER = 200_000, 0.2
#: What became of a batch that its collector is left to send again.
_AGAIN = "again"


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """How much is committed at once. One batch is always taken, whatever its size."""

    batches: int = 32
    records: int = 1_000_000
    names: int = 262_144
    max_payload: int = MAX_RAW


@dataclass(slots=True)
class Announced:
    """What a handful of messages said; bad ones were set aside already."""

    headers: list[BatchHeader] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)


class Intake:
    """Takes what the queue has and sees it committed."""

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
        """Take one handful from the queue through to its acknowledgement.

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
        """After ``Unavailable``: begin anew with broker and state."""
        self._state.connection_pool.disconnect()
        self._receiver.reset()

    def _read(self, bodies: Iterable[bytes], now: float) -> Announced:
        announced = Announced()
        for body in bodies:
            try:
                message = read_announcement(body, self._keys)
            except BadBatch as error:
                self._set_aside(body, error, now)
                continue
            if isinstance(message, BatchHeader):
                announced.headers.append(message)
            else:
                announced.heartbeats.append(message)
        return announced

    def _count(self, group: list[BatchHeader], now: float) -> None:
        """Commit a group, in several parts where it names more than is good for the memory."""
        batches: list[Batch] = []
        names = 0
        for batch in self._fetch(group, now):
            names += len(batch.columns.domains)
            if batches and names > self._limits.names:
                self._commit(batches, [], now)
                batches, names = [], len(batch.columns.domains)
            batches.append(batch)
        self._commit(batches, [], now)

    def _fetch(self, headers: list[BatchHeader], now: float) -> Iterator[Batch]:
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=False)
            for header in headers:
                # No more than was announced, whatever lies there.
                announced = min(header.payload_bytes, self._limits.max_payload)
                pipeline.getrange(header.payload_key, 0, max(announced, 1) - 1)
            found: list[bytes] = pipeline.execute()
        for header, payload in zip(headers, found, strict=True):
            # A payload that is not there was applied already, or is lost: the collector
            # knows from the ledger which, and sends it again if need be.
            if payload:
                yield from self._decode(header, payload, now)

    def _decode(self, header: BatchHeader, payload: bytes, now: float) -> list[Batch]:
        try:
            return [open_batch(header, payload, self._limits.max_payload)]
        except BadBatch as error:
            became = _AGAIN
            if error.reason != UNKNOWN_VERSION:
                whole = self._whole(header, payload)
                became = self._quarantine.batch(header, whole, error, now, at_once=False)
            self._tell_bad(error, became, host=header.host, seq=header.seq)
            return []

    def _whole(self, header: BatchHeader, payload: bytes) -> bytes:
        """The payload as it was announced: what is too large to be read was fetched in part."""
        announced = min(header.payload_bytes, self._quarantine.largest)
        if len(payload) >= announced:
            return payload
        with unavailable_errors():
            return cast("bytes", self._state.getrange(header.payload_key, 0, announced - 1))

    def _set_aside(self, body: bytes, error: BadBatch, now: float) -> None:
        """What another version sent is not bad: it comes again until one that knows it takes it."""
        if error.reason == UNKNOWN_VERSION:
            self._tell_bad(error, _AGAIN)
            return
        self._tell_bad(error, "message")
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
        overflow = BadBatch("overflow", "The batch lifts a day's sum beyond 63 bits.")
        self._keep_aside(outcome.overflowing, overflow, now)
        crowd = BadBatch("too-many-days", "The batch opens more days than max_days allows.")
        self._keep_aside(outcome.crowding, crowd, now)
        ahead = BadBatch("too-far-ahead", "More of its collector lies ahead of time than is held.")
        self._keep_aside(outcome.too_far_ahead, ahead, now)
        naming = BadBatch("too-many-hosts", "The batch names more hosts than max_hosts allows.")
        self._keep_aside(outcome.naming, naming, now)
        self._note_different(outcome.different, now)
        self._forget_payloads([*outcome.known, *outcome.different, *outcome.fenced])
        log_outcome(outcome)

    def _keep_aside(self, batches: list[Batch], error: BadBatch, now: float) -> None:
        """Whole and sound, and not to be counted: at once, as sending again mends nothing."""
        for batch in batches:
            with unavailable_errors():
                payload = cast("bytes", self._state.get(batch.header.payload_key) or b"")
            if not payload:  # lost meanwhile: nothing whole to keep, and it is sent again
                self._tell_bad(error, _AGAIN, host=batch.header.host, seq=batch.header.seq)
                continue
            became = self._quarantine.batch(
                batch.header, payload, error, now, at_once=True, share=SOUND_SHARE
            )
            self._tell_bad(error, became, host=batch.header.host, seq=batch.header.seq)

    def _tell_bad(self, error: BadInput, became: str, **fields: object) -> None:
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
        """Sent again after they were applied, or too late: nobody else will delete them."""
        if batches:
            with unavailable_errors():
                self._state.unlink(*(batch.header.payload_key for batch in batches))


def groups(headers: list[BatchHeader], limits: GroupLimits) -> Iterator[list[BatchHeader]]:
    """The batches in groups that keep to the limits, their order kept.

    By what their headers announce: a payload that holds more is refused unread.
    """
    group: list[BatchHeader] = []
    records = size = 0
    for header in headers:
        records += header.records
        size += header.payload_bytes
        full = len(group) >= limits.batches or records > limits.records
        if group and (full or size > limits.max_payload):
            yield group
            group, records, size = [], header.records, header.payload_bytes
        group.append(header)
    if group:
        yield group


def read_announcement(body: bytes, keys: StateKeys) -> BatchHeader | Heartbeat:
    """Read a message of the queue.

    Raises:
        BadBatch: it is no announcement, or names a key of the state that is not its
            payload's: that key would be read, kept aside and deleted in its place.
    """
    message = parse_announcement(body)
    if isinstance(message, BatchHeader):
        own = keys.payload(message.collector_id, message.seq, message.checksum)
        if message.payload_key != own:
            raise BadBatch("foreign-key", "The announcement names a key that is not its own.")
    return message


def open_batch(header: BatchHeader, payload: bytes, max_payload: int = MAX_RAW) -> Batch:
    """A batch from its two parts.

    Raises:
        BadBatch: the payload is damaged, unreadable, or not the one announced.
    """
    if header.payload_bytes > max_payload:
        raise BadBatch("too-large", f"The payload has {header.payload_bytes} bytes.")
    if checksum(payload) != header.checksum:
        raise BadBatch("bad-checksum", "The payload is not the one that was announced.")
    columns = decode(payload, max_payload, min(header.records, MAX_RECORDS))
    malformed = sum(header.malformed.values())
    if len(columns) != header.records or header.lines != header.records + malformed:
        raise BadBatch("bad-counts", "The payload does not hold what its header counts.")
    return Batch(header, columns)


def _name(header: BatchHeader) -> tuple[str, int, str, int, str]:
    """What makes an announcement the same as another one."""
    return header.collector_id, header.epoch, header.nonce, header.seq, header.checksum
