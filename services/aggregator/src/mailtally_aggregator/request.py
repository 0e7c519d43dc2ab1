"""The argument of commit.lua: a group of batches and what they add, in plain values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_aggregator.hosted import NOT_HOSTED
from mailtally_aggregator.merge import HostIncrement, Increments, rename
from mailtally_aggregator.packed_sums import pack
from mailtally_shared.columns import KNOWN_STATUSES, OTHER_STATUS, Columns
from mailtally_shared.state.keys import CHECKSUMS_KEPT
from mailtally_shared.status import digest_of

if TYPE_CHECKING:
    from datetime import date

    from mailtally_shared.header import BatchHeader, Heartbeat
    from mailtally_shared.state.keys import Book, StateKeys

OVERFLOW = "(overflow)"
#: Names that are never refused for want of room.
RESERVED_NAMES = frozenset({OVERFLOW, NOT_HOSTED})
NEVER_CAPPED = KNOWN_STATUSES | {OTHER_STATUS}


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch's place in quarantine, from where it is counted after all."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch ready to be merged: what announced it and its records."""

    header: BatchHeader
    columns: Columns
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a state may hold.

    Attributes:
        names: distinct names a day.
        statuses: distinct unknown statuses a day.
        days: days with totals; a collector may have a tenth as many days held.
        future_slack: seconds that a record may lie ahead of time before it is held.
        held_names: names held under one collector, added up over days and hosts.
        hosts: host names that the lines of one host's collectors may name.
    """

    names: int = 2_000_000
    statuses: int = 200
    days: int = 4000
    future_slack: float = 86_400.0
    held_names: int = 20_000
    hosts: int = 1000

    @property
    def held_days(self) -> int:
        """Return how many days may be held under one collector."""
        return max(1, self.days // 10)


@dataclass(slots=True)
class Mends:
    """What the script asked to be changed, by the key of a day, before it applies a group."""

    closed_before: str = ""
    pinned: frozenset[str] = frozenset()  # closed days that do not lie before that one
    list_names: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    statuses: dict[str, set[str]] = field(default_factory=dict)

    def renamed(self, key: str, increment: HostIncrement) -> HostIncrement:
        """The increment with refused names and statuses charged where there is room."""
        names, statuses = self.names.get(key, ()), self.statuses.get(key, ())
        if not names and not statuses:
            return increment

        def new_key(key: str) -> str:
            name, service, status = key.split("|")
            name = OVERFLOW if name in names else name
            return f"{name}|{service}|{OTHER_STATUS if status in statuses else status}"

        return rename(increment, new_key)


def ledger_entry(keys: StateKeys, header: BatchHeader, *, quarantined: bool) -> dict[str, Any]:
    """What ledger.lua needs of a batch."""
    # Not header.lines: a header in quarantine may contradict itself, and the sums must hold.
    counts = {"lines": header.records + sum(header.malformed.values())}
    counts["quarantined" if quarantined else "records"] = header.records
    counts |= {f"malformed:{reason}": n for reason, n in header.malformed.items()}
    return {
        "id": header.collector_id,
        "epoch": str(header.epoch),
        "nonce": header.nonce,
        "seq": header.seq,
        "watermark": header.watermark,
        "clock": str(header.clock),
        "state_clock": str(header.state_clock),
        "progress": header.progress,
        "records": str(header.records),
        "host": header.host,
        "registration": keys.registration(header.host),
        "said": keys.said(header.collector_id),
        "ledger": keys.ledger(header.collector_id),
        "ahead": keys.ahead(header.collector_id),
        "checksum": header.checksum,
        "checksums": keys.checksums(header.collector_id),
        "checksums_kept": CHECKSUMS_KEPT,
        "payload": header.payload_key,
        "counts": {name: str(count) for name, count in counts.items() if count},
    }


def batch_entry(keys: StateKeys, batch: Batch) -> dict[str, Any]:
    """What commit.lua needs of a batch that is to be counted."""
    entry = ledger_entry(keys, batch.header, quarantined=False) | {
        "named_key": keys.named(batch.header.host),
        "named": sorted({*batch.columns.hosts} - {batch.header.host}),
    }
    if batch.kept is None:
        return entry
    records = batch.header.records
    # Its lines, and what was malformed, were counted when it was kept aside.
    counts = {"records": str(records), "quarantined": str(-records)} if records else {}
    return entry | {"counts": counts, "kept": kept_entry(keys, batch.kept)}


def kept_entry(keys: StateKeys, kept: Kept) -> dict[str, Any]:
    """Where ledger.lua finds what was kept aside."""
    return {
        "key": keys.quarantine,
        "sums_key": keys.quarantine_sums,
        "entry": kept.entry,
        "reason": kept.reason,
    }


def heartbeat_entry(keys: StateKeys, heartbeat: Heartbeat) -> dict[str, Any]:
    """What commit.lua needs of a heartbeat."""
    return {
        "id": heartbeat.collector_id,
        "epoch": str(heartbeat.epoch),
        "nonce": heartbeat.nonce,
        "after_seq": heartbeat.after_seq,
        "watermark": heartbeat.watermark,
        "clock": str(heartbeat.clock),
        "state_clock": str(heartbeat.state_clock),
        "host": heartbeat.host,
        "registration": keys.registration(heartbeat.host),
        "said": keys.said(heartbeat.collector_id),
        "ledger": keys.ledger(heartbeat.collector_id),
        "ahead": keys.ahead(heartbeat.collector_id),
        "status": heartbeat.status or "",
        "status_digest": digest_of(heartbeat.status or ""),
    }


def day_entries(
    keys: StateKeys, increments: Increments, mends: Mends, caps: Caps
) -> list[dict[str, Any]]:
    """What commit.lua needs of each day, in the totals' book or the late one."""
    entries = []
    for day, hosts in increments.items():
        late = day.isoformat() < mends.closed_before or day.isoformat() in mends.pinned
        book = keys.late if late else keys.totals
        entries.append(_day_entry(book, day, hosts, mends, caps) | {"late": late})
    return entries


