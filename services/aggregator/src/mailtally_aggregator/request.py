"""The argument of commit.lua: a group of batches and what they add, in plain values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_aggregator.hosted import NOT_HOSTED
from mailtally_aggregator.merge import HostIncrement, Increments, rename
from mailtally_aggregator.packed_sums import pack
from mailtally_shared.columns import KNOWN_STATUSES, OTHER_STATUS, Columns

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
    """How many distinct names and unknown statuses a day may have, and how many days there are."""

    names: int = 2_000_000
    statuses: int = 200
    days: int = 4000


@dataclass(slots=True)
class Mends:
    """What the script asked to be changed, by day, before it applies a group."""

    closed_before: str = ""
    list_names: set[date] = field(default_factory=set)
    names: dict[date, set[str]] = field(default_factory=dict)
    statuses: dict[date, set[str]] = field(default_factory=dict)

    def renamed(self, day: date, increment: HostIncrement) -> HostIncrement:
        """The increment with refused names and statuses charged where there is room."""
        names, statuses = self.names.get(day, ()), self.statuses.get(day, ())
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
        "seq": header.seq,
        "watermark": header.watermark,
        "progress": header.progress,
        "records": str(header.records),
        "registration": keys.registration(header.host),
        "ledger": keys.ledger(header.collector_id),
        "ahead": keys.ahead(header.collector_id),
        "payload": header.payload_key,
        "counts": {name: str(count) for name, count in counts.items() if count},
    }


def batch_entry(keys: StateKeys, batch: Batch) -> dict[str, Any]:
    """What commit.lua needs of a batch that is to be counted."""
    entry = ledger_entry(keys, batch.header, quarantined=False)
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
        "after_seq": heartbeat.after_seq,
        "watermark": heartbeat.watermark,
        "registration": keys.registration(heartbeat.host),
        "ledger": keys.ledger(heartbeat.collector_id),
    }


def day_entries(
    keys: StateKeys, increments: Increments, mends: Mends, caps: Caps
) -> list[dict[str, Any]]:
    """What commit.lua needs of each day, in the totals' book or the late one."""
    entries = []
    for day, hosts in increments.items():
        late = day.isoformat() < mends.closed_before
        renamed = {host: mends.renamed(day, increment) for host, increment in hosts.items()}
        book = keys.late if late else keys.totals
        entry = _day_entry(book, day, renamed, caps)
        if day in mends.list_names:
            names = set().union(*(increment.names() for increment in renamed.values()))
            entry["names"] = sorted(names - RESERVED_NAMES)
        entries.append(entry)
    return entries


def _day_entry(
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
