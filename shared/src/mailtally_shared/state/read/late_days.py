"""Days that left the state, with later records: their last revision and the late book.

Their revision is the pinned one and the whole late book, however often it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from mailtally_shared.days.directory import newest_manifest
from mailtally_shared.days.filed import added, filed_as
from mailtally_shared.days.hour_rows import Hours
from mailtally_shared.days.hour_rows import added as hours_added
from mailtally_shared.days.manifest import (
    CountedSums,
    DayFacts,
    Incomplete,
    LateBook,
    Manifest,
    Pinned,
)
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.untrusted import text

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.days import ChargingPolicy, DayRows
    from mailtally_shared.state.keys import StateKeys
    from mailtally_shared.state.read.totals import DayTotals


@dataclass(frozen=True, slots=True)
class WithLate:
    """A day's pinned revision with its late book."""

    pinned: Manifest
    late_book: LateBook
    rows: DayRows

    def facts(
        self, revision: int, policy: ChargingPolicy, lacking: tuple[Incomplete, ...] = ()
    ) -> DayFacts:
        """Return the facts of a revision of it; ``lacking`` are the gaps known by now."""
        former = self.pinned
        return DayFacts(
            day=former.day,
            timezone=former.timezone,
            revision=revision,
            complete=former.complete and not lacking,
            missing_hosts=former.missing_hosts,
            incomplete=tuple(dict.fromkeys((*former.incomplete, *lacking))),
            policy=policy,
            late_book=self.late_book,
        )


def pin_of(directory: Path, day: date) -> str:
    """Return the pin of a day that leaves the state; empty where its files are gone."""
    newest = newest_manifest(directory, day)
    return f"{newest.revision} {newest.breakdown_sha256}" if newest else ""


def pinned(state: State, keys: StateKeys, day: date) -> Pinned | None:
    """Return the last revision of a day that left the state, if known."""
    with unavailable_errors():
        found = cast("bytes | None", state.hget(keys.pinned, day.isoformat()))
    revision, _, sha256 = (found or b"").decode("ascii").partition(" ")
    return Pinned(revision=int(revision), breakdown_sha256=sha256) if sha256 else None


def pinned_days(state: State, keys: StateKeys) -> list[date]:
    """Return the days that left the state and have a last revision, oldest first."""
    with unavailable_errors():
        found = cast("list[bytes]", state.hkeys(keys.pinned))
    return sorted(date.fromisoformat(text(name)) for name in found)


def with_late(directory: Path, day: date, pin: Pinned, late: DayTotals) -> WithLate | None:
    """Return the day with its late book; ``None`` where the pinned files are gone.

    Raises:
        Refused: a sum does not fit 63 bits.
    """
    filed = filed_as(directory, day, pin)
    if filed is None:
        return None
    sums = CountedSums(messages=late.messages, bytes=late.bytes, transferred=late.transferred)
    book = LateBook(pinned=pin, late=sums)
    return WithLate(filed.manifest, book, added(filed.rows, late.rows))


def with_late_hours(former: Hours | None, late: DayTotals) -> Hours | None:
    """Return a pinned revision's hours with those of its late book, as far as they are known."""
    if former is None or late.hours is None:
        return former and Hours(former.rows, whole=former.whole and not late.messages)
    return hours_added(former, late.hours)
