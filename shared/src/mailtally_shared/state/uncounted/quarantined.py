"""The entries of the quarantine: to list, to count after all, or to drop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgpack

from mailtally_shared.errors import BadBatch
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.commit.batch import Batch, Kept, Outcome, open_batch
from mailtally_shared.state.commit.request import kept_entry
from mailtally_shared.state.scripts import Script
from mailtally_shared.wire.announcement import BatchHeader, parse_announcement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.uncounted.quarantine import QuarantineLimits

#: Entries fetched at once: each may be as large as a payload.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class KeptAside:
    """One entry of the quarantine.

    Attributes:
        entry: ``<collector_id>:<seq>``, or ``message:<digest>``.
        reason: why it was quarantined, a token; ``message`` is the sentence.
        time: when it was quarantined, Unix seconds.
        size: bytes, as stored.
        header: of a batch; ``None`` for a message that was not an announcement.
        payload: of a batch.
        packed: the whole entry, as stored.
    """

    entry: str
    reason: str
    message: str
    time: int
    size: int
    header: BatchHeader | None
    payload: bytes
    packed: bytes = field(repr=False)

    @property
    def records(self) -> int:
        """The number of records that its header states."""
        return self.header.records if self.header else 0

    @property
    def kept(self) -> Kept:
        """Its place in the quarantine."""
        return Kept(self.entry, self.reason)


def kept_aside(state: State, keys: StateKeys) -> Iterator[KeptAside]:
    """Yield the entries of the quarantine, fetched a few at a time.

    Raises:
        Unavailable: the state does not answer.
    """
    with unavailable_errors():
        found = state.hscan_iter(keys.quarantine, count=_AT_ONCE)
        for name, packed in found:
            yield read_kept(name.decode("ascii", "backslashreplace"), packed)


def count_after_all(
    committer: Committer, kept: KeptAside, max_payload: int, now: float
) -> str | None:
    """Add a quarantined batch to the totals and remove it from quarantine, in one step.

    Returns:
        Why it cannot be counted, as a sentence; ``None`` when it was.

    Raises:
        Unavailable: the state did not answer; it is safe to try again.
        Refused: the state was emptied.
    """
    if kept.header is None:
        return "It is not a batch; the batch that it may have announced is sent again."
    try:
        opened = open_batch(kept.header, kept.payload, committer.calendar, max_payload)
    except BadBatch as error:
        return str(error)
    batch = Batch(opened.header, opened.rows, kept.kept)
    outcome = committer.apply([batch], [], now)
    return None if outcome.applied else _obstacle(outcome)


def _obstacle(outcome: Outcome) -> str:
    if outcome.overflowing:
        return "It would raise a day's sum beyond 63 bits."
    if outcome.naming:
        return "Its collector would then name more hosts than max_hosts allows."
    if outcome.crowding:
        return "It would open more days than max_days allows."
    if outcome.too_far_ahead:
        return "Its collector has too many records ahead of time: see 'mailtally held list'."
    return "It is no longer in quarantine."


def drop(state: State, keys: StateKeys, kept: KeptAside, *, moved_out: bool = False) -> bool:
    """Remove an entry without counting it; return false when it is gone already.

    An entry that is ``moved_out``, to a file, may be brought back.

    Raises:
        Unavailable: the state does not answer.
    """
    request: dict[str, Any] = {
        "kept": kept_entry(keys, kept.kept),
        "records": str(kept.records),
    }
    if moved_out:
        request["moved_key"] = keys.quarantine_moved
    return bool(Script(state, keys, "ledger.lua", "drop.lua").run(request))


def bring_back(
    state: State, keys: StateKeys, kept: KeptAside, limits: QuarantineLimits
) -> str | None:
    """Put back into quarantine what ``drop`` moved out: once, whatever happens meanwhile.

    Returns:
        Why it was not put back, as a sentence; ``None`` when it was.

    Raises:
        Unavailable: the state does not answer; it is safe to try again.
    """
    request: dict[str, Any] = {
        "entry": kept.entry,
        "reason": kept.reason,
        "records": str(kept.records),
        "moved_key": keys.quarantine_moved,
        "keep_key": keys.quarantine,
        "sums_key": keys.quarantine_sums,
        "max_batches": limits.batches,
        "max_bytes": limits.bytes,
    }
    answer: bytes = Script(state, keys, "bring_back.lua").run(request, kept.packed)
    return {
        b"back": None,
        b"full": "There is no room for it in quarantine.",
    }.get(answer, "It was not moved out of this quarantine, or was brought back already.")


def read_kept(entry: str, packed: bytes) -> KeptAside:
    """Parse a stored entry."""
    fields = cast("dict[str, Any]", msgpack.unpackb(packed))
    header = parse_announcement(fields["header"]) if "header" in fields else None
    return KeptAside(
        entry=entry,
        reason=str(fields["reason"]),
        message=str(fields["message"]),
        time=int(fields["time"]),
        size=len(packed),
        header=header if isinstance(header, BatchHeader) else None,
        payload=fields.get("payload", b""),
        packed=packed,
    )
