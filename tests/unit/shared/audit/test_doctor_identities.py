"""Doctor names hosts for which two machines count, and collectors that stopped because of one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailtally_shared.audit.finding import Finding, Level
from mailtally_shared.audit.identities import check_identities
from mailtally_shared.state.read.books import Books, Ledger, Registered
from tests.support.records import NOON

DAY = 86_400
MAIL1 = Ledger("c1", "mail1")
RIVAL = Registered(machine="one", rival="two", rival_at=NOON)


def found(books: Books, now: float = NOON) -> list[Finding]:
    return list(check_identities(books, now))


def test_one_collector_for_each_host_is_fine() -> None:
    (finding,) = found(Books(ledgers=(MAIL1,), registered={"mail1": Registered("one")}))
    assert finding.level is Level.OK


@pytest.mark.parametrize(("age", "is_named"), [(0, True), (DAY - 1, True), (DAY, False)])
def test_refused_batches_fail_for_a_day(age: int, *, is_named: bool) -> None:
    books = Books(ledgers=(replace(MAIL1, different=3, different_at=NOON),))
    finding = found(books, NOON + age)[0]
    assert (finding.level is Level.FAILED) is is_named
    assert ("mail1 sent 3 batches" in finding.sentence) is is_named


@pytest.mark.parametrize(("age", "is_named"), [(0, True), (3599, True), (3600, False)])
def test_a_collector_that_stopped_is_named_with_its_machine(age: int, *, is_named: bool) -> None:
    (finding,) = found(Books(registered={"mail1": RIVAL}), NOON + age)
    assert (finding.level is Level.WARNING) is is_named
    assert ("on two stopped, because one counts for mail1" in finding.sentence) is is_named


def test_both_are_named_at_once() -> None:
    other = replace(MAIL1, different=1, different_at=NOON)
    levels = [each.level for each in found(Books(ledgers=(other,), registered={"mail1": RIVAL}))]
    assert levels == [Level.FAILED, Level.WARNING]
