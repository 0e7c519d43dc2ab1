"""The figures that the audit judges, as they were gathered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from datetime import date

    from mailtally_shared.days import ChargingPolicy
    from mailtally_shared.days.charged_rows import QmlTotals
    from mailtally_shared.days.day_rows import SumsTotals


class Counted(NamedTuple):
    """Sums over the rows of a day."""

    messages: int = 0
    bytes: int = 0
    transferred: int = 0


class DaySums(NamedTuple):
    """A day's own sums and those of its rows, of one moment.

    Attributes:
        name: the day, with a word before it for late records.
        own: its own sums.
        rows: the sums of its rows.
        hours: the sums of its hours, where all of it was counted by hour and is in the state.
    """

    name: str
    own: Counted
    rows: Counted
    hours: Counted | None = None


@dataclass(frozen=True, slots=True)
class BilledDay:
    """A day in the database.

    Attributes:
        day: the traffic day.
        revision: of its newest load; ``None`` for a bare file.
        policy: the charging policy of that load; ``None`` for a bare file.
        stated: the charge that its newest load stated …
        stated_breakdown: … and the breakdown; ``None`` for a bare file.
        daily: sums over its rows of mail_traffic_daily.
        detail: sums over its rows of mail_traffic_detail …
        detail_charged: … and the charge of those by the policy (without a row count).
    """

    day: date
    revision: int | None
    policy: ChargingPolicy | None
    stated: QmlTotals
    stated_breakdown: SumsTotals | None
    daily: QmlTotals
    detail: SumsTotals
    detail_charged: QmlTotals


@dataclass(frozen=True, slots=True)
class Server:
    """The configuration of a Redis. ``None``: it does not say."""

    version: str = ""
    eviction: str | None = None
    append_only: bool | None = None
    last_write_failed: bool = False
    used_memory: int = 0
    max_memory: int = 0  # 0 is without limit


#: Seconds for which a recorded list of hosted domains counts.
LIFE = 900.0


class Noted(BaseModel):
    """The list of hosted domains of an aggregator: ``digest`` is empty where it has none."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)

    digest: str
    names: int
    at: int
