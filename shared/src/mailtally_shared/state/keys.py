"""The names of all keys of the state. No other module spells one.

All keys share one hash tag, so that one Lua script may touch any of them, on a
Redis Cluster as well. ``docs/state.md`` shows what lies under each.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

#: Written first; a state without it is empty.
FORMAT = "3"
#: Numbers below a collector's high-water mark whose batches' checksums the ledger keeps. No window
#: is larger, so no batch that is under way is without one.
CHECKSUMS_KEPT = 512
#: Hex digits of a collector's id that tell its host; the other 20 are a secret.
_MARK = 12


def host_mark(host: str) -> str:
    """What the ids of a host's collectors begin with.

    A collector's rights in Redis are given by it, before its id is known:
    ``deploy/redis/make-acl`` makes the same.
    """
    return hashlib.sha256(host.encode("ascii")).hexdigest()[:_MARK]


class StateKeys:
    """Key names under one prefix, so that several clusters may share a server."""

    def __init__(self, prefix: str = "mailtally") -> None:
        #: What every key begins with; Redis Cluster routes by it.
        self.tag = "{" + prefix + "}"

    def _key(self, *parts: object) -> str:
        return ":".join((self.tag, *map(str, parts)))

    @property
    def format(self) -> str:
        """String: the state's format version."""
        return self._key("format")

    @property
    def history(self) -> str:
        """Hash: ``id`` of the state's history and its ``commits``."""
        return self._key("history")

    @property
    def histories(self) -> str:
        """Sorted set: former history ids, scored by the commits at which each ended."""
        return self._key("histories")

    @property
    def hosts(self) -> str:
        """Set: the collector host names known."""
        return self._key("hosts")

    def registration(self, host: str) -> str:
        """Hash: the collector that owns a host name: ``id``, ``epoch``, ``nonce``, ``machine``."""
        return self._key("registration", host)

    @property
    def collectors(self) -> str:
        """Set: every collector id that ever registered."""
        return self._key("collectors")

    def ledger(self, collector_id: str) -> str:
        """Hash: ``hwm``, ``watermark``, ``progress``, and sums of lines and records."""
        return self._key("ledger", collector_id)

    def said(self, collector_id: str) -> str:
        """Hash: a collector's own words: ``host``, ``predecessor``, ``passed``, ``history``."""
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
        """String with expiry: a collector's sign of life."""
        return self._key("alive", collector_id, nonce)

    def payload(self, collector_id: str, seq: int, checksum: str) -> str:
        """String: a batch's payload until it is applied."""
        return self._key("payload", collector_id, seq, checksum)

    def missing(self, collector_id: str) -> str:
        """Hash: UTC hour since 1970 → numbers of batches that touched it and are lost."""
        return self._key("missing", collector_id)

    @property
    def pinned(self) -> str:
        """Hash: ISO date of a day that left the state → revision and hash of its last files."""
        return self._key("pinned")

    @property
    def stopped(self) -> str:
        """Hash: ISO date of a day that is not written → why."""
        return self._key("stopped")

    @property
    def closed_before(self) -> str:
        """String: ISO date; the totals of earlier days are gone, their records come late."""
        return self._key("closed-before")

    @property
    def retired(self) -> str:
        """Hash: sums over the days whose totals are gone."""
        return self._key("retired")

    @property
    def totals(self) -> Book:
        """The daily totals."""
        return Book(self._key())

    @property
    def late(self) -> Book:
        """What came after its day's totals were gone: kept aside, in the same shape."""
        return Book(self._key("late"))

    def held(self, collector_id: str) -> Book:
        """Return the book of a collector's records that lie too far ahead of time."""
        return Book(self._key("held", collector_id))

    @property
    def held_records(self) -> str:
        """Hash: collector id → records held under it now."""
        return self._key("held")

    @property
    def held_names(self) -> str:
        """Hash: collector id → names held under it, added up over days and hosts; it caps them."""
        return self._key("held", "names")

    @property
    def held_dropped(self) -> str:
        """Hash: collector id → records that were held and dropped by an operator."""
        return self._key("held", "dropped")

    @property
    def poison(self) -> str:
        """Hash: ``id:seq`` → how often a batch proved unusable."""
        return self._key("poison")

    @property
    def quarantine(self) -> str:
        """Hash: entry → a batch kept aside whole, packed."""
        return self._key("quarantine")

    @property
    def quarantine_sums(self) -> str:
        """Hash: ``batches``, ``records``, ``bytes`` and a count a reason."""
        return self._key("quarantine", "sums")

    @property
    def quarantine_moved(self) -> str:
        """Hash: entry → SHA-1 of what was moved out to a file, until it is brought back."""
        return self._key("quarantine", "moved")

    @property
    def writer_lease(self) -> str:
        """String with expiry: the fencing token of the day writer at work."""
        return self._key("writer", "lease")

    @property
    def policy(self) -> str:
        """String: JSON, the site policy."""
        return self._key("policy")

    @property
    def hosted(self) -> str:
        """Hash: machine of an aggregator → JSON, the list of hosted domains that it goes by."""
        return self._key("hosted")

    @property
    def writer_clocks(self) -> str:
        """String: JSON, why no day is closed now; absent while the clocks agree."""
        return self._key("writer", "clocks")

    @property
    def everything_lasting(self) -> tuple[str, str]:
        """Glob patterns: all keys, and the payloads among them, which do not last."""
        return self._key("*"), self._key("payload", "*")


class Book:
    """Totals by day: the same keys for those that are billed and those that came late."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _key(self, *parts: object) -> str:
        return ":".join((self._prefix, *map(str, parts)))

    @property
    def days(self) -> str:
        """Sorted set: the days with totals, ISO date scored by its ordinal."""
        return self._key("days")

    @property
    def opened(self) -> str:
        """Hash: day → id of the collector whose records opened it."""
        return self._key("days", "opened")

    def day(self, day: date) -> str:
        """Hash: a day's sums, ``changes``, ``revision`` and what was written of it."""
        return self._key("day", day)

    def hosts(self, day: date) -> str:
        """Set: the hosts with totals on a day."""
        return self._key("day", day, "hosts")

    def names(self, day: date) -> str:
        """Set: the distinct names charged on a day; it caps them."""
        return self._key("day", day, "names")

    def statuses(self, day: date) -> str:
        """Set: the distinct unknown statuses of a day; it caps them."""
        return self._key("day", day, "statuses")

    def sums(self, day: date, host: str) -> str:
        """Hash: charged name → its sums of every service and status, packed."""
        return self._key("totals", day, host)
