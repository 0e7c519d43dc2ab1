"""The product's writer and reader of the state, on a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.state.hours.compaction import compact
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.settle import Unsettled, settle, unsettled
from mailtally_shared.state.uncounted.held import HeldDay, drop_held, held, read_held
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from mailtally_shared.state.uncounted.quarantined import (
    KeptAside,
    count_after_all,
    drop,
    kept_aside,
)
from tests.support.records import FakeCollector
from tests.twin.accounting import Accounting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayFacts
    from mailtally_shared.days.watermark import DayState
    from mailtally_shared.errors import BadInput
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.batch import Batch, Outcome
    from mailtally_shared.state.keys import Book, StateKeys
    from mailtally_shared.state.read.books import Books
    from mailtally_shared.state.read.live_day import LiveDay
    from mailtally_shared.state.read.totals import DayTotals
    from mailtally_shared.state.uncounted.held import Held
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat


class OnRedis(Accounting):
    """A state on a server."""

    def __init__(
        self, state: State, keys: StateKeys, calendar: Calendar, caps: Caps | None = None
    ) -> None:
        self.state, self.keys, self.calendar = state, keys, calendar
        self._totals = Totals(state, keys)
        self.lease = Lease(state, keys, 3600)
        self._hours = True
        self.caps = caps or Caps()

    @property
    def hours(self) -> bool:
        return self._hours

    @hours.setter
    def hours(self, hours: bool) -> None:
        self._hours = hours
        self.restart()

    @property
    def caps(self) -> Caps:
        return self._caps

    @caps.setter
    def caps(self, caps: Caps) -> None:
        self._caps = caps
        self.restart()

    def collector(self, host: str = "mail1", epoch: int = 1) -> FakeCollector:
        return FakeCollector(self.state, self.keys, host, epoch)

    def restart(self) -> None:
        self.committer = Committer(
            self.state, self.keys, self.calendar, caps=self._caps, hours=self._hours
        )

    def apply(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], now: float
    ) -> Outcome:
        return self.committer.apply(batches, heartbeats, now)

    def held(self) -> list[Held]:
        return held(self.state, self.keys)

    def read_held(self, collector_id: str, day: date) -> HeldDay | None:
        return read_held(self.state, self.keys, collector_id, day)

    def count_held(self, held: HeldDay, now: float) -> str:
        return self.committer.count_held(held, now)

    def drop_held(self, held: HeldDay) -> bool:
        return drop_held(self.state, self.keys, held)

    def quarantine(self, header: BatchHeader, payload: bytes, why: BadInput, now: float) -> str:
        found = Quarantine(self.state, self.keys, QuarantineLimits())
        return found.batch(header, payload, why, now, at_once=True)

    def quarantined(self) -> list[KeptAside]:
        return sorted(kept_aside(self.state, self.keys), key=lambda kept: kept.entry)

    def drop_quarantined(self, kept: KeptAside) -> bool:
        return drop(self.state, self.keys, kept)

    def count_quarantined(self, kept: KeptAside, max_payload: int, now: float) -> str | None:
        return count_after_all(self.committer, kept, max_payload, now)

    def days(self, *, late: bool = False) -> list[LiveDay]:
        return self._totals.days(self._book(late=late))

    def read(self, day: date, *, late: bool = False, holder: str = "") -> DayTotals:
        book = self.keys.held(holder) if holder else self._book(late=late)
        return self._totals.read(day, book)

    def watermarks(self, expected: Iterable[str] = ()) -> dict[str, float]:
        return self._totals.watermarks(expected)

    def books(self) -> Books:
        return read_books(self.state, self.keys)

    def close_before(self, day: date) -> None:
        self.state.set(self.keys.closed_before, day.isoformat())

    def begin(self, day: date, above: int = 0, *, late: bool = False) -> int:
        assert self.lease.hold()
        revision = self.lease.begin(self._book(late=late), day, above)
        assert revision is not None
        return revision

    def finish(self, facts: DayFacts, changes: int, now: float, *, late: bool = False) -> bool:
        assert self.lease.hold()
        return self.lease.finish(self._book(late=late), facts, changes, now)

    def stop(self, state: DayState, why: str) -> None:
        assert self.lease.hold()
        assert self.lease.stop(state.day, state.changes, why)

    def retire(self, day: date, pin: str = "") -> bool:
        assert self.lease.hold()
        return self.lease.retire(day, self._totals.places(day), pin)

    def compact_hours(self, day: date) -> None:
        assert self.lease.hold()
        assert compact(self.state, self.lease, self.keys.totals, day, is_over=True)

    def drop_hours(self, day: date) -> bool:
        assert self.lease.hold()
        return self.lease.drop_hours(self.keys.totals, day)

    def unsettled(self, day: date) -> Unsettled:
        return unsettled(self.state, self.keys, day)

    def settle(self, day: date, pin: str, before: Unsettled) -> bool:
        return settle(self.state, self.keys, self.calendar, day, pin=pin, before=before)

    def _book(self, *, late: bool) -> Book:
        return self.keys.late if late else self.keys.totals
