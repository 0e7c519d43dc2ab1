"""What is counted by hour: the day's own sums, once, or said to be in part."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.audit.conservation import check_rows
from mailtally_shared.audit.finding import Level
from mailtally_shared.days import DayFacts
from mailtally_shared.schema import Service
from mailtally_shared.state.commit import commit
from mailtally_shared.state.commit.request import OVERFLOW, Caps
from mailtally_shared.state.hours import compaction
from mailtally_shared.state.hours.compaction import LEAST, MANY, compact
from mailtally_shared.state.hours.packed import IDENTITY
from mailtally_shared.state.lease import Lease
from mailtally_shared.state.read.audited import read_rows
from tests.models.agreement import by_hour
from tests.support.records import NOON, Record
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys
    from tests.support.records import FakeCollector
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
HOUR = 3600
MIXED = [
    Record(time=NOON + 5, size=10),
    Record(time=NOON + 50, size=1, attempts=3, status="failure", host="relay.example.net"),
    Record(time=NOON + HOUR, size=4),
    Record(time=NOON + HOUR, size=2, service=Service.IMAP),
    Record(time=NOON, domain="b.example", size=7),
    Record(time=NOON + 86_400, size=100),
]
PIN = f"1 {'a' * 64}"


def send(accounting: Accounting, collector: FakeCollector, *records: Record) -> None:
    assert accounting.send((collector.batch(records), records)).applied


def figures(accounting: Accounting, day: date = DAY) -> list[tuple[object, ...]]:
    found, *_ = by_hour(accounting.read(day))
    assert isinstance(found, list)
    return found


def is_whole(accounting: Accounting) -> bool | None:
    hours = accounting.read(DAY).hours
    return None if hours is None else hours.whole


def written(accounting: Accounting) -> None:
    facts = DayFacts(day=DAY, timezone="UTC", revision=accounting.begin(DAY), complete=True)
    assert accounting.finish(facts, accounting.read(DAY).changes, NOON)


def test_hours_add_up_collectors_hosts_and_statuses(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    send(accounting, mail1, *MIXED)
    send(accounting, accounting.collector("mail2"), *MIXED[:2])
    smtp, imap = Service.SMTP_IN.value, Service.IMAP.value
    assert sorted(figures(accounting)) == sorted(
        [
            (b"b.example", NOON, smtp, 1, 7, 7),
            (b"example.com", NOON, smtp, 4, 22, 26),
            (b"example.com", NOON + HOUR, smtp, 1, 4, 4),
            (b"example.com", NOON + HOUR, imap, 1, 2, 2),
        ]
    )
    assert is_whole(accounting)
    assert len(figures(accounting, DAY + timedelta(days=1))) == 1


def test_a_batch_that_comes_again_counts_once_by_hour(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    again = (mail1.batch(MIXED), MIXED)
    for _ in range(3):
        accounting.send(again)
    assert sum(row[3] for row in figures(accounting)) == 5  # type: ignore[misc]  # the messages
    assert is_whole(accounting)


def test_names_beyond_the_cap_are_one_by_hour_too(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps = Caps(names=2, statuses=1)
    send(accounting, mail1, Record(domain="a.example", status="odd"))
    send(accounting, mail1, *(Record(domain=f"{n}.example", status="rare") for n in "bcd"))
    names = {row[0] for row in figures(accounting)}
    assert names == {b"a.example", b"b.example", OVERFLOW.encode()}
    assert is_whole(accounting)


@pytest.mark.parametrize(
    ("first", "then", "whole"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, None)],
)
def test_a_day_is_whole_by_hour_only_if_hours_were_on_all_the_time(
    accounting: Accounting, mail1: FakeCollector, *, first: bool, then: bool, whole: bool | None
) -> None:
    for accounting.hours in (first, then):
        send(accounting, mail1, *MIXED)
    assert is_whole(accounting) is whole
    assert accounting.read(DAY).hours_whole is whole


def test_compacted_hours_are_the_same(accounting: Accounting, mail1: FakeCollector) -> None:
    for number in range(10):
        send(accounting, mail1, Record(domain=f"{number % 3}.example", size=number), *MIXED)
    before = by_hour(accounting.read(DAY))
    accounting.compact_hours(DAY)
    assert by_hour(accounting.read(DAY)) == before
    send(accounting, mail1, *MIXED)
    accounting.compact_hours(DAY)
    assert sum(row[3] for row in figures(accounting)) == 65  # type: ignore[misc]  # the messages
    assert is_whole(accounting)


def test_hours_leave_the_state_once_the_files_have_them(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    send(accounting, mail1, *MIXED)
    assert not accounting.drop_hours(DAY)
    written(accounting)
    send(accounting, mail1, *MIXED)
    assert not accounting.drop_hours(DAY)
    written(accounting)
    assert accounting.drop_hours(DAY)
    (day, _) = accounting.days()
    assert (day.hours_whole, day.hours_left, is_whole(accounting)) == (True, True, None)
    assert accounting.read(DAY).messages == 10


def test_a_record_after_its_hours_left_is_known_to_lack_there(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    send(accounting, mail1, *MIXED)
    written(accounting)
    assert accounting.drop_hours(DAY)
    send(accounting, mail1, *MIXED)
    (day, _) = accounting.days()
    assert (day.hours_whole, day.hours_left, is_whole(accounting)) == (False, True, None)


def test_the_late_book_has_no_hours(accounting: Accounting, mail1: FakeCollector) -> None:
    send(accounting, mail1, *MIXED)
    written(accounting)
    assert accounting.retire(DAY, PIN)
    send(accounting, mail1, *MIXED)
    late = accounting.read(DAY, late=True)
    assert (late.messages, late.hours, late.hours_whole) == (5, None, None)


AHEAD = NOON + 10 * 365 * 86_400
THEN = date(2036, 2, 14)


@pytest.mark.parametrize("hours", [True, False])
def test_held_records_keep_their_hours(
    accounting: Accounting, mail1: FakeCollector, *, hours: bool
) -> None:
    accounting.hours = hours
    send(accounting, mail1, Record(time=AHEAD, size=3), Record(time=AHEAD + HOUR, size=4))
    (held,) = accounting.held()
    assert held.day == THEN
    accounting.hours = True
    send(accounting, mail1, Record(time=AHEAD, size=5))
    found = accounting.read_held(mail1.id, THEN)
    assert found
    assert accounting.count_held(found, NOON) == "applied"
    read = accounting.read(THEN)
    assert read.messages == 3
    assert (read.hours is not None and read.hours.whole) is hours
    assert not accounting.held()


class Server:
    """A state on a server, and what is in its lists."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.state, self.keys = state, keys
        self.accounting = OnRedis(state, keys, calendar)
        self.mail1 = self.accounting.collector()
        self.lease = self.accounting.lease
        self.key = keys.totals.hours(DAY)

    def parts(self) -> list[bytes]:
        found: list[bytes] = self.state.lrange(self.key, 0, -1)  # type: ignore[assignment]  # redis-py's is not typed usably
        return found

    def put(self, place: int, part: bytes) -> None:
        self.state.lset(self.key, place, part)  # type: ignore[arg-type]  # redis-py takes bytes too

    def push(self, times: int) -> None:
        for number in range(times):
            send(self.accounting, self.mail1, Record(domain=f"{number}.example", size=number))

    def compact(self, *, is_over: bool = False, lease: Lease | None = None) -> bool:
        assert self.lease.hold()
        book = self.keys.totals
        return compact(self.state, lease or self.lease, book, DAY, is_over=is_over)


