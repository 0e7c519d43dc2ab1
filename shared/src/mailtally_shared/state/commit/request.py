"""The argument of commit.lua: a group of batches and their increments, in plain values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailtally_shared.days.charging import NOT_HOSTED
from mailtally_shared.schema import KNOWN_STATUSES, OTHER_STATUS
from mailtally_shared.state.commit.merge import Increments, PlaceIncrement, rename
from mailtally_shared.state.hours.packed import pack as pack_hours
from mailtally_shared.state.keys import CHECKSUMS_KEPT
from mailtally_shared.state.packed_sums import pack
from mailtally_shared.wire.status import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mailtally_shared.state.commit.batch import Batch, Kept
    from mailtally_shared.state.hours.counted import CountedHours
    from mailtally_shared.state.keys import Book, StateKeys
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat

OVERFLOW = "(overflow)"
#: Names that are never refused for lack of room.
RESERVED_NAMES = frozenset({OVERFLOW, NOT_HOSTED})
#: Parts of a day's hours beyond which its hours are no longer counted. The day writer keeps them
#: to a few dozen; without one, they would grow with each commit.
MOST_PARTS = 20_000
NEVER_CAPPED = KNOWN_STATUSES | {OTHER_STATUS}


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits of a state.

    Attributes:
        names: distinct names per day.
        statuses: distinct unknown statuses per day.
        days: days with totals; a collector may have a tenth as many days held.
        future_slack: seconds that a record may be ahead of time before it is held.
        held_names: names held under one collector, added up over days and hosts.
        hosts: host names that the lines of one host's collectors may contain.
    """

    names: int = 2_000_000
    statuses: int = 200
    days: int = 4000
    future_slack: float = 86_400.0
    held_names: int = 20_000
    hosts: int = 1000

    @property
    def held_days(self) -> int:
        """The number of days that may be held under one collector."""
        return max(1, self.days // 10)


@dataclass(slots=True)
class Mends:
    """The corrections that the script asked for, by the key of a day, before it applies a group."""

    closed_before: str = ""
    pinned: frozenset[str] = frozenset()  # closed days at or after that one
    list_names: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    statuses: dict[str, set[str]] = field(default_factory=dict)

    def renamed(self, key: str, increment: PlaceIncrement) -> PlaceIncrement:
        """Return the increment with refused names and statuses counted under those for the rest."""
        return capped(increment, self.names.get(key, set()), self.statuses.get(key, set()))


def capped(increment: PlaceIncrement, names: set[str], statuses: set[str]) -> PlaceIncrement:
    """Return the increment with names charged to ``(overflow)`` and statuses to ``other``."""
    if not names and not statuses:
        return increment

    def new_key(key: str) -> str:
        name, service, status = key.split("|")
        name = OVERFLOW if name in names else name
        return f"{name}|{service}|{OTHER_STATUS if status in statuses else status}"

    return rename(increment, new_key)


def _message_entry(keys: StateKeys, message: BatchHeader | Heartbeat) -> dict[str, Any]:
    """Return the values of either kind of message that ledger.lua needs."""
    return {
        "id": message.collector_id,
        "epoch": str(message.epoch),
        "nonce": message.nonce,
        "watermark": message.watermark,
        "clock": str(message.clock),
        "state_clock": str(message.state_clock),
        "host": message.host,
        "registration": keys.registration(message.host),
        "said": keys.said(message.collector_id),
        "ledger": keys.ledger(message.collector_id),
        "ahead": keys.ahead(message.collector_id),
    }


def ledger_entry(keys: StateKeys, header: BatchHeader, *, quarantined: bool) -> dict[str, Any]:
    """Return the values of a batch that ledger.lua needs."""
    # Not header.lines: a quarantined header may contradict itself, and the sums must hold.
    counts = {"lines": header.records + sum(header.malformed.values())}
    counts["quarantined" if quarantined else "records"] = header.records
    counts |= {f"malformed:{reason}": n for reason, n in header.malformed.items()}
    return _message_entry(keys, header) | {
        "seq": header.seq,
        "progress": header.progress,
        "records": str(header.records),
        "checksum": header.checksum,
        "checksums": keys.checksums(header.collector_id),
        "checksums_kept": CHECKSUMS_KEPT,
        "payload": header.payload_key,
        "counts": {name: str(count) for name, count in counts.items() if count},
    }


def batch_entry(keys: StateKeys, batch: Batch) -> dict[str, Any]:
    """Return the values that commit.lua needs of a batch to be counted."""
    entry = ledger_entry(keys, batch.header, quarantined=False) | {
        "named_key": keys.named(batch.header.host),
        "named": sorted({*batch.rows.hosts} - {batch.header.host}),
    }
    if batch.kept is None:
        return entry
    records = batch.header.records
    # Its lines, and the malformed ones, were counted when it was quarantined.
    counts = {"records": str(records), "quarantined": str(-records)} if records else {}
    return entry | {"counts": counts, "kept": kept_entry(keys, batch.kept)}


def kept_entry(keys: StateKeys, kept: Kept) -> dict[str, Any]:
    """Return the place of an entry of the quarantine, for ledger.lua."""
    return {
        "key": keys.quarantine,
        "sums_key": keys.quarantine_sums,
        "entry": kept.entry,
        "reason": kept.reason,
    }


def heartbeat_entry(keys: StateKeys, heartbeat: Heartbeat) -> dict[str, Any]:
    """Return the values of a heartbeat that commit.lua needs."""
    return _message_entry(keys, heartbeat) | {
        "after_seq": heartbeat.after_seq,
        "status": heartbeat.status or "",
        "status_digest": digest_of(heartbeat.status or ""),
    }


@dataclass(frozen=True, slots=True)
class Additions:
    """What is added to some days: their increments, and by hour where hours are counted."""

    increments: Increments
    hours: Mapping[date, CountedHours] = field(default_factory=dict)


def day_entries(
    keys: StateKeys, added: Additions, mends: Mends, caps: Caps
) -> list[dict[str, Any]]:
    """Return the values of each day that commit.lua needs, for the totals or the late book.

    The late book has no hours: those of its days have left the state.
    """
    entries = []
    for day in added.increments:
        late = day.isoformat() < mends.closed_before or day.isoformat() in mends.pinned
        book = keys.late if late else keys.totals
        more = Additions(added.increments) if late else added
        entries.append(_day_entry(book, day, more, mends, caps) | {"late": late})
    return entries


def held_entries(
    keys: StateKeys, collector_id: str, added: Additions, mends: Mends, caps: Caps
) -> list[dict[str, Any]]:
    """Return the values that commit.lua needs of each day held under a collector."""
    book, holder = keys.held(collector_id), {"holder": collector_id}
    return [_day_entry(book, day, added, mends, caps) | holder for day in added.increments]


def _day_entry(book: Book, day: date, added: Additions, mends: Mends, caps: Caps) -> dict[str, Any]:
    places, hours = added.increments[day], added.hours.get(day)
    key = book.day(day)
    renamed = {place: mends.renamed(key, increment) for place, increment in places.items()}
    entry = _sums_entry(book, day, renamed, caps)
    if key in mends.list_names:
        names = set().union(*(increment.names() for increment in renamed.values()))
        entry["names"] = sorted(names - RESERVED_NAMES)
    by_hour = hours and hours.renamed(mends.names.get(key, ()), OVERFLOW)
    return entry | {
        "hours_key": book.hours(day),
        "hours": pack_hours(by_hour) if by_hour else b"",
    }


def _sums_entry(
    book: Book, day: date, increments: dict[str, PlaceIncrement], caps: Caps
) -> dict[str, Any]:
    sums = zip(*(increment.sums() for increment in increments.values()), strict=True)
    messages, size, extra = map(sum, sums)
    statuses = set().union(*(increment.statuses() for increment in increments.values()))
    places = [_place_entry(book, day, *each) for each in increments.items()]
    return {
        "day": day.isoformat(),
        "ordinal": day.toordinal(),
        "key": book.day(day),
        "days_key": book.days,
        "places_key": book.places(day),
        "names_key": book.names(day),
        "statuses_key": book.statuses(day),
        "name_cap": caps.names,
        "status_cap": caps.statuses,
        "name_count": sum(len(place["names"]) for place in places),
        "statuses": sorted(statuses - NEVER_CAPPED),
        "messages": str(messages),
        "bytes": str(size),
        "transferred": str(size + extra),
        "places": places,
    }


def _place_entry(book: Book, day: date, place: str, increment: PlaceIncrement) -> dict[str, Any]:
    values = pack(increment)
    return {
        "place": place,
        "sums_key": book.sums(day, place),
        "names": list(values),
        "values": list(values.values()),
    }
