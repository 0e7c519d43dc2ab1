"""The sums: messages, bytes, wasted bytes, bytes sent again. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np

from mailtally_kernel import Amounts
from mailtally_shared.schema import MAX_SUM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.columns import Columns


class Waste(StrEnum):
    """Why bytes were of no use to anybody."""

    REJECTED = "rejected"
    TIMED_OUT = "timed-out"
    INFECTED = "infected"
    FAILED = "failed"


#: The waste that a status tells of. Success is none; of an unknown status nobody knows.
WASTE_OF_STATUS: Final = {
    "rejspam": Waste.REJECTED,
    "manyhops": Waste.REJECTED,
    "mboxoverquota": Waste.REJECTED,
    "badmime": Waste.REJECTED,
    "bytestooverflow": Waste.REJECTED,
    "timeout": Waste.TIMED_OUT,
    "rejclam": Waste.INFECTED,
    "partial": Waste.FAILED,
    "readerr": Waste.FAILED,
}


class Sums(NamedTuple):
    """Totals of some records. None is ever above ``MAX_SUM``: there a sum stops."""

    messages: int = 0
    bytes: int = 0
    wasted: int = 0
    again: int = 0

    def plus(self, other: Iterable[int]) -> Self:
        """Both together."""
        pairs = zip(self, other, strict=True)
        return type(self)(*(min(a + b, MAX_SUM) for a, b in pairs))


#: What each of some records adds to sums, as the kernel takes it.
Measures = Amounts


def measures_of(columns: Columns) -> Measures:
    """Return what each record adds: its size, wasted by its status, and sent again."""
    is_waste = np.array([status in WASTE_OF_STATUS for status in columns.statuses], np.int64)
    more = np.maximum(columns.attempts, 1) - 1
    wasted = columns.size * is_waste[columns.status] if len(columns) else columns.size
    return Measures(columns.size, wasted, columns.size * more)
