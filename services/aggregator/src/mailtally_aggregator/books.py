"""Ledgers and totals of one moment, as they were gathered from the state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mailtally_aggregator.live_day import LiveDay
    from mailtally_shared.state.history import Pair


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
        lost_hours: UTC hours since 1970 that batches touched which are lost for good.
        acknowledged: the history of the state that has all that the spool could give.
        status: its status document as it came, empty before the first.
        clock: what its clock showed (Unix seconds) when Redis's showed ``state_clock``; 0 for
            never heard.
        different: batches refused because another one has their number; ``different_at``
            when the last was, in Unix seconds.
        held: records held because they lie too far ahead of time, of ``held_days``.
        dropped: records that were held and dropped by an operator.
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
    lost_hours: tuple[int, ...] = ()
    acknowledged: str = ""
    status: bytes = b""
    clock: int = 0
    state_clock: int = 0
    different: int = 0
    different_at: int = 0
    held: int = 0
    held_days: tuple[date, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """The start that is registered under a host name.

    Attributes:
        machine: the machine it runs on, as it called it.
        rival: the machine of a collector that stopped because of it, empty if none did.
        rival_at: when it stopped, in Unix seconds.
    """

    machine: str = ""
    rival: str = ""
    rival_at: int = 0


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
        registered: the starts that they were registered by, by host name.
        days: those with totals; ``late`` the same for what came too late for them.
        retired_days: how many days have left the state; ``retired_messages`` theirs.
        quarantine: what is kept aside.
        stopped: days that are not written, each with a sentence why.
        pinned: days that left the state, each with the revision of its last files.
        state: the history of the state, and its commits.
        has_writer: an aggregator holds the day writer's lease.
        foreign: how many names of hosts and collectors no collector registered.
    """

    ledgers: tuple[Ledger, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    registered: Mapping[str, Registered] = field(default_factory=dict)
    days: tuple[LiveDay, ...] = ()
    late: tuple[LiveDay, ...] = ()
    retired_days: int = 0
    retired_messages: int = 0
    quarantine: Quarantine = Quarantine()
    has_writer: bool = False
    stopped: Mapping[date, str] = field(default_factory=dict)
    pinned: Mapping[date, int] = field(default_factory=dict)
    state: Pair | None = None
    foreign: int = 0
