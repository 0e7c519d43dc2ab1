"""What a state counts, whichever it is: the interface of the contract suite.

``OnRedis`` is the product's writer and reader on a server; ``Twin`` is the same in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING

from mailtally_shared.state.commit.batch import Batch
from tests.support.records import NOON, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayFacts
    from mailtally_shared.days.watermark import DayState
    from mailtally_shared.errors import BadInput
    from mailtally_shared.state.commit.batch import Outcome
    from mailtally_shared.state.commit.request import Caps
    from mailtally_shared.state.read.books import Books, Ledger
    from mailtally_shared.state.read.live_day import LiveDay
    from mailtally_shared.state.read.totals import DayTotals
    from mailtally_shared.state.settle import Unsettled
    from mailtally_shared.state.uncounted.held import Held, HeldDay
    from mailtally_shared.state.uncounted.quarantined import KeptAside
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat
    from tests.support.records import FakeCollector, Record


class Accounting(ABC):
    """One writer and one reader of a state, and the collectors that it knows.

    ``caps`` are the limits of the writer; another one may have others. ``hours``: whether it
    counts by hour as well.
    """

    calendar: Calendar
    caps: Caps
    hours: bool

    # Counting

    @abstractmethod
    def collector(self, host: str = "mail1", epoch: int = 1) -> FakeCollector:
        """Register a new collector of a host, whoever had it."""

    @abstractmethod
    def restart(self) -> None:
        """Have another writer go on, which remembers nothing."""

    @abstractmethod
    def apply(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], now: float
    ) -> Outcome:
        """As ``Committer.apply``."""

    @abstractmethod
    def held(self) -> list[Held]:
        """As ``uncounted.held.held``."""

    @abstractmethod
    def read_held(self, collector_id: str, day: date) -> HeldDay | None:
        """As ``uncounted.held.read_held``."""

    @abstractmethod
    def count_held(self, held: HeldDay, now: float) -> str:
        """As ``Committer.count_held``, without a fence."""

    @abstractmethod
    def drop_held(self, held: HeldDay) -> bool:
        """As ``uncounted.held.drop_held``."""

    @abstractmethod
    def quarantine(self, header: BatchHeader, payload: bytes, why: BadInput, now: float) -> str:
        """As ``Quarantine.batch``, at once."""

    @abstractmethod
    def quarantined(self) -> list[KeptAside]:
        """Return what ``kept_aside`` yields, by entry."""

    @abstractmethod
    def drop_quarantined(self, kept: KeptAside) -> bool:
        """As ``uncounted.quarantined.drop``."""

    @abstractmethod
    def count_quarantined(self, kept: KeptAside, max_payload: int, now: float) -> str | None:
        """As ``uncounted.quarantined.count_after_all``."""

    # Reading

    @abstractmethod
    def days(self, *, late: bool = False) -> list[LiveDay]:
        """As ``Totals.days``."""

    @abstractmethod
    def read(self, day: date, *, late: bool = False, holder: str = "") -> DayTotals:
        """As ``Totals.read``; ``holder`` is the id of the collector under which it is held."""

    @abstractmethod
    def watermarks(self, expected: Iterable[str] = ()) -> dict[str, float]:
        """As ``Totals.watermarks``."""

    @abstractmethod
    def books(self) -> Books:
        """As ``read_books``."""

    # What the day writer and a rebuild do

    @abstractmethod
    def close_before(self, day: date) -> None:
        """Have earlier days' records come late, as an empty state does that was accepted."""

    @abstractmethod
    def begin(self, day: date, above: int = 0, *, late: bool = False) -> int:
        """As ``Lease.begin``, with the lease."""

    @abstractmethod
    def finish(self, facts: DayFacts, changes: int, now: float, *, late: bool = False) -> bool:
        """As ``Lease.finish``."""

    @abstractmethod
    def stop(self, state: DayState, why: str) -> None:
        """As ``Lease.stop``."""

    @abstractmethod
    def retire(self, day: date, pin: str = "") -> bool:
        """As ``Lease.retire``."""

    @abstractmethod
    def compact_hours(self, day: date) -> None:
        """As ``compact`` of a day that is over."""

    @abstractmethod
    def drop_hours(self, day: date) -> bool:
        """As ``Lease.drop_hours``."""

    @abstractmethod
    def unsettled(self, day: date) -> Unsettled:
        """As ``settle.unsettled``."""

    @abstractmethod
    def settle(self, day: date, pin: str, before: Unsettled) -> bool:
        """As ``settle.settle``."""

    # What tests ask for often

    def send(self, *batches: tuple[BatchHeader, Sequence[Record]], now: float = NOON) -> Outcome:
        """Apply some batches together."""
        group = [Batch(header, rows(records)) for header, records in batches]
        return self.apply(group, [], now)

    def sums(self, day: date, *, late: bool = False) -> dict[str, int]:
        """Return a day's bytes by domain."""
        found = Counter[str]()
        for row in self.read(day, late=late).rows:
            found[row.domain] += row.bytes
        return dict(found)

    def ledger(self, collector_id: str) -> Ledger:
        """Return the ledger of one collector."""
        (found,) = [one for one in self.books().ledgers if one.collector_id == collector_id]
        return found
