"""A day as the state knows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtally_aggregator.gaps import unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


@dataclass(frozen=True, slots=True)
class LiveDay:
    """A day's own sums in the state, and what was written of it.

    Attributes:
        day: the traffic day.
        messages: counted so far; likewise ``bytes`` and ``transferred``.
        changes: grows with each change of the day.
        since: Unix seconds of the first one; ``changed_at`` of the last.
        written_changes: ``changes`` of what was written last, ``None`` for never;
            likewise ``written_revision`` and ``written_at`` (Unix seconds).
        complete: every known collector had passed the day when it was written.
        missing_hosts: those that had not.
        incomplete: hosts of which a log could not be read then, and why.
    """

    day: date
    messages: int = 0
    bytes: int = 0
    transferred: int = 0
    changes: int = 0
    since: int = 0
    changed_at: int = 0
    written_changes: int | None = None
    written_revision: int | None = None
    written_at: int | None = None
    complete: bool = False
    missing_hosts: tuple[str, ...] = ()
    incomplete: tuple[tuple[str, str], ...] = ()

    @property
    def is_dirty(self) -> bool:
        """Something was counted that no file holds yet."""
        return self.written_changes != self.changes


def live_day(day: date, fields: Mapping[bytes, bytes]) -> LiveDay:
    """A day from the fields of its hash."""
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
        missing_hosts=tuple(filter(None, fields.get(b"missing", b"").decode("ascii").split(","))),
        incomplete=unpacked(fields.get(b"incomplete")),
    )


def _number(fields: Mapping[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)
