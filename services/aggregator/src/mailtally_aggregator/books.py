"""Ledgers and totals of one moment, as they were gathered from the state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailtally_aggregator.live_day import LiveDay


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one collector, present or former, had applied.

    Attributes:
        collector_id: its id.
        host: its host name in the cluster.
        hwm: all batches up to this number are applied.
        ahead: how many are applied beyond a gap above it.
        watermark: Unix seconds up to which its logs are read.
        lines: read in all; ``records`` of them counted, ``quarantined`` kept aside.
        malformed: the others, by reason.
    """

    collector_id: str
    host: str
    hwm: int = 0
    ahead: int = 0
    watermark: int = 0
    lines: int = 0
    records: int = 0
    quarantined: int = 0
    malformed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What was kept aside as unusable."""

    batches: int = 0
    records: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Books:
    """Ledgers and totals of one moment.

    Attributes:
        ledgers: of every collector that ever registered.
        owners: collector id by host name, of those that are registered now.
        days: those with totals; ``late`` the same for what came too late for them.
        retired_days: how many days have left the state; ``retired_messages`` theirs.
        quarantine: what is kept aside.
        has_writer: an aggregator holds the day writer's lease.
    """

    ledgers: tuple[Ledger, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    days: tuple[LiveDay, ...] = ()
    late: tuple[LiveDay, ...] = ()
    retired_days: int = 0
    retired_messages: int = 0
    quarantine: Quarantine = Quarantine()
    has_writer: bool = False
