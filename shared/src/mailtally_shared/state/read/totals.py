"""Reading the totals from the state: the days, their sums, and the collectors' watermarks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from mailtally_shared.days import Gathering
from mailtally_shared.days.hour_rows import Hours
from mailtally_shared.days.watermark import Gap, gaps_of, named, touching
from mailtally_shared.errors import Refused
from mailtally_shared.schema import names_of
from mailtally_shared.state.client import State, unavailable_errors
from mailtally_shared.state.hours.compaction import unpacked
from mailtally_shared.state.hours.counted import joined
from mailtally_shared.state.packed_sums import unpack
from mailtally_shared.state.policy import check_format, check_policy
from mailtally_shared.state.read.live_day import LiveDay, live_day
from mailtally_shared.state.untrusted import (
    COLLECTOR,
    Place,
    names,
    own_ledgers,
    read_up_to,
    said,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayRows
    from mailtally_shared.state.keys import Book, StateKeys


#: Names read at a time; Redis serves other clients in between.
_PIECE = 5000


class Piece(NamedTuple):
    """Some names with their packed sums, as Redis returned them."""

    names: Sequence[bytes]
    values: Sequence[bytes]


def pieces(state: State, key: str) -> Iterator[Piece]:
    """All names of the hash of a place, piece by piece.

    Each name that exists from the first piece to the last is yielded, perhaps twice.
    """
    cursor = None
    while cursor != 0:
        answer = state.hscan(key, cursor or 0, count=_PIECE)
        cursor, found = cast("tuple[int, dict[bytes, bytes]]", answer)
        if found:
            yield Piece(list(found), list(found.values()))


def parted(found: dict[bytes, bytes]) -> Iterator[Piece]:
    """Yield the names of a hash that was read in one, piece by piece."""
    entries = iter(found.items())
    while some := list(islice(entries, _PIECE)):
        yield Piece(*zip(*some, strict=True))


def add(gathered: Gathering, place: str, piece: Piece) -> None:
    """Take a piece of a place over into the day's columns."""
    unpacked = unpack(piece.values)
    texts = [name.decode("ascii") for name in piece.names]
    kinds = [(*names_of(place), *kind) for kind in unpacked.kinds]
    messages, size, extra = unpacked.quantities
    gathered.add(
        [texts[value] for value in unpacked.value.tolist()],
        [kinds[kind] for kind in unpacked.kind.tolist()],
        cast("Sequence[Sequence[int]]", (messages, size, size + extra)),
    )


_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class DayTotals:
    """The totals of a day at one moment, which ``changes`` identifies.

    Attributes:
        hours: what is known of the day by hour at the same moment; ``None`` where hours are not
            counted or have left the state.
        hours_whole: whether the state says that all of the day was counted by hour as well, even
            if its hours have left; ``None`` where none of it was.
    """

    changes: int
    messages: int
    bytes: int
    transferred: int
    rows: DayRows
    hours: Hours | None = None
    hours_whole: bool | None = None