@pytest.fixture
def server(state: State, keys: StateKeys, calendar: Calendar) -> Server:
    return Server(state, keys, calendar)


def test_a_list_is_left_alone_until_it_is_long(server: Server) -> None:
    server.push(MANY - 1)
    assert server.compact()
    assert len(server.parts()) == MANY - 1
    server.push(1)
    assert server.compact()
    assert len(server.parts()) <= MANY - LEAST
    assert is_whole(server.accounting)


def test_a_list_stays_short_however_many_commits_there_are(server: Server) -> None:
    for _ in range(12):
        server.push(MANY // 2)
        assert server.compact()
        assert len(server.parts()) < MANY
    assert server.accounting.read(DAY).messages == 12 * MANY // 2
    assert is_whole(server.accounting)


def test_what_is_pushed_meanwhile_stays(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.push(MANY)
    monkeypatch.setattr(compaction, "crash_point", lambda _: server.push(3))
    assert server.compact()
    assert is_whole(server.accounting)
    assert server.accounting.read(DAY).messages == MANY + 6


def disturbed(server: Server, change: str) -> None:
    """Change the list between the reading and the writing of a compaction."""
    parts = server.parts()
    if change == "shorter":
        server.state.ltrim(server.key, 0, 3)
    elif change == "gone":
        server.state.delete(server.key)
    elif change == "another part":
        server.put(5, parts[6])
    elif change == "moved":
        server.state.lpush(server.key, parts[6])


@pytest.mark.parametrize("change", ["shorter", "gone", "another part", "moved"])
def test_parts_that_are_no_longer_those_added_up_are_not_replaced(
    server: Server, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    server.push(MANY)
    changed: list[list[bytes]] = []

    def meanwhile(_: object) -> None:
        if not changed:
            disturbed(server, change)
            changed.append(server.parts())

    monkeypatch.setattr(compaction, "crash_point", meanwhile)
    assert not server.compact()
    assert [server.parts()] == changed


def test_only_the_holder_of_the_lease_compacts_and_drops(server: Server) -> None:
    server.push(MANY)
    written(server.accounting)
    before, other = server.parts(), Lease(server.state, server.keys, 3600)
    assert not other.hold()
    assert not server.compact(lease=other)
    assert not other.drop_hours(server.keys.totals, DAY)
    assert server.parts() == before


def test_a_damaged_part_makes_hours_partial_and_doctor_fail(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.push(3)
    good = server.parts()[1]
    server.put(1, good[:IDENTITY] + b"x" + good[IDENTITY + 1 :])
    assert is_whole(server.accounting) is False
    assert "Hours of 2026-02-16 in Redis are damaged" in caplog.text
    finding = check_rows(list(read_rows(server.state, server.keys)))
    assert finding.level is Level.FAILED
    assert "its hours add up to 2 messages" in finding.sentence
    assert server.compact(is_over=True)
    assert len(server.parts()) == 1
    assert is_whole(server.accounting) is False


def test_parts_that_are_lost_are_noticed(server: Server) -> None:
    server.push(3)
    server.state.rpop(server.key)
    assert is_whole(server.accounting) is False


def test_a_list_that_nobody_shortens_is_bounded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "MOST_PARTS", 4)
    server.push(6)
    assert len(server.parts()) == 4
    assert is_whole(server.accounting) is False
    assert server.accounting.read(DAY).messages == 6


@pytest.mark.parametrize("how", ["retired", "settled", "dropped"])
def test_hours_go_with_their_day(server: Server, how: str) -> None:
    server.push(2)
    accounting = server.accounting
    if how == "settled":
        assert accounting.settle(DAY, PIN, accounting.unsettled(DAY))
    elif how == "retired":
        written(accounting)
        assert accounting.retire(DAY, PIN)
    else:
        records: Sequence[Record] = [Record(time=AHEAD)]
        send(accounting, server.mail1, *records)
        held = accounting.read_held(server.mail1.id, THEN)
        assert held
        assert accounting.drop_held(held)
        assert accounting.settle(DAY, PIN, accounting.unsettled(DAY))
    assert list(server.state.scan_iter("*:hours:*")) == []
