"""Read the totals out of the state: the days, what they hold, how far collectors are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from mailtally_aggregator.gaps import unpacked
from mailtally_aggregator.host_sums import add, parted, pieces
from mailtally_aggregator.said import Place, hosts, owners, read_up_to, said
from mailtally_aggregator.watermark import DayState
from mailtally_shared.day_files import Gathering
from mailtally_shared.errors import Refused
from mailtally_shared.state.client import State, unavailable_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.day_files import DayRows
    from mailtally_shared.state.keys import Book, StateKeys

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class DayTotals:
    """All that was counted of a day, at one moment; ``changes`` tells which."""

    changes: int
    messages: int
    bytes: int
    transferred: int
    rows: DayRows


class Totals:
    """Reader of one state's totals."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self.state = self._state = state
        self._keys = keys

    def days(self, book: Book | None = None) -> list[DayState]:
        """Every day with totals, oldest first."""
        book = book or self._keys.totals
        with unavailable_errors():
            names = cast("list[bytes]", self._state.zrange(book.days, 0, -1))
            days = [date.fromisoformat(name.decode("ascii")) for name in names]
            pipeline = self._state.pipeline(transaction=False)
            for day in days:
                pipeline.hgetall(book.day(day))
            found = pipeline.execute()
        return [_day_state(day, fields) for day, fields in zip(days, found, strict=True) if fields]

    def read(self, day: date, book: Book | None = None) -> DayTotals:
        """A day's totals, all of one moment.

        Read piece by piece while nothing changes meanwhile; as one transaction,
        which holds up commits, only when something keeps changing.
        """
        book = book or self._keys.totals
        with unavailable_errors():
            for _ in range(_ATTEMPTS):
                if totals := self._read_in_pieces(day, book):
                    return totals
            return self._read_at_once(day, book)

    def hosts(self, day: date, book: Book | None = None) -> list[str]:
        """The hosts of which something was counted on a day, by name."""
        book = book or self._keys.totals
        with unavailable_errors():
            members = cast("set[bytes]", self._state.smembers(book.hosts(day)))
        return sorted(name.decode("ascii") for name in members)

    def watermarks(self, expected: Iterable[str] = ()) -> dict[str, float]:
        """Return up to when each known collector's host is read: those expected and those seen.

        A name that no collector registered under is not seen: each may add names to the set.
        """
        owned = owners(self._state, self._keys, hosts(self._state, self._keys))
        places = [Place(self._keys.registration(host), "nonce") for host in owned]
        starts = said(self._state, places)
        with unavailable_errors():
            pipeline = self._state.pipeline(transaction=False)
            for owner in owned.values():
                pipeline.hmget(self._keys.ledger(owner), "nonce", "watermark")
            ledgers = pipeline.execute()
        found = {
            host: float(read_up_to(registered, *word))
            for host, registered, word in zip(owned, starts, ledgers, strict=True)
        }
        return dict(sorted((dict.fromkeys(expected, 0.0) | found).items()))

    def statuses(self) -> dict[str, bytes]:
        """The status documents of the hosts' collectors, as they came; empty for none."""
        known = hosts(self._state, self._keys)
        found = dict.fromkeys(known, b"")
        for host, owner in owners(self._state, self._keys, known).items():
            with unavailable_errors():
                found[host] = self._hget(self._keys.ledger(owner), "status") or b""
        return found

    def _hget(self, key: str, field: str) -> bytes | None:
        return cast("bytes | None", self._state.hget(key, field))

    def _read_in_pieces(self, day: date, book: Book) -> DayTotals | None:
        """A day's totals, or nothing where they changed meanwhile."""
        fields = cast("dict[bytes, bytes]", self._state.hgetall(book.day(day)))
        gathered, expected, found = Gathering(), 0, 0
        for host in self.hosts(day, book):
            key = book.sums(day, host)
            expected += self._state.hlen(key)
            for piece in pieces(self._state, key):
                add(gathered, host, piece)
                found += len(piece.names)
        # A scan may give a name twice where a hash is being rearranged.
        if found != expected or self._hget(book.day(day), "changes") != fields.get(b"changes"):
            return None
        return _day_totals(fields, gathered.rows())

    def _read_at_once(self, day: date, book: Book) -> DayTotals:
        hosts = self.hosts(day, book)
        pipeline = self._state.pipeline(transaction=True)
        pipeline.hgetall(book.day(day))
        for host in hosts:
            pipeline.hgetall(book.sums(day, host))
        fields, *hashes = pipeline.execute()
        gathered = Gathering()
        for host, sums in zip(hosts, hashes, strict=True):
            for piece in parted(sums):
                add(gathered, host, piece)
        return _day_totals(fields, gathered.rows())


def _day_totals(fields: dict[bytes, bytes], rows: DayRows) -> DayTotals:
    return DayTotals(
        changes=_number(fields.get(b"changes")),
        messages=_number(fields.get(b"messages")),
        bytes=_number(fields.get(b"bytes")),
        transferred=_number(fields.get(b"transferred")),
        rows=rows,
    )


def _day_state(day: date, fields: dict[bytes, Any]) -> DayState:
    written, stopped = fields.get(b"written_changes"), fields.get(b"stopped_changes")
    return DayState(
        day=day,
        changes=_number(fields.get(b"changes")),
        since=float(_number(fields.get(b"since"))),
        changed_at=float(_number(fields.get(b"changed_at"))),
        written_changes=None if written is None else int(written),
        written_at=None if written is None else float(fields[b"written_at"]),
        complete=fields.get(b"complete") == b"1",
        incomplete=unpacked(fields.get(b"incomplete")),
        has_missing=bool(fields.get(b"missing")),
        stopped_changes=None if stopped is None else int(stopped),
    )


def _number(value: bytes | None) -> int:
    return int(value or 0)


def check_conservation(day: str, totals: DayTotals) -> None:
    """The rows must add up to the day's own sums; a file that does not is never written."""
    messages, sizes, transferred = totals.rows.sums()
    if (messages, sizes, transferred) != (totals.messages, totals.bytes, totals.transferred):
        raise Refused(
            f"The totals of {day} in Redis do not add up: {messages} messages and {sizes} bytes "
            f"in its rows, {totals.messages} and {totals.bytes} in its sums. Keys were lost or "
            "changed from outside; check that Redis never evicts (maxmemory-policy noeviction)."
        )