class Totals:
    """Reader of one state's totals."""

    def __init__(self, state: State, keys: StateKeys) -> None:
        self.state = self._state = state
        self._keys = keys

    def days(self, book: Book | None = None) -> list[LiveDay]:
        """Return every day with totals, oldest first: two round trips, however large they are."""
        book = book or self._keys.totals
        with unavailable_errors():
            found = cast("list[bytes]", self._state.zrange(book.days, 0, -1))
            days = [date.fromisoformat(name.decode("ascii")) for name in found]
            pipeline = self._state.pipeline(transaction=False)
            for day in days:
                pipeline.hgetall(book.day(day))
            fields_of = zip(days, pipeline.execute(), strict=True)
        # A day that was retired between the two trips has no fields left.
        return [live_day(day, fields) for day, fields in fields_of if fields]

    def read(self, day: date, book: Book | None = None, *, hours: bool = True) -> DayTotals:
        """Read a day's totals, all of one moment.

        It is read in pieces while nothing changes; as one transaction, which delays
        commits, only when changes continue.

        Args:
            day: the traffic day.
            book: the book with it; the billed totals by default.
            hours: whether its hours are read too.
        """
        book = book or self._keys.totals
        key = book.hours(day) if hours else None
        with unavailable_errors():
            for _ in range(_ATTEMPTS):
                if totals := self._read_in_pieces(day, book, key):
                    return totals
            while True:  # places are only added, and there are as many as collectors
                if totals := self._read_at_once(day, book, key):
                    return totals

    def places(self, day: date, book: Book | None = None) -> list[str]:
        """Return the places at which something was counted on a day, in order."""
        book = book or self._keys.totals
        with unavailable_errors():
            members = cast("set[bytes]", self._state.smembers(book.places(day)))
        return sorted(name.decode("ascii") for name in members)

    def holders(self) -> list[str]:
        """Return the ids of the collectors under which records are held, in order."""
        with unavailable_errors():
            found = cast("list[bytes]", self._state.hkeys(self._keys.held_records))
        return names(found, COLLECTOR)

    def watermarks(self, expected: Iterable[str] = ()) -> dict[str, float]:
        """Return the watermark of each known collector's host: those expected and those seen.

        A name that no collector registered is not seen: any collector may add names to the set.
        """
        ledgers = own_ledgers(self._state, self._keys, "nonce", "watermark")
        places = [Place(self._keys.registration(each.host), "nonce") for each in ledgers]
        starts = said(self._state, places)
        found = {
            each.host: float(read_up_to(registered, *each.fields))
            for each, registered in zip(ledgers, starts, strict=True)
        }
        return dict(sorted((dict.fromkeys(expected, 0.0) | found).items()))

    def statuses(self) -> dict[str, bytes]:
        """Return the status documents of the hosts' collectors, as received; empty for none."""
        ledgers = own_ledgers(self._state, self._keys, "status")
        return {each.host: each.fields[0] or b"" for each in ledgers}

    def _hget(self, key: str, field: str) -> bytes | None:
        return cast("bytes | None", self._state.hget(key, field))

    def _read_in_pieces(self, day: date, book: Book, hours: str | None) -> DayTotals | None:
        """Return a day's totals; ``None`` where they changed meanwhile."""
        fields = cast("dict[bytes, bytes]", self._state.hgetall(book.day(day)))
        gathered, expected, found = Gathering(), 0, 0
        for place in self.places(day, book):
            key = book.sums(day, place)
            expected += self._state.hlen(key)
            for piece in pieces(self._state, key):
                add(gathered, place, piece)
                found += len(piece.names)
        parts = None if hours is None else cast("list[bytes]", self._state.lrange(hours, 0, -1))
        # A scan may return a name twice while a hash is being rehashed.
        if found != expected or self._hget(book.day(day), "changes") != fields.get(b"changes"):
            return None
        return _day_totals(day, fields, gathered.rows(), parts)

    def _read_at_once(self, day: date, book: Book, hours: str | None) -> DayTotals | None:
        """Return a day's totals; ``None`` where a place was added before they were read."""
        places = self.places(day, book)
        pipeline = self._state.pipeline(transaction=True)
        pipeline.scard(book.places(day))
        pipeline.hgetall(book.day(day))
        for place in places:
            pipeline.hgetall(book.sums(day, place))
        if hours is not None:
            pipeline.lrange(hours, 0, -1)
        number, fields, *hashes = pipeline.execute()
        parts = None if hours is None else hashes.pop()
        if number != len(places):
            return None
        gathered = Gathering()
        for place, sums in zip(places, hashes, strict=True):
            for piece in parted(sums):
                add(gathered, place, piece)
        return _day_totals(day, fields, gathered.rows(), parts)


def _day_totals(
    day: date, fields: dict[bytes, bytes], rows: DayRows, parts: Sequence[bytes] | None
) -> DayTotals:
    own = live_day(day, fields)
    sums = own.messages, own.bytes, own.transferred
    hours = None
    if parts is not None and own.hours_whole is not None and not own.hours_left:
        by_hour = joined(list(unpacked(parts, day))).rows()
        hours = Hours(by_hour, whole=own.hours_whole and by_hour.sums() == sums)
    return DayTotals(own.changes, *sums, rows, hours, own.hours_whole)


def check_conservation(day: str, totals: DayTotals) -> None:
    """Refuse a day whose rows do not add up to its own sums: no file of it is written."""
    messages, sizes, transferred = totals.rows.sums()
    if (messages, sizes, transferred) != (totals.messages, totals.bytes, totals.transferred):
        raise Refused(
            f"The totals of {day} in Redis do not add up: {messages} messages and {sizes} bytes "
            f"in its rows, {totals.messages} and {totals.bytes} in its sums. Keys were lost or "
            "changed from outside; check that Redis never evicts (maxmemory-policy noeviction)."
        )


class LiveTotals:
    """The state's counted figures, as a source of reports."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self._state = state
        self._keys = keys
        self._calendar = calendar
        self._totals = Totals(state, keys)

    def days(self) -> list[LiveDay]:
        """Return every day in the state, oldest first; none before the state was opened."""
        return self._totals.days() if self._is_open() else []

    def rows(self, day: date) -> DayRows:
        """Return a day's breakdown, all of one moment; empty for a day that is not in the state."""
        return self._totals.read(day, hours=False).rows

    def hours(self, day: date) -> Hours | None:
        """Return what is known of a day by hour; ``None`` where hours are not in the state."""
        return self._totals.read(day).hours

    def gaps(self, day: date) -> tuple[tuple[str, str], ...]:
        """Return the hosts of which lines of a day may be missing at the moment, and why."""
        return tuple(named(touching(self._all_gaps, day, self._calendar)))

    @cached_property
    def _all_gaps(self) -> tuple[Gap, ...]:
        return gaps_of(self._totals.statuses()) if self._is_open() else ()

    def _is_open(self) -> bool:
        check_policy(self._state, self._keys, self._calendar.name)
        return check_format(self._state, self._keys)
