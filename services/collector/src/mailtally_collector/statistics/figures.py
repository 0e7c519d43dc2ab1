"""The figures of all pieces together. Pure; for one thread."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from mailtally_collector.statistics.part import (
    EXAMPLES,
    SIZE_BOUNDS,
    Details,
    Kind,
    Message,
    Part,
    largest_of,
)
from mailtally_collector.statistics.ranking import MOST_NAMES, Ranking
from mailtally_collector.statistics.sums import WASTE_OF_STATUS, Sums
from mailtally_shared.schema import OTHER_STATUS

if TYPE_CHECKING:
    from mailtally_collector.statistics.piece import BadLine

#: Statuses beyond the known ones that are told apart (RULES section 1).
MOST_UNKNOWN: Final = 200
#: Distinct quarters of an hour that are kept, ten years of them; later ones are left out.
MOST_QUARTERS: Final = 350_000


class Figures:
    """Grows by parts. Its memory grows with distinct names only, and with those up to a limit."""

    def __init__(self, *, by: str, largest: int, most_names: int = MOST_NAMES) -> None:
        self.lines = 0
        self.records = 0
        self.first: int | None = None
        self.last: int | None = None
        self.kinds: dict[Kind, Sums] = {}
        self.quarters: dict[int, Sums] = {}
        self.malformed: Counter[str] = Counter()
        self.examples: dict[str, list[BadLine]] = {}
        self.domains = Ranking(by, most_names)
        self.senders = Ranking(by, most_names)
        self.recipients = Ranking(by, most_names)
        self.sizes = [Sums()] * (len(SIZE_BOUNDS) + 1)
        self.largest: list[Message] = []
        self._most_largest = largest
        self._unknown: set[str] = set()

    def add(self, part: Part) -> None:
        """Add what a piece came to; pieces come in the order of the logs."""
        self.lines += part.lines
        self.records += part.records
        self._widen(part.first, part.last)
        for kind, sums in part.kinds.items():
            settled = kind._replace(status=self._settled(kind.status))
            self.kinds[settled] = self.kinds.get(settled, Sums()).plus(sums)
        for quarter, sums in part.quarters.items():
            if quarter in self.quarters or len(self.quarters) < MOST_QUARTERS:
                self.quarters[quarter] = self.quarters.get(quarter, Sums()).plus(sums)
        self._add_malformed(part)
        if part.details is not None:
            self._add_details(part.details)

    def _widen(self, first: int | None, last: int | None) -> None:
        if first is not None and last is not None:
            self.first = first if self.first is None else min(self.first, first)
            self.last = last if self.last is None else max(self.last, last)

    def _settled(self, status: str) -> str:
        """Return a status as shown: the number of unknown ones is limited."""
        if status == "success" or status in WASTE_OF_STATUS or status in self._unknown:
            return status
        if len(self._unknown) >= MOST_UNKNOWN:
            return OTHER_STATUS
        self._unknown.add(status)
        return status

    def _add_malformed(self, part: Part) -> None:
        self.malformed.update(part.malformed)
        for line in part.examples:
            shown = self.examples.setdefault(line.reason, [])
            if len(shown) < EXAMPLES:
                shown.append(line)

    def _add_details(self, details: Details) -> None:
        self.domains.add(details.domains)
        self.senders.add(details.senders)
        self.recipients.add(details.recipients)
        self.sizes = [
            sums.plus(more) for sums, more in zip(self.sizes, details.sizes.tolist(), strict=True)
        ]
        self.largest = largest_of([*self.largest, *details.largest], self._most_largest)
