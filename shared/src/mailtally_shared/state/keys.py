"""The names of all keys of the state. No other module spells one.

All keys share one hash tag, so that one Lua script may access any of them, on a
Redis Cluster as well. ``docs/reference/state.md`` describes the content of each.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

#: The format of the state. It is written first; a state without it is empty.
FORMAT = "4"
#: Number of batches below a collector's high-water mark whose checksums the ledger keeps. No
#: window is larger, so every batch in transit has one.
CHECKSUMS_KEPT = 512
#: Hex digits of a collector's id that identify its host; the other 20 are a secret.
_MARK = 12


def host_mark(host: str) -> str:
    """Return the prefix of the ids of a host's collectors.

    A collector's rights in Redis are granted by it, before its id is known:
    ``deploy/redis/make-acl`` computes the same.
    """
    return hashlib.sha256(host.encode("ascii")).hexdigest()[:_MARK]


class _Keys(Protocol):
    def _key(self, *parts: object) -> str: ...


class Named:
    """A key of one name; ``doc`` states its type in Redis, and its content."""

    def __init__(self, *parts: str, doc: str) -> None:
        self._parts = parts
        self.__doc__ = doc

    @overload
    def __get__(self, keys: None, owner: type) -> Named: ...
    @overload
    def __get__(self, keys: _Keys, owner: type) -> str: ...
    def __get__(self, keys: _Keys | None, owner: type) -> Named | str:
        """Return its name under the prefix of the keys."""
        return self if keys is None else keys._key(*self._parts)  # noqa: SLF001 - their own part


class StateKeys:
    """Key names under one prefix, so that several clusters may share a server."""

    format = Named("format", doc="String: the state's format version.")
    history = Named("history", doc="Hash: ``id`` of the state's history and its ``commits``.")
    histories = Named(
        "histories",
        doc="Sorted set: former history ids, scored by the commits at which each ended.",
    )
    hosts = Named("hosts", doc="Set: the collector host names known.")
    collectors = Named("collectors", doc="Set: every collector id that ever registered.")
    pinned = Named(
        "pinned",
        doc="Hash: ISO date of a day that left the state → revision and hash of its last files.",
    )
    stopped = Named("stopped", doc="Hash: ISO date of a day that is not written → the reason.")
    closed_before = Named(
        "closed-before",
        doc="String: ISO date; the totals of earlier days are gone, and their records are late.",
    )
    retired = Named("retired", doc="Hash: sums over the days whose totals are gone.")
    held_records = Named("held", doc="Hash: collector id → records held under it now.")
    held_names = Named(
        "held",
        "names",
        doc="Hash: collector id → names held under it, added up over days and hosts; it caps them.",
    )
    held_dropped = Named(
        "held",
        "dropped",
        doc="Hash: collector id → records that were held and dropped by an operator.",
    )
    poison = Named("poison", doc="Hash: ``id:seq`` → number of times that a batch proved unusable.")
    quarantine = Named("quarantine", doc="Hash: entry → a quarantined batch, whole and packed.")
    quarantine_sums = Named(
        "quarantine",
        "sums",
        doc="Hash: ``batches``, ``records``, ``bytes`` and a count for each reason.",
    )
    quarantine_moved = Named(
        "quarantine",
        "moved",
        doc="Hash: entry → SHA-1 of what was exported to a file, until it is imported again.",
    )
    writer_lease = Named(
        "writer", "lease", doc="String with expiry: the fencing token of the day writer at work."
    )
    policy = Named("policy", doc="String: JSON, the site policy.")
    hosted = Named(
        "hosted",
        doc="Hash: machine of an aggregator → JSON, the list of hosted domains that it uses.",
    )
    writer_clocks = Named(
        "writer",
        "clocks",
        doc="String: JSON, why no day is closed at present; absent while the clocks agree.",
    )
    snapshot = Named(
        "snapshot", doc="Hash with expiry: ``token`` and limits of the snapshot being copied."
    )
    journal = Named(
        "snapshot", "journal", doc="List with expiry: what was written since that copying began."
    )

    def __init__(self, prefix: str = "mailtally") -> None:
        #: The prefix of every key; Redis Cluster routes by it.
        self.tag = "{" + prefix + "}"
        #: The daily totals.
        self.totals = Book(self._key())
        #: The records that came after their day's totals were gone, in the same shape.
        self.late = Book(self._key("late"))

    def _key(self, *parts: object) -> str:
        return ":".join((self.tag, *map(str, parts)))

    def registration(self, host: str) -> str:
        """Hash: the collector that owns a host name: ``id``, ``epoch``, ``nonce``, ``machine``."""
        return self._key("registration", host)

    def ledger(self, collector_id: str) -> str:
        """Hash: ``hwm``, ``watermark``, ``progress``, and sums of lines and records."""
        return self._key("ledger", collector_id)

    def said(self, collector_id: str) -> str:
        """Hash: statements of a collector: ``host``, ``predecessor``, ``passed``, ``history``."""
        return self._key("said", collector_id)

    def named(self, host: str) -> str:
        """Set: the host names that the lines of one host's collectors named; it caps them."""
        return self._key("named", host)

    def ahead(self, collector_id: str) -> str:
        """Hash: batches applied above ``hwm``: seq → packed watermark and progress."""
        return self._key("ahead", collector_id)

    def checksums(self, collector_id: str) -> str:
        """Hash: the batches applied last, seq → checksum of the payload."""
        return self._key("checksums", collector_id)

    def alive(self, collector_id: str, nonce: str) -> str:
        """String with expiry: a collector's sign of life."""  # noqa: D401 - its type comes first
        return self._key("alive", collector_id, nonce)

    def payload(self, collector_id: str, seq: int, checksum: str) -> str:
        """String: a batch's payload until it is applied."""  # noqa: D401 - its type comes first
        return self._key("payload", collector_id, seq, checksum)

    def missing(self, collector_id: str) -> str:
        """Hash: UTC hour since 1970 → numbers of batches that touched it and are lost."""
        return self._key("missing", collector_id)

    def journal_rest(self, token: str) -> str:
        """List with expiry: the end of a snapshot's journal, to be taken after its cut."""
        return self._key("snapshot", "rest", token)

    def held(self, collector_id: str) -> Book:
        """Return the book of a collector's records that are dated too far in the future."""
        return Book(self._key("held", collector_id))

    @property
    def everything_lasting(self) -> tuple[str, str]:
        """Glob patterns: all keys, and the payloads among them, which do not last."""
        return self._key("*"), self._key("payload", "*")

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Keys that are also written without a script: not recorded while a snapshot is copied."""
        return self.hosts, self.collectors, self.policy, self.hosted, self.writer_clocks

    @property
    def unrecorded_prefixes(self) -> tuple[str, ...]:
        """Prefixes of further such keys, of one host or one collector each."""
        return self.registration(""), self.said(""), self.missing("")


class Book:
    """Totals by day: the same keys for the billed ones and for late or held ones."""

    days = Named("days", doc="Sorted set: the days with totals, ISO date scored by its ordinal.")
    opened = Named("days", "opened", doc="Hash: day → id of the collector whose records opened it.")

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _key(self, *parts: object) -> str:
        return ":".join((self._prefix, *map(str, parts)))

    def day(self, day: date) -> str:
        """Hash: a day's sums, ``changes``, ``revision`` and the facts of its last writing."""
        return self._key("day", day)

    def places(self, day: date) -> str:
        """Set: the places, ``collector|host``, with totals on a day."""
        return self._key("day", day, "places")

    def names(self, day: date) -> str:
        """Set: the distinct names charged on a day; it caps them."""
        return self._key("day", day, "names")

    def statuses(self, day: date) -> str:
        """Set: the distinct unknown statuses of a day; it caps them."""
        return self._key("day", day, "statuses")

    def hours(self, day: date) -> str:
        """List: what commits added to a day's hours, packed; the day writer adds up neighbours."""
        return self._key("hours", day)

    def sums(self, day: date, place: str) -> str:
        """Hash: charged name at a place → its sums of every service and status, packed."""
        return self._key("totals", day, place)


def parts_of(book: Book, day: date, places: Iterable[str]) -> list[str]:
    """Return all keys of a day but its own, for the places with totals."""
    sums = [book.sums(day, place) for place in places]
    return [*sums, book.places(day), book.names(day), book.statuses(day), book.hours(day)]
