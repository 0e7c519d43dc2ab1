"""Days that left the state, with what came for them since: their last revision and the late book.

The revision is the pinned one and the whole late book, however often it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mailtally_shared.day_files.filed import filed_as
from mailtally_shared.day_files.manifest import (
    CountedSums,
    DayFacts,
    Incomplete,
    LateBook,
    Manifest,
    Pinned,
)
from mailtally_shared.day_files.placing import newest_manifest
from mailtally_shared.day_files.side_by_side import added
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from mailtally_aggregator.totals import DayTotals
    from mailtally_shared.day_files import ChargingPolicy, DayRows
    from mailtally_shared.state.keys import StateKeys


@dataclass(frozen=True, slots=True)
class WithLate:
    """A day's pinned revision with its late book."""

    pinned: Manifest
    late_book: LateBook
    rows: DayRows

    def facts(
        self, revision: int, policy: ChargingPolicy, lacking: tuple[Incomplete, ...] = ()
    ) -> DayFacts:
        """Return what a revision of it says besides the figures; ``lacking`` is known by now."""
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
    """Return what is kept of a day that leaves the state; empty where its files are gone."""
    newest = newest_manifest(directory, day)
    return f"{newest.revision} {newest.breakdown_sha256}" if newest else ""


def pinned(state: State, keys: StateKeys, day: date) -> Pinned | None:
    """Return the last revision of a day that left the state, where one is known."""
    with unavailable_errors():
        found = cast("bytes | None", state.hget(keys.pinned, day.isoformat()))
    revision, _, sha256 = (found or b"").decode("ascii").partition(" ")
    return Pinned(revision=int(revision), breakdown_sha256=sha256) if sha256 else None


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
