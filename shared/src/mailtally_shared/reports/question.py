"""The question that a report answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from mailtally_shared.schema import KEY, KIND, SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping


#: What a report's rows may be about: the day, its month or its hours, and each dimension of the
#: totals.
DAY, MONTH, HOUR, DOMAIN = "day", "month", "hour", KEY[0]
GROUPS = (DOMAIN, DAY, MONTH, HOUR, *KIND)
#: The dimensions that hours do not hold.
NOT_OF_HOURS = tuple(name for name in KIND if name != KIND[SERVICE])
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
        zone: the time zone in which hours are shown: that of the accounting.
    """

    by: tuple[str, ...] = (DOMAIN,)
    first: date | None = None
    last: date | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    order: Order = Order.KEY
    top: int | None = None
    choice: Choice = Choice.BILLED
    zone: tzinfo = UTC

    @property
    def is_by_hour(self) -> bool:
        """Whether the rows are about hours, which are counted on their own."""
        return HOUR in self.by

    @property
    def shows_charged(self) -> bool:
        """Whether a charge can be shown: it is known by day and domain, no finer."""
        finer = any(self.only.get(dimension) for dimension in KIND)
        return not finer and set(self.by) <= {DOMAIN, DAY, MONTH}

    def covers(self, day: date) -> bool:
        """Return whether the day is part of the question."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def refusal(question: Question) -> str | None:
    """Return the reason why a question cannot be answered; ``None`` if it can."""
    if question.is_by_hour:
        asked = {*question.by, *(name for name, names in question.only.items() if names)}
        if absent := [name for name in NOT_OF_HOURS if name in asked]:
            return (
                f"Hours are counted by domain and service, not by {' or '.join(absent)}: "
                "leave that out, or report by day."
            )
        if question.order is Order.CHARGED:
            return "Hours are counted, not charged: sort by bytes."
    elif question.order is Order.CHARGED and not question.shows_charged:
        return "The charge is known by domain and day only: sort by bytes."
    return None


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
