"""The figures that the doctor judges, as they were gathered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mailtally_shared.day_files import ChargingPolicy, Manifest


class Counted(NamedTuple):
    """Sums over the rows of a day."""

    messages: int = 0
    bytes: int = 0
    transferred: int = 0


class DayRows(NamedTuple):
    """A day's own sums and those of its rows, of one moment."""

    name: str  # the day; of late records with a word before it
    own: Counted
    rows: Counted


class Charged(NamedTuple):
    """Sums over the charged rows of a day."""

    rows: int = 0
    bytes: int = 0
    hits_all: int = 0
    hits_html: int = 0


class Breakdown(NamedTuple):
    """Sums over the detailed rows of a day."""

    rows: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class BilledDay:
    """A day in the database.

    Attributes:
        day: the traffic day.
        revision: of its newest load, ``None`` for a bare file.
        policy: by which that was charged, ``None`` for a bare file.
        stated: what its newest load said of the charge …
        stated_breakdown: … and of the breakdown, ``None`` for a bare file.
        daily: sums over its rows of mail_traffic_daily.
        detail: sums over its rows of mail_traffic_detail …
        detail_charged: … and what the policy charges of them (without a row count).
    """

    day: date
    revision: int | None
    policy: ChargingPolicy | None
    stated: Charged
    stated_breakdown: Breakdown | None
    daily: Charged
    detail: Breakdown
    detail_charged: Charged


@dataclass(frozen=True, slots=True)
class Server:
    """How a Redis is set up. ``None``: it does not say."""

    version: str = ""
    eviction: str | None = None
    append_only: bool | None = None
    last_write_failed: bool = False
    used_memory: int = 0
    max_memory: int = 0  # 0 is without limit


@dataclass(frozen=True, slots=True)
class Directory:
    """What lies in the statistic directory.

    Attributes:
        written: the newest manifest that is found for a day, wherever it lies.
        archived: of each day in ``loaded/``: its manifest, ``None`` for a bare file.
        lacking: archived days without some of their files, and which.
        moving: days whose files were on their way while we looked.
        rejected: names in ``rejected/``.
        waiting: how many qml files wait for the loader.
        waiting_since: Unix seconds since when the oldest of them does; 0.0 without any.
        strays: old files that are no day's and will not be loaded.
    """

    written: Mapping[date, Manifest] = field(default_factory=dict)
    archived: Mapping[date, Manifest | None] = field(default_factory=dict)
    lacking: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    moving: frozenset[date] = frozenset()
    rejected: tuple[str, ...] = ()
    waiting: int = 0
    waiting_since: float = 0.0
    strays: tuple[str, ...] = ()
