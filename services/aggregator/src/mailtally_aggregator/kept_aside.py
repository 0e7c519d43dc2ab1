"""What lies in quarantine: looked at, counted after all, or dropped."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    entry: str
    reason: str
    message: str
    time: int
    size: int
    header: BatchHeader | None
    payload: bytes

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
            yield _read(name.decode("ascii", "backslashreplace"), packed)


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
    if outcome.overflowing:
        return "It lifts a day's sum beyond 63 bits."
    if outcome.crowding:
        return "It opens more days than max_days allows."
    return None if outcome.applied else "It is not in quarantine any more."


def drop(state: State, keys: StateKeys, kept: KeptAside) -> bool:
    """Remove an entry without counting it; false when it is not there any more.

    Raises:
        Unavailable: the state does not answer.
    """
    request: dict[str, Any] = {
        "kept": kept_entry(keys, kept.kept),
        "records": str(kept.records),
    }
    script = state.register_script(source("ledger.lua", "drop.lua"))
    with unavailable_errors():
        done = script(keys=declared_keys(request, keys.tag), args=[msgpack.packb(request)])
    return bool(done)


def _read(entry: str, packed: bytes) -> KeptAside:
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
    )
