"""The state in memory: the accounting rules as plainly as they can be written.

It keeps every record that is counted, where it is counted, and which batches are behind it;
everything else is added up from these. What only a server has is not in it: connections, rights,
snapshots, the history of a state, payloads, and the limits that bound a server's memory.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast

from mailtally_collector.spool.state_db import new_id
from mailtally_shared.state.commit.batch import Outcome
from mailtally_shared.state.commit.request import Caps
from mailtally_shared.state.keys import StateKeys, host_mark
from mailtally_shared.state.read.books import Books, Ledger, Quarantine, Registered
from mailtally_shared.state.settle import Unsettled
from mailtally_shared.state.uncounted.held import Held, HeldDay
from mailtally_shared.state.uncounted.quarantined import KeptAside, count_after_all
from tests.support.records import NONCE, FakeCollector, records_of
from tests.twin.accounting import Accounting
from tests.twin.sheet import Entry, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.days import DayFacts
    from mailtally_shared.days.watermark import DayState
    from mailtally_shared.errors import BadInput
    from mailtally_shared.state.commit.batch import Batch
    from mailtally_shared.state.commit.commit import Committer
    from mailtally_shared.state.read.live_day import LiveDay
    from mailtally_shared.state.read.totals import DayTotals
    from mailtally_shared.wire.announcement import BatchHeader, Heartbeat

#: Id of a collector, its epoch and its nonce.
Start = tuple[str, int, str]
TOTALS, LATE = "totals", "late"
#: A batch whose sizes add up to so much is refused before its sums are compared.
_TOO_MUCH = 2**62


class Where(NamedTuple):
    """A day in a book: ``TOTALS``, ``LATE``, or the id of the collector that holds it."""

    book: str
    day: date

    @property
    def is_held(self) -> bool:
        return self.book not in {TOTALS, LATE}


@dataclass
class Account:
    """What the ledger has of one collector.

    ``checksums`` are those of all batches that are behind it, by number, ``stated`` the watermarks
    that they stated; ``heard`` is the start that its watermark is of.
    """

    host: str
    checksums: dict[int, str] = field(default_factory=dict)
    stated: dict[int, int] = field(default_factory=dict)
    heard: Start | None = None
    watermark: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    malformed: Counter[str] = field(default_factory=Counter)
    status: str = ""
    clocks: tuple[int, int] = (0, 0)

    @property
    def hwm(self) -> int:
        """The number up to which no batch is missing."""
        hwm = 0
        while hwm + 1 in self.checksums:
            hwm += 1
        return hwm

    @property
    def ahead(self) -> set[int]:
        """The numbers of the batches beyond a gap."""
        return {seq for seq in self.checksums if seq > self.hwm}


@dataclass
class Twin(Accounting):
    """A state without a server."""

    calendar: Calendar
    caps: Caps = field(default_factory=Caps)
    hours: bool = True
    keys: StateKeys = field(default_factory=StateKeys)
    owner: dict[str, Start] = field(default_factory=dict)  # by host
    accounts: dict[str, Account] = field(default_factory=dict)  # by collector
    predecessor: dict[str, str] = field(default_factory=dict)  # by collector
    sheets: dict[Where, Sheet] = field(default_factory=dict)
    kept: dict[str, KeptAside] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)  # by host
    closed_before: date = date.min
    pinned: dict[date, str] = field(default_factory=dict)
    stopped: dict[date, str] = field(default_factory=dict)
    retired_days: int = 0
    retired_messages: int = 0

    # Collectors

    def collector(self, host: str = "mail1", epoch: int = 1) -> FakeCollector:
        return TwinCollector(self, host, epoch)

    def register(self, host: str, start: Start) -> None:
        """Have the start of a collector own a host name from now on."""
        collector = start[0]
        before = self.owner.get(host, start)[0]
        if before != collector:
            self.predecessor.setdefault(collector, before)
        self.owner[host] = start
        self.accounts.setdefault(collector, Account(host))

    def restart(self) -> None:
        """Do nothing: it remembers nothing but the state."""

    # Batches

    def apply(
        self, batches: Sequence[Batch], heartbeats: Sequence[Heartbeat], now: float
    ) -> Outcome:
        outcome = Outcome()
        new = self._sort_out(batches, outcome)
        trouble = self._trouble(new, now)
        if trouble and len(new) > 1:
            for batch in new:
                outcome.add(self.apply([batch], [], now))
        elif trouble:
            trouble_list: list[Batch] = getattr(outcome, trouble)
            trouble_list += new
        else:
            self._count(new, now)
            outcome.applied += new
        for heartbeat in heartbeats:
            self._hear(heartbeat)
        return outcome

    def judge(self, header: BatchHeader) -> str:
        """Return ``applied`` for a batch of the host's registered start that is new, or why not."""
        if why := self._standing(header):
            return why
        checksum = self._account(header).checksums.get(header.seq)
        if checksum is None:
            return "applied"
        return "known" if checksum == header.checksum else "different"

    def _standing(self, message: BatchHeader | Heartbeat) -> str:
        owner = self.owner.get(message.host)
        if owner is None or owner[0] != message.collector_id:
            return "fenced"
        return "" if owner == _start(message) else "outdated"

    def _sort_out(self, batches: Sequence[Batch], outcome: Outcome) -> list[Batch]:
        """Return the batches that are new; the others are in the outcome."""
        found: list[Batch] = []
        seen: dict[tuple[str, int], str] = {}
        naming: dict[str, set[str]] = {host: set(named) for host, named in self.named.items()}
        for batch in batches:
            header = batch.header
            name = header.collector_id, header.seq
            if name in seen:
                why = "known" if seen[name] == header.checksum else "different"
            elif batch.kept:
                why = "applied" if batch.kept.entry in self.kept else "known"
            else:
                why = self.judge(header)
            seen.setdefault(name, header.checksum)
            hosts = {*batch.rows.hosts} - {header.host}
            already = naming.setdefault(header.host, set())
            if why == "applied" and hosts - already:
                if len(hosts | already) > self.caps.hosts:
                    why = "naming"
                else:
                    already |= hosts
            if why == "applied":
                found.append(batch)
            else:
                refused: list[Batch] = getattr(outcome, why)
                refused.append(batch)
        return found

    def _trouble(self, batches: Sequence[Batch], now: float) -> str:
        """Return the list of the outcome for batches that cannot be counted; empty if they can."""
        adding = self._adding(batches, now)
        if any(_is_too_much(entries) for entries in _by_book(adding).values()):
            return "overflowing"
        opener = _only(batch.header.collector_id for batch in batches)
        if self._opens_too_many(adding, opener):
            return "crowding"
        if self._holds_too_much(adding):
            return "too_far_ahead"
        fits = all(self._sheet(where).has_room_for(more) for where, more in adding.items())
        return "" if fits else "overflowing"

    def _count(self, batches: Sequence[Batch], now: float) -> None:
        opener = _only(batch.header.collector_id for batch in batches)
        for where, entries in self._adding(batches, now).items():
            self._add(where, entries, opener, now, hours=self.hours)
        for batch in batches:
            header, account = batch.header, self._account(batch.header)
            self.named.setdefault(header.host, set()).update({*batch.rows.hosts} - {header.host})
            account.counts["records"] += header.records
            if batch.kept:
                account.counts["quarantined"] -= header.records
                del self.kept[batch.kept.entry]
            else:
                self._pass(header)

    def _pass(self, header: BatchHeader) -> None:
        """Have a batch behind the ledger, with its lines."""
        account = self._account(header)
        account.counts["lines"] += header.records + sum(header.malformed.values())
        account.malformed.update({why: n for why, n in header.malformed.items() if n})
        self._take_in(header)
        before = account.hwm
        account.checksums[header.seq] = header.checksum
        account.stated[header.seq] = header.watermark
        passed = [account.stated[seq] for seq in range(before + 1, account.hwm + 1)]
        account.watermark = max([account.watermark, *passed])

    def _hear(self, heartbeat: Heartbeat) -> None:
        if self._standing(heartbeat):
            return
        account = self._account(heartbeat)
        self._take_in(heartbeat)
        if account.hwm >= heartbeat.after_seq:
            account.watermark = max(account.watermark, heartbeat.watermark)
        account.status = heartbeat.status or account.status

    def _take_in(self, message: BatchHeader | Heartbeat) -> None:
        """Note the start that speaks: an earlier one may have read further than it has."""
        account = self._account(message)
        if account.heard is None or account.heard[2] != message.nonce:
            account.heard, account.watermark = _start(message), 0
        if message.state_clock:
            account.clocks = message.clock, message.state_clock

    def _account(self, message: BatchHeader | Heartbeat) -> Account:
        return self.accounts[message.collector_id]

    # Where records are counted

    def _adding(self, batches: Sequence[Batch], now: float) -> dict[Where, list[Entry]]:
        found: dict[Where, list[Entry]] = {}
        records = [(batch.header, record) for batch in batches for record in records_of(batch.rows)]
        horizon = now + self.caps.future_slack
        if any(record.time > horizon for _, record in records):
            horizon = max(horizon, time.time() + self.caps.future_slack)
        for header, record in records:
            day = self.calendar.day_of(record.time)
            where = self._counted_at(day)
            if record.time // 3600 > horizon // 3600:
                where = Where(header.collector_id, day)
            found.setdefault(where, []).append(Entry(record, header.host))
        return found

    def _counted_at(self, day: date) -> Where:
        is_late = day < self.closed_before or day in self.pinned
        return Where(LATE if is_late else TOTALS, day)

    def _sheet(self, where: Where) -> Sheet:
        return self.sheets.get(where, Sheet())

    def _add(
        self, where: Where, entries: Sequence[Entry], opener: str, now: float, *, hours: bool
    ) -> None:
        sheet = self.sheets.setdefault(where, Sheet(opener=opener))
        sheet.add(entries, self.caps, now, hours=hours and where.book != LATE)

    def _opens_too_many(self, adding: Iterable[Where], opener: str) -> bool:
        """Return whether a book would have too many days, and the opener no share in it left."""
        share = max(1, self.caps.days // 10)
        for book in (TOTALS, LATE):
            present = {where: sheet for where, sheet in self.sheets.items() if where.book == book}
            opened = {where for where in adding if where.book == book} - present.keys()
            own = sum(sheet.opener == opener for sheet in present.values()) + len(opened)
            is_over = opened and len(present) + len(opened) > self.caps.days
            if is_over and (not opener or own > share):
                return True
        return False

    def _holds_too_much(self, adding: Mapping[Where, Sequence[Entry]]) -> bool:
        """Return whether a collector would hold too many days, or too many names on them."""
        for holder in {where.book for where in adding if where.is_held}:
            here = {where for where in {*self.sheets, *adding} if where.book == holder}
            names = [
                self._sheet(where).held_names() | Sheet([*adding.get(where, ())]).held_names()
                for where in here
            ]
            if len(here) > self.caps.held_days or sum(map(len, names)) > self.caps.held_names:
                return True
        return False

    # Held records

    def held(self) -> list[Held]:
        found = ((where, sheet.totals()) for where, sheet in self._sheets_held())
        return [Held(where.book, where.day, own.messages, own.bytes) for where, own in found]

    def _sheets_held(self) -> list[tuple[Where, Sheet]]:
        return sorted(
            ((w, s) for w, s in self.sheets.items() if w.is_held), key=lambda each: each[0]
        )

    def read_held(self, collector_id: str, day: date) -> HeldDay | None:
        """Return it without what only Redis's scripts need."""
        sheet = self.sheets.get(Where(collector_id, day))
        if sheet is None:
            return None
        return HeldDay(collector_id, day, sheet.changes, len(sheet.entries), (), 0, {})

    def count_held(self, held: HeldDay, now: float) -> str:
        sheet, where = self._as_read(held), self._counted_at(held.day)
        if sheet is None:
            return "changed"
        if self._opens_too_many([where], held.collector_id):
            return "days"
        if not self._sheet(where).has_room_for(sheet.entries):
            return "overflow"
        hours = self.hours and bool(sheet.hours_whole)
        self._add(where, sheet.entries, held.collector_id, now, hours=hours)
        del self.sheets[Where(held.collector_id, held.day)]
        return "applied"

    def drop_held(self, held: HeldDay) -> bool:
        sheet = self._as_read(held)
        if sheet is None:
            return False
        self.accounts[held.collector_id].counts["dropped"] += len(sheet.entries)
        del self.sheets[Where(held.collector_id, held.day)]
        return True

    def _as_read(self, held: HeldDay) -> Sheet | None:
        """Return a held day; ``None`` where it changed since it was read."""
        sheet = self.sheets.get(Where(held.collector_id, held.day))
        return sheet if sheet and sheet.changes == held.changes else None

    # The quarantine

    def quarantine(self, header: BatchHeader, payload: bytes, why: BadInput, now: float) -> str:
        if self.judge(header) != "applied":
            return "refused"
        entry = f"{header.collector_id}:{header.seq}"
        size, at = len(payload), int(now)
        self.kept[entry] = KeptAside(entry, why.reason, str(why), at, size, header, payload, b"")
        self._account(header).counts["quarantined"] += header.records
        self._pass(header)
        return "kept"

    def quarantined(self) -> list[KeptAside]:
        return [self.kept[entry] for entry in sorted(self.kept)]

    def drop_quarantined(self, kept: KeptAside) -> bool:
        return self.kept.pop(kept.entry, None) is not None

    def count_quarantined(self, kept: KeptAside, max_payload: int, now: float) -> str | None:
        return count_after_all(cast("Committer", self), kept, max_payload, now)

    # Reading

    def days(self, *, late: bool = False) -> list[LiveDay]:
        book = LATE if late else TOTALS
        days = sorted(where.day for where in self.sheets if where.book == book)
        return [self.sheets[Where(book, day)].live_day(day) for day in days]

    def read(self, day: date, *, late: bool = False, holder: str = "") -> DayTotals:
        return self._sheet(Where(holder or (LATE if late else TOTALS), day)).totals(self.calendar)

    def watermarks(self, expected: Iterable[str] = ()) -> dict[str, float]:
        found = {host: float(self._read_up_to(start)) for host, start in self.owner.items()}
        return dict(sorted((dict.fromkeys(expected, 0.0) | found).items()))

    def _read_up_to(self, start: Start) -> int:
        account = self.accounts[start[0]]
        is_its_own = account.heard is not None and account.heard[2] == start[2]
        return account.watermark if is_its_own else 0

    def books(self) -> Books:
        reasons = Counter(kept.reason for kept in self.kept.values())
        records = sum(kept.records for kept in self.kept.values())
        return Books(
            ledgers=tuple(self._ledger(each) for each in sorted(self.accounts)),
            owners={host: start[0] for host, start in sorted(self.owner.items())},
            registered={host: Registered() for host in sorted(self.owner)},
            days=tuple(self.days()),
            late=tuple(self.days(late=True)),
            retired_days=self.retired_days,
            retired_messages=self.retired_messages,
            quarantine=Quarantine(len(self.kept), records, dict(sorted(reasons.items()))),
            stopped=dict(sorted(self.stopped.items())),
            pinned={day: int(pin.split()[0]) for day, pin in self.pinned.items()},
        )

    def _ledger(self, collector_id: str) -> Ledger:
        account = self.accounts[collector_id]
        held = [(w.day, s) for w, s in self._sheets_held() if w.book == collector_id]
        start = self.owner.get(account.host)
        owns_it = start is not None and start[0] == collector_id
        return Ledger(
            collector_id=collector_id,
            host=account.host,
            hwm=account.hwm,
            ahead=len(account.ahead),
            watermark=self._read_up_to(start) if start and owns_it else 0,
            lines=account.counts["lines"],
            records=account.counts["records"],
            quarantined=account.counts["quarantined"],
            malformed=dict(sorted(account.malformed.items())),
            status=account.status.encode(),
            clock=account.clocks[0],
            state_clock=account.clocks[1],
            held=sum(len(sheet.entries) for _, sheet in held),
            held_days=tuple(day for day, _ in held),
            dropped=account.counts["dropped"],
        )

    # The day writer, and a rebuild

    def close_before(self, day: date) -> None:
        self.closed_before = day

    def begin(self, day: date, above: int = 0, *, late: bool = False) -> int:
        sheet = self.sheets[Where(LATE if late else TOTALS, day)]
        sheet.revision = max(sheet.revision, above) + 1
        return sheet.revision

    def finish(self, facts: DayFacts, changes: int, now: float, *, late: bool = False) -> bool:
        sheet = self.sheets[Where(LATE if late else TOTALS, facts.day)]
        if sheet.revision != facts.revision:
            return False
        sheet.finish(facts, changes, now)
        self.stopped.pop(facts.day, None)
        return True

    def stop(self, state: DayState, why: str) -> None:
        self.stopped[state.day] = why
        for book in (TOTALS, LATE):
            self._sheet(Where(book, state.day)).stopped_changes = state.changes

    def retire(self, day: date, pin: str = "") -> bool:
        sheet = self.sheets.get(Where(TOTALS, day))
        if sheet is None or sheet.changes != sheet.written_changes:
            return False
        self._drop(Where(TOTALS, day))
        self.retired_days += 1
        self.closed_before = day + timedelta(days=1)
        if pin:
            self.pinned[day] = pin
        self.stopped.pop(day, None)
        return True

    def compact_hours(self, day: date) -> None:
        """Do nothing: every record is kept."""

    def drop_hours(self, day: date) -> bool:
        return self._sheet(Where(TOTALS, day)).drop_hours()

    def unsettled(self, day: date) -> Unsettled:
        live, late = (self.sheets.get(Where(book, day)) for book in (TOTALS, LATE))
        days = [self.read_held(where.book, day) for where, _ in self._sheets_held()]
        return Unsettled(
            live=str(live.changes) if live else "",
            late=str(late.changes) if late else "",
            held=tuple(each for each in days if each),
        )

    def settle(self, day: date, pin: str, before: Unsettled) -> bool:
        now = self.unsettled(day)
        if (now.live, now.late) != (before.live, before.late):
            return False
        if any(self._as_read(each) is None for each in before.held):
            return False
        for where in (Where(TOTALS, day), Where(LATE, day)):
            self._drop(where)
        for each in before.held:
            self._drop(Where(each.collector_id, day))
        self.retired_days += bool(before.live)
        self.pinned[day] = pin
        self.stopped.pop(day, None)
        return True

    def _drop(self, where: Where) -> None:
        """Drop records whose files hold them."""
        self.retired_messages += len(self._sheet(where).entries)
        self.sheets.pop(where, None)


class TwinCollector(FakeCollector):
    """A collector that is registered in a twin, which needs no payloads."""

    def __init__(self, twin: Twin, host: str, epoch: int) -> None:
        self.twin, self.keys, self.host, self.epoch = twin, twin.keys, host, epoch
        self.id, self.nonce, self.seq = new_id(host_mark(host)), NONCE, 0
        self.register()

    def register(self) -> None:
        self.twin.register(self.host, (self.id, self.epoch, self.nonce))

    def store(self, key: str, payload: bytes) -> None:
        """Do nothing with a payload."""


def _start(message: BatchHeader | Heartbeat) -> Start:
    return message.collector_id, message.epoch, message.nonce


def _only(collectors: Iterable[str]) -> str:
    """Return the one collector of all; empty where there are several."""
    distinct = set(collectors)
    return distinct.pop() if len(distinct) == 1 else ""


def _by_book(adding: Mapping[Where, Sequence[Entry]]) -> dict[str, list[Entry]]:
    """Return the entries to be held by collector, and all to be counted under an empty name."""
    found: dict[str, list[Entry]] = {}
    for where, entries in adding.items():
        found.setdefault(where.book if where.is_held else "", []).extend(entries)
    return found


def _is_too_much(entries: Sequence[Entry]) -> bool:
    sizes = sum(entry.record.size for entry in entries)
    extra = sum(entry.transferred for entry in entries) - sizes
    return max(sizes, extra) >= _TOO_MUCH
