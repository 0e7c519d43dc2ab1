"""A day in the state: written, stopped, retired or settled; its records are late from then on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_shared.audit.conservation import check_lines, check_records
from mailtally_shared.audit.finding import Level
from mailtally_shared.days import DayFacts
from mailtally_shared.days.manifest import Incomplete
from mailtally_shared.state.commit.request import Caps
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from tests.support.records import FakeCollector
    from tests.twin.accounting import Accounting

DAY = date(2026, 2, 16)
NEXT = DAY + timedelta(days=1)
TEN = [Record(size=10), Record(time=NOON + 86_400, size=1)]
LATER = [Record(size=7), Record(domain="b.example", size=2)]
PIN = f"1 {'a' * 64}"


def facts(revision: int, **more: Any) -> DayFacts:  # noqa: ANN401 - of any field
    known: dict[str, Any] = {"day": DAY, "timezone": "UTC", "complete": True}
    return DayFacts(revision=revision, **known | more)


@pytest.fixture
def counted(accounting: Accounting, mail1: FakeCollector) -> Accounting:
    accounting.send((mail1.batch(TEN), TEN))
    return accounting


def check_conserved(accounting: Accounting) -> None:
    books = accounting.books()
    for finding in (check_records(books), check_lines(books.ledgers)):
        assert finding.level is Level.OK, finding.sentence


def written(accounting: Accounting) -> None:
    """Write the day as it is."""
    revision = accounting.begin(DAY)
    changes = accounting.read(DAY).changes
    assert accounting.finish(facts(revision), changes, NOON)


def test_a_revision_is_above_all_that_were_taken_and_above_the_files(counted: Accounting) -> None:
    assert [counted.begin(DAY), counted.begin(DAY), counted.begin(DAY, above=7)] == [1, 2, 8]


def test_a_written_day_says_what_its_files_are(counted: Accounting, mail1: FakeCollector) -> None:
    lacking = Incomplete(host="mail1", reason="Its log cannot be read.")
    more: dict[str, Any] = {
        "complete": False,
        "missing_hosts": ("mail2",),
        "incomplete": (lacking,),
    }
    revision, changes = counted.begin(DAY), counted.read(DAY).changes
    assert counted.finish(facts(revision, **more), changes, NOON + 5)
    day, _ = counted.days()
    assert (day.written_revision, day.written_at, day.is_dirty) == (1, NOON + 5, False)
    assert (day.complete, day.missing_hosts, day.has_missing) == (False, ("mail2",), True)
    assert day.incomplete == ((lacking.host, lacking.reason),)
    counted.send((mail1.batch(LATER), LATER))
    assert counted.days()[0].is_dirty


def test_an_older_revision_is_not_the_last_one_written(counted: Accounting) -> None:
    older, newer = counted.begin(DAY), counted.begin(DAY)
    changes = counted.read(DAY).changes
    assert not counted.finish(facts(older), changes, NOON)
    assert counted.days()[0].written_revision is None
    assert counted.finish(facts(newer), changes, NOON)


def test_a_stopped_day_says_why_until_it_is_written(
    counted: Accounting, mail1: FakeCollector
) -> None:
    counted.stop(counted.days()[0], "Its files are damaged.")
    assert counted.books().stopped == {DAY: "Its files are damaged."}
    assert [day.is_stopped for day in counted.days()] == [True, False]
    counted.send((mail1.batch(LATER), LATER))
    assert not counted.days()[0].is_stopped
    counted.stop(counted.days()[0], "Its files are damaged.")
    written(counted)
    assert counted.books().stopped == {}
    assert not counted.days()[0].is_stopped


def test_a_day_leaves_the_state_only_as_it_was_written(
    counted: Accounting, mail1: FakeCollector
) -> None:
    assert not counted.retire(DAY)
    written(counted)
    counted.send((mail1.batch(LATER), LATER))
    assert not counted.retire(DAY)
    assert counted.sums(DAY) == {"example.com": 17, "b.example": 2}


@pytest.mark.parametrize("pin", ["", PIN])
def test_records_of_a_day_that_left_the_state_are_late(
    counted: Accounting, mail1: FakeCollector, pin: str
) -> None:
    written(counted)
    assert counted.retire(DAY, pin)
    counted.send((mail1.batch(LATER), LATER))
    assert [day.day for day in counted.days()] == [NEXT]
    assert [day.day for day in counted.days(late=True)] == [DAY]
    assert counted.sums(DAY) == {}
    assert counted.sums(DAY, late=True) == {"example.com": 7, "b.example": 2}
    books = counted.books()
    assert (books.retired_days, books.retired_messages) == (1, 1)
    assert books.pinned == ({DAY: 1} if pin else {})
    check_conserved(counted)


def test_a_late_book_is_written_like_a_day(counted: Accounting, mail1: FakeCollector) -> None:
    written(counted)
    assert counted.retire(DAY, PIN)
    counted.send((mail1.batch(LATER), LATER))
    revision = counted.begin(DAY, above=1, late=True)
    changes = counted.read(DAY, late=True).changes
    assert counted.finish(facts(revision), changes, NOON, late=True)
    (late,) = counted.days(late=True)
    assert (late.written_revision, late.is_dirty) == (2, False)


def test_a_settled_day_is_pinned_alone(counted: Accounting, mail1: FakeCollector) -> None:
    counted.stop(counted.days()[1], "Redis lost batches that touched it.")
    assert counted.settle(NEXT, PIN, counted.unsettled(NEXT))
    assert [day.day for day in counted.days()] == [DAY]
    books = counted.books()
    assert (books.pinned, books.stopped, books.retired_days) == ({NEXT: 1}, {}, 1)
    more = [Record(time=NOON + 86_400, size=5), Record(size=5)]
    counted.send((mail1.batch(more), more))
    assert counted.sums(NEXT, late=True) == {"example.com": 5}
    assert counted.sums(DAY) == {"example.com": 15}
    check_conserved(counted)


def test_a_settled_day_no_longer_counts_towards_its_openers_share(
    accounting: Accounting, mail1: FakeCollector
) -> None:
    accounting.caps, mail2 = Caps(days=10), accounting.collector("m2")
    nine = [Record(time=NOON + day * 86_400) for day in range(1, 10)]
    accounting.send((mail1.batch(nine), nine))
    accounting.send((mail2.batch(LATER), LATER))
    assert accounting.settle(DAY, PIN, accounting.unsettled(DAY))
    one_more, another = [Record(time=NOON + 10 * 86_400)], [Record(time=NOON + 11 * 86_400)]
    assert accounting.send((mail1.batch(one_more), one_more)).applied  # the book is full again
    assert accounting.send((mail2.batch(another), another)).applied


def test_a_day_that_changed_meanwhile_is_not_settled(
    counted: Accounting, mail1: FakeCollector
) -> None:
    before = counted.unsettled(DAY)
    counted.send((mail1.batch(LATER), LATER))
    assert not counted.settle(DAY, PIN, before)
    assert counted.sums(DAY) == {"example.com": 17, "b.example": 2}
    assert counted.books().pinned == {}


def test_a_late_book_is_settled_with_its_day(counted: Accounting, mail1: FakeCollector) -> None:
    written(counted)
    assert counted.retire(DAY, PIN)
    counted.send((mail1.batch(LATER), LATER))
    assert counted.settle(DAY, f"2 {'b' * 64}", counted.unsettled(DAY))
    assert counted.days(late=True) == []
    books = counted.books()
    assert (books.pinned, books.retired_days, books.retired_messages) == ({DAY: 2}, 1, 3)
    check_conserved(counted)
