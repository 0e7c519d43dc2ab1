"""What the state holds at this moment, by day. Cheap enough to be polled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from mailtally_aggregator.totals import Totals
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.day_files import Sums
    from mailtally_shared.state.keys import Book, StateKeys


@dataclass(frozen=True, slots=True)
class LiveDay:
    """A day's own sums in the state, and what was written of it.

    Attributes:
        day: the traffic day.
        messages: counted so far; likewise ``bytes`` and ``transferred``.
        changes: grows with each change of the day.
        changed_at: Unix seconds of the last one.
        written_changes: ``changes`` of what was written last, ``None`` for never;
            likewise ``written_revision`` and ``written_at`` (Unix seconds).
        complete: every known collector had passed the day when it was written.
        missing_hosts: those that had not.
    """

    day: date
    messages: int = 0
    bytes: int = 0
    transferred: int = 0
    changes: int = 0
    changed_at: int = 0
    written_changes: int | None = None
    written_revision: int | None = None
    written_at: int | None = None
    complete: bool = False
    missing_hosts: tuple[str, ...] = ()

    @property
    def is_dirty(self) -> bool:
        """Something was counted that no file holds yet."""
        return self.written_changes != self.changes


def live_days(state: State, keys: StateKeys, book: Book | None = None) -> list[LiveDay]:
    """Every day in the state, oldest first: two round trips, whatever the days hold.

    Raises:
        Unavailable: Redis does not answer.
    """
    book = book or keys.totals
    with unavailable_errors():
        names = cast("list[bytes]", state.zrange(book.days, 0, -1))
        days = [date.fromisoformat(name.decode("ascii")) for name in names]
        pipeline = state.pipeline(transaction=False)
        for day in days:
            pipeline.hgetall(book.day(day))
        found = pipeline.execute()
    # A day that was retired between the two trips has no fields left.
    return [live_day(day, fields) for day, fields in zip(days, found, strict=True) if fields]


def live_rows(state: State, keys: StateKeys, day: date) -> list[Sums]:
    """A day's breakdown, all of one moment; empty for a day that is not in the state.

    Raises:
        Unavailable: Redis does not answer.
    """
    return Totals(state, keys).read(day).rows


def live_day(day: date, fields: dict[bytes, bytes]) -> LiveDay:
    """A day from the fields of its hash."""
    return LiveDay(
        day=day,
        messages=_number(fields, b"messages") or 0,
        bytes=_number(fields, b"bytes") or 0,
        transferred=_number(fields, b"transferred") or 0,
        changes=_number(fields, b"changes") or 0,
        changed_at=_number(fields, b"changed_at") or 0,
        written_changes=_number(fields, b"written_changes"),
        written_revision=_number(fields, b"written_revision"),
        written_at=_number(fields, b"written_at"),
        complete=fields.get(b"complete") == b"1",
        missing_hosts=tuple(filter(None, fields.get(b"missing", b"").decode("ascii").split(","))),
    )


def _number(fields: dict[bytes, bytes], name: bytes) -> int | None:
    value = fields.get(name)
    return None if value is None else int(value)
