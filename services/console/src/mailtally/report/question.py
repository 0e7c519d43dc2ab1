"""What a report is asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailtally_shared.day_files import Sums


class Dimension(StrEnum):
    """What the totals can be told apart by."""

    DOMAIN = "domain"
    DAY = "day"
    HOST = "host"
    SERVICE = "service"
    STATUS = "status"


class Order(StrEnum):
    """By what the rows are sorted: ascending by their key, or descending by a figure."""

    KEY = "key"
    MESSAGES = "messages"
    BYTES = "bytes"
    TRANSFERRED = "transferred"
    CHARGED = "charged"


class Choice(StrEnum):
    """Where a day is taken from that is both in the database and in the state."""

    BILLED = "billed"  # the database; live only what is not loaded yet
    LIVE = "live"  # the state, which may know of more
    LOADED_ONLY = "loaded-only"  # and days that are not loaded are left out


@dataclass(frozen=True, slots=True)
class Question:
    """A report's terms.

    Attributes:
        by: the dimensions that make up a row's key, in order; at least one.
        first: the first day, ``None`` from the beginning on.
        last: the last day, ``None`` up to the newest.
        domains: only these, empty for all; likewise ``hosts``, ``services``, ``statuses``.
        order: how the rows are sorted.
        top: how many rows to show, ``None`` for all.
        choice: which source is preferred.
    """

    by: tuple[Dimension, ...] = (Dimension.DOMAIN,)
    first: date | None = None
    last: date | None = None
    domains: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    order: Order = Order.KEY
    top: int | None = None
    choice: Choice = Choice.BILLED

    @property
    def shows_charged(self) -> bool:
        """Whether the charge can be told: it is known by day and domain, no finer."""
        finer = self.hosts or self.services or self.statuses
        return not finer and set(self.by) <= {Dimension.DOMAIN, Dimension.DAY}

    def covers(self, day: date) -> bool:
        """Whether the day is asked for."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def matches(self, row: Sums) -> bool:
        """Whether what was counted under this key is asked for."""
        return (
            (not self.domains or row.domain in self.domains)
            and (not self.hosts or row.host in self.hosts)
            and (not self.services or row.service in self.services)
            and (not self.statuses or row.status in self.statuses)
        )


def parse_day(text: str, today: date) -> date:
    """A day as people write it: ``2026-02-16``, ``16.02.2026``, ``today`` or ``yesterday``.

    Raises:
        ValueError: it is none of these.
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
            f"{text!r} is no day: write 2026-02-16, 16.02.2026, today or yesterday"
        ) from None
