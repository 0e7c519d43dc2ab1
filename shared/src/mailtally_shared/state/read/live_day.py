"""A day in the state. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_shared.days.watermark import DayState, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDay(DayState):
    """A day in the state with its own sums; ``since`` and ``changed_at`` are its first changes.

    Attributes:
        messages: counted so far; likewise ``bytes`` and ``transferred``.
        written_revision: the revision of its last writing, ``None`` before the first.
        missing_hosts: the hosts that had not passed it then.
        hours_whole: whether all of it was counted by hour as well; ``None`` where none of it was.
        hours_left: the hours have left the state.
    """

    changes: int = 0
    since: float = 0
    changed_at: float = 0
    messages: int = 0
    bytes: int = 0
    transferred: int = 0
    written_revision: int | None = None
    missing_hosts: tuple[str, ...] = ()
    hours_whole: bool | None = None
    hours_left: bool = False


def live_day(day: date, fields: Mapping[bytes, bytes]) -> LiveDay:
    """Return a day from the fields of its hash."""
    missing = tuple(filter(None, fields.get(b"missing", b"").decode("ascii").split(",")))
    return LiveDay(
        day=day,
        messages=_number(fields, b"messages") or 0,
        bytes=_number(fields, b"bytes") or 0,
        transferred=_number(fields, b"transferred") or 0,
        changes=_number(fields, b"changes") or 0,
        since=_number(fields, b"since") or 0,
        changed_at=_number(fields, b"changed_at") or 0,
        written_changes=_number(fields, b"written_changes"),
        written_revision=_number(fields, b"written_revision"),
        written_at=_number(fields, b"written_at"),
        complete=fields.get(b"complete") == b"1",
        incomplete=unpacked(fields.get(b"incomplete")),
        missing_hosts=missing,
        has_missing=bool(missing),
        stopped_changes=_number(fields, b"stopped_changes"),
        hours_whole=fields[b"hours"] == b"whole" if b"hours" in fields else None,
        hours_left=b"hours_left" in fields,
    )


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)
