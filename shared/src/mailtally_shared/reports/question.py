"""The question that a report answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from mailtally_shared.schema import KEY, KIND

if TYPE_CHECKING:
    from collections.abc import Mapping


#: What a report's rows may be about: the day or its month, and each dimension of the totals.
DAY, MONTH, DOMAIN = "day", "month", KEY[0]
GROUPS = (DOMAIN, DAY, MONTH, *KIND)
#: Characters of an ISO date that name the month.
OF_MONTH = len("2026-02")


class Order(StrEnum):
    """The order of rows: ascending by their key, or descending by a figure."""

    KEY = "key"
    MESSAGES = "messages"
    BYTES = "bytes"
    TRANSFERRED = "transferred"
    CHARGED = "charged"


class Choice(StrEnum):
    """The source of a day that is both in the database and in the state."""

    BILLED = "billed"  # the database; live only for days not loaded yet
    LIVE = "live"  # the state, which may have more
    LOADED_ONLY = "loaded-only"  # days that are not loaded are left out


@dataclass(frozen=True, slots=True)
class Question:
    """The terms of a report.

    Attributes:
        by: the names of ``GROUPS`` that make up a row's key, in order; at least one.
        first: the first day, ``None`` for the oldest.
        last: the last day, ``None`` for the newest.
        only: names by dimension; rows of others are left out. A dimension without names has all.
        order: the order of the rows.
        top: number of rows to show, ``None`` for all.
        choice: the preferred source.
    """

    by: tuple[str, ...] = (DOMAIN,)
    first: date | None = None
    last: date | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    order: Order = Order.KEY
    top: int | None = None
    choice: Choice = Choice.BILLED

    @property
    def shows_charged(self) -> bool:
        """Whether a charge can be shown: it is known by day and domain, no finer."""
        finer = any(self.only.get(dimension) for dimension in KIND)
        return not finer and set(self.by) <= {DOMAIN, DAY, MONTH}

    def covers(self, day: date) -> bool:
        """Return whether the day is part of the question."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def parse_day(text: str, today: date) -> date:
    """Parse ``2026-02-16``, ``16.02.2026``, ``today`` or ``yesterday`` into a day.

    Raises:
        ValueError: the text is none of these.
    """
    relative = {"today": today, "yesterday": today - timedelta(days=1)}
    if text in relative:
        return relative[text]
    try:
        day, month, year = text.split(".")
        return date(int(year), int(month), int(day))
    except ValueError:
        pass
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a day: write 2026-02-16, 16.02.2026, today or yesterday"
        ) from None
