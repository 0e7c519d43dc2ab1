"""A group: the batches of one commit, and when it is full. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_aggregator.intake.distinct_names import Names
from mailtally_shared.wire.announcement import BatchHeader, Heartbeat

if TYPE_CHECKING:
    from mailtally_aggregator.policies import GroupLimits
    from mailtally_shared.state.commit.batch import Batch

Announcement = BatchHeader | Heartbeat

#: Seconds by which a collector's watermark may be behind its clock while it reads lines as they
#: are logged; both are whole seconds, and a batch waits a moment to be sent.
_LIVE = 2
#: A group of collectors that are behind waits this many times as long as the last commit took: a
#: name is then written once for many batches, and Redis is busy for a third of the time.
_PATIENCE = 2.0


@dataclass(slots=True)
class Group:
    """Batches and heartbeats gathered for one commit, with the messages that announced them.

    Attributes:
        since: steady time of its first message.
        days: what the batches add to each day, once the group is merged; see ``Committer``.
        is_merged: whether it was merged; from then on it takes no more batches.
    """

    since: float = 0.0
    messages: list[Any] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    days: list[dict[str, Any]] | None = None
    is_merged: bool = False
    _names: Names = field(default_factory=Names)
    _known: set[tuple[str, int, str, int, str]] = field(default_factory=set)
    _rows: int = 0
    _bytes: int = 0
    _behind: dict[str, bool] = field(default_factory=dict)

    def note(self, message: object, announcement: Announcement | None, now: float) -> bool:
        """Note a message; return whether it announces a batch that is new to the group."""
        if not self.messages:
            self.since = now
        self.messages.append(message)
        if isinstance(announcement, Heartbeat):
            self.heartbeats.append(announcement)
        if not isinstance(announcement, BatchHeader):
            return False
        self._behind[announcement.collector_id] = is_behind(announcement)
        identity = _identity(announcement)
        is_new = identity not in self._known
        self._known.add(identity)
        return is_new

    def add(self, batch: Batch) -> None:
        """Add a decoded batch."""
        self.batches.append(batch)
        self._rows += batch.header.rows
        self._bytes += batch.header.payload_bytes
        self._names.add(batch)

    def has_room_for(self, announcement: Announcement, limits: GroupLimits) -> bool:
        """Return whether a batch fits; one fits into an empty group, whatever its size.

        The numbers in its header decide: a payload that holds more is refused unread.
        """
        if self.is_merged:
            return False
        if isinstance(announcement, Heartbeat) or not self.batches:
            return True
        rows, size = self._rows + announcement.rows, self._bytes + announcement.payload_bytes
        return not self.is_full(limits) and rows <= limits.rows and size <= limits.max_payload

    def is_full(self, limits: GroupLimits) -> bool:
        """Return whether the group has all the batches or names that it may have."""
        return len(self.batches) >= limits.batches or self._names.reach(limits.names)

    def waits(self, now: float, last: float, limits: GroupLimits) -> float:
        """Return the seconds for which the group still waits for more batches; 0 if it is due.

        Args:
            now: steady time.
            last: seconds that the last commit took.
            limits: the limits of a group.
        """
        if self.is_full(limits) or not any(self._behind.values()):
            return 0.0
        return max(0.0, self.since + min(_PATIENCE * last, limits.wait) - now)


def is_behind(header: BatchHeader) -> bool:
    """Return whether the collector of a batch has more to read than what is just being logged."""
    return header.clock - header.watermark > _LIVE


def _identity(header: BatchHeader) -> tuple[str, int, str, int, str]:
    """Return the fields by which two announcements are the same."""
    return header.collector_id, header.epoch, header.nonce, header.seq, header.checksum
