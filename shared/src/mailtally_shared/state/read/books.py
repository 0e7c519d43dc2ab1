"""Ledgers and totals of one moment, as read from the state. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mailtally_shared.state.history import Pair
    from mailtally_shared.state.read.live_day import LiveDay


@dataclass(frozen=True, slots=True)
class Ledger:
    """The applied batches of one collector, present or former.

    Attributes:
        collector_id: its id.
        host: its host name in the cluster.
        hwm: high-water mark: all batches up to this number are applied.
        ahead: number of batches applied beyond a gap above it.
        watermark: Unix seconds up to which its logs are read.
        lines: lines read; ``records`` of them counted, ``quarantined`` in quarantine.
        malformed: the other lines, by reason.
        lost_hours: UTC hours since 1970 that irrecoverably lost batches touched.
        acknowledged: the history of the state that has all that the spool could send.
        status: its status document as received, empty before the first.
        clock: the time of its clock (Unix seconds) when Redis's was ``state_clock``; 0 if it
            never reported.
        different: batches refused because another one has their number; ``different_at`` is
            the time of the last, in Unix seconds.
        held: records held because they are too far ahead of time; their days are ``held_days``.
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
        machine: the machine it runs on, by its own report.
        rival: the machine of a collector that stopped because of it, empty if none did.
        rival_at: when that one stopped, in Unix seconds.
    """

    machine: str = ""
    rival: str = ""
    rival_at: int = 0


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The sums of the quarantine."""

    batches: int = 0
    records: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Books:
    """Ledgers and totals of one moment.

    Attributes:
        ledgers: of every collector that ever registered.
        owners: collector id by host name, of those registered now.
        registered: the starts that registered them, by host name.
        days: days with totals; ``late`` likewise, of records that came too late for them.
        retired_days: number of days that left the state; ``retired_messages`` their messages.
        quarantine: the sums of the quarantine.
        stopped: days that are not written, each with a sentence why.
        pinned: days that left the state, each with the revision of its last files.
        state: the history of the state, and its commits.
        has_writer: an aggregator holds the day writer's lease.
        foreign: number of names of hosts and collectors that no collector registered.
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