def held_entries(
    keys: StateKeys, collector_id: str, increments: Increments, mends: Mends, caps: Caps
) -> list[dict[str, Any]]:
    """Return what commit.lua needs of each day that is held under a collector."""
    book, holder = keys.held(collector_id), {"holder": collector_id}
    return [_day_entry(book, day, hosts, mends, caps) | holder for day, hosts in increments.items()]


def _day_entry(
    book: Book, day: date, hosts: dict[str, HostIncrement], mends: Mends, caps: Caps
) -> dict[str, Any]:
    key = book.day(day)
    renamed = {host: mends.renamed(key, increment) for host, increment in hosts.items()}
    entry = _sums_entry(book, day, renamed, caps)
    if key in mends.list_names:
        names = set().union(*(increment.names() for increment in renamed.values()))
        entry["names"] = sorted(names - RESERVED_NAMES)
    return entry


def _sums_entry(
    book: Book, day: date, increments: dict[str, HostIncrement], caps: Caps
) -> dict[str, Any]:
    sums = zip(*(increment.sums() for increment in increments.values()), strict=True)
    messages, size, extra = map(sum, sums)
    statuses = set().union(*(increment.statuses() for increment in increments.values()))
    hosts = [_host_entry(book, day, host, increment) for host, increment in increments.items()]
    return {
        "day": day.isoformat(),
        "ordinal": day.toordinal(),
        "key": book.day(day),
        "days_key": book.days,
        "hosts_key": book.hosts(day),
        "names_key": book.names(day),
        "statuses_key": book.statuses(day),
        "name_cap": caps.names,
        "status_cap": caps.statuses,
        "name_count": sum(len(host["names"]) for host in hosts),
        "statuses": sorted(statuses - NEVER_CAPPED),
        "messages": str(messages),
        "bytes": str(size),
        "transferred": str(size + extra),
        "hosts": hosts,
    }


def _host_entry(book: Book, day: date, host: str, increment: HostIncrement) -> dict[str, Any]:
    values = pack(increment)
    return {
        "host": host,
        "sums_key": book.sums(day, host),
        "names": list(values),
        "values": list(values.values()),
    }
