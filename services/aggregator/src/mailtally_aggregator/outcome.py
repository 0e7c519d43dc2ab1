"""What became of each batch of a group. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_aggregator.request import Batch


@dataclass(slots=True)
class Outcome:
    """What became of each batch of a group.

    ``outdated``: of another start of its collector; ``naming``: it names too many hosts.
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
        """Take another outcome's batches in."""
        self.applied += other.applied
        self.known += other.known
        self.different += other.different
        self.fenced += other.fenced
        self.outdated += other.outdated
        self.overflowing += other.overflowing
        self.crowding += other.crowding
        self.too_far_ahead += other.too_far_ahead
        self.naming += other.naming


def sort_out(batches: list[Batch], reasons: dict[str, str], outcome: Outcome) -> list[Batch]:
    """Move the refused batches into the outcome; what is left may be tried again."""
    lists = {
        "known": outcome.known,
        "different": outcome.different,
        "fenced": outcome.fenced,
        "outdated": outcome.outdated,
        "too-many-hosts": outcome.naming,
    }
    for index, reason in reasons.items():
        lists[reason].append(batches[int(index)])
    return [batch for index, batch in enumerate(batches) if str(index) not in reasons]
