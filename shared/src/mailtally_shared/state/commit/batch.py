"""Batches to be committed, decoded and checked, and what became of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from mailtally_shared.errors import BadBatch
from mailtally_shared.wire.payload import MAX_RAW, checksum, decode

if TYPE_CHECKING:
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.rows import Rows
    from mailtally_shared.wire.announcement import BatchHeader


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch's place in quarantine, from which it is counted after all."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch ready to be merged: its header and its rows."""

    header: BatchHeader
    rows: Rows
    kept: Kept | None = None


def open_batch(
    header: BatchHeader, payload: bytes, calendar: Calendar, max_payload: int = MAX_RAW
) -> Batch:
    """Return a batch from its two parts.

    Raises:
        BadBatch: the payload is damaged, unreadable, not the one announced, or has steps with
            seconds of two days.
    """
    if header.payload_bytes > max_payload:
        raise BadBatch("too-large", f"The payload has {header.payload_bytes} bytes.")
    if checksum(payload) != header.checksum:
        raise BadBatch("bad-checksum", "The payload is not the one that was announced.")
    rows = decode(payload, max_payload, header.rows, header.records)
    malformed = sum(header.malformed.values())
    stated = (header.rows, header.records, header.records + malformed)
    if stated != (len(rows), int(rows.messages.sum()), header.lines):
        raise BadBatch("bad-counts", "The payload does not match the counts of its header.")
    if calendar.splits(rows.start, rows.step):
        raise BadBatch("bad-step", "The payload adds up records of two days in one row.")
    return Batch(header, rows)


def labels_of(header: BatchHeader) -> dict[str, str]:
    """Return what a batch's header says of all its records, by dimension of ``PLACE``."""
    return {"collector": header.host}


@dataclass(slots=True)
class Outcome:
    """The batches of a group, by result.

    ``outdated``: of another start of its collector; ``naming``: names too many hosts.
    """

    applied: list[Batch] = field(default_factory=list)
    known: list[Batch] = field(default_factory=list)
    different: list[Batch] = field(default_factory=list)
    fenced: list[Batch] = field(default_factory=list)
    outdated: list[Batch] = field(default_factory=list)
    overflowing: list[Batch] = field(default_factory=list)
    crowding: list[Batch] = field(default_factory=list)
    too_far_ahead: list[Batch] = field(default_factory=list)
    naming: list[Batch] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add the batches of another outcome."""
        for each in fields(self):
            getattr(self, each.name).extend(getattr(other, each.name))


def sort_out(batches: list[Batch], reasons: dict[str, str], outcome: Outcome) -> list[Batch]:
    """Move the refused batches into the outcome; return the others, to be tried again."""
    for index, reason in reasons.items():
        named = "naming" if reason == "too-many-hosts" else reason
        getattr(outcome, named).append(batches[int(index)])
    return [batch for index, batch in enumerate(batches) if str(index) not in reasons]
