"""What lies in quarantine: looked at, counted after all, or dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgpack

from mailtally_aggregator.intake import open_batch
from mailtally_aggregator.request import Batch, Kept, kept_entry
from mailtally_aggregator.scripts import declared_keys, source
from mailtally_shared.errors import BadBatch
from mailtally_shared.header import BatchHeader, parse_announcement
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally_aggregator.commit import Committer
    from mailtally_aggregator.outcome import Outcome
    from mailtally_aggregator.quarantine import QuarantineLimits
    from mailtally_shared.state.keys import StateKeys

#: How many entries are fetched at once: each may be as large as a payload.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class KeptAside:
    """One entry of the quarantine.

    Attributes:
        entry: ``<collector_id>:<seq>``, or ``message:<digest>``.
        reason: why it is there, a token; ``message`` says it as a sentence.
        time: Unix seconds, when it was put there.
        size: bytes, as it is kept.
        header: of a batch; ``None`` for a message that was no announcement.
        payload: of a batch.
        packed: all of it, as it is kept.
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
        """How many records its header says that it has."""
        return self.header.records if self.header else 0

    @property
    def kept(self) -> Kept:
        """Where it is."""
        return Kept(self.entry, self.reason)


def kept_aside(state: State, keys: StateKeys) -> Iterator[KeptAside]:
    """Everything in quarantine, a few at a time.

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
    """Add what was kept aside to the totals, and take it out of quarantine, in one step.

    Returns:
        Why it cannot be counted, as a sentence; ``None`` when it was.

    Raises:
        Unavailable: the state did not answer; it is safe to try again.
        Refused: the state was emptied.
    """
    if kept.header is None:
        return "It is no batch; the batch that it may have announced is sent again."
    try:
        opened = open_batch(kept.header, kept.payload, max_payload)
    except BadBatch as error:
        return str(error)
    batch = Batch(opened.header, opened.columns, kept.kept)
    outcome = committer.apply([batch], [], now)
    return None if outcome.applied else _obstacle(outcome)


def _obstacle(outcome: Outcome) -> str:
    if outcome.overflowing:
        return "It lifts a day's sum beyond 63 bits."
    if outcome.naming:
        return "Its collector then names more hosts than max_hosts allows."
    if outcome.crowding:
        return "It opens more days than max_days allows."
    if outcome.too_far_ahead:
        return "More of its collector lies ahead of time than is held: see 'mailtally held list'."
    return "It is not in quarantine any more."


def drop(state: State, keys: StateKeys, kept: KeptAside, *, moved_out: bool = False) -> bool:
    """Remove an entry without counting it; false when it is not there any more.

    What is ``moved_out``, to a file, may be brought back.

    Raises:
        Unavailable: the state does not answer.
    """
    request: dict[str, Any] = {
        "kept": kept_entry(keys, kept.kept),
        "records": str(kept.records),
    }
    if moved_out:
        request["moved_key"] = keys.quarantine_moved
    script = state.register_script(source("ledger.lua", "drop.lua"))
    with unavailable_errors():
        done = script(keys=declared_keys(request, keys.tag), args=[msgpack.packb(request)])
    return bool(done)


def bring_back(
    state: State, keys: StateKeys, kept: KeptAside, limits: QuarantineLimits
) -> str | None:
    """Put into quarantine again what ``drop`` moved out: once, whatever happens meanwhile.

    Returns:
        Why it was not, as a sentence; ``None`` when it was.

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
    script = state.register_script(source("bring_back.lua"))
    with unavailable_errors():
        answer: bytes = script(
            keys=declared_keys(request, keys.tag), args=[msgpack.packb(request), kept.packed]
        )
    return {
        b"back": None,
        b"full": "There is no room for it in quarantine.",
    }.get(answer, "It was not moved out of this quarantine, or was brought back already.")


def read_kept(entry: str, packed: bytes) -> KeptAside:
    """An entry from what is kept of it."""
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
