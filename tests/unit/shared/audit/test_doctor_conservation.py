"""The conservation sums: they hold for what was counted, and one unit amiss anywhere is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.audit.conservation import (
    check_archive,
    check_billed,
    check_files,
    check_lines,
    check_records,
    check_rows,
)
from mailtally_shared.audit.finding import Level, verdict
from mailtally_shared.audit.gathered import BilledDay, Counted, DaySums
from mailtally_shared.days import ChargingPolicy, Manifest, manifest
from mailtally_shared.days.charged_rows import QmlTotals
from mailtally_shared.days.day_rows import SumsTotals
from mailtally_shared.days.directory import Directory
from mailtally_shared.days.manifest import CountedSums
from mailtally_shared.state.read.books import Books, Ledger
from mailtally_shared.state.read.live_day import LiveDay

if TYPE_CHECKING:
    from mailtally_shared.audit.finding import Finding

DAY = date(2026, 2, 16)
COUNT = st.integers(0, 2**60)
AMISS = st.integers(-(2**60), 2**60).filter(bool)


def manifest_of(revision: int = 1, messages: int = 5, size: int = 50) -> Manifest:
    return Manifest(
        day=DAY,
        timezone="UTC",
        revision=revision,
        complete=True,
        breakdown_rows=2,
        total_messages=messages,
        total_bytes=size,
        collectors={"m1": CountedSums(messages=messages, bytes=size, transferred=size)},
        qml_rows=1,
        charged_bytes=size,
        hits_all=messages,
        hits_html=0,
        qml_sha256="0" * 64,
        breakdown_sha256="1" * 64,
        written_at=manifest.utc(0),
    )


WRITTEN = LiveDay(
    DAY, messages=5, bytes=50, transferred=50, changes=3, written_changes=3, written_revision=1
)
BILLED = BilledDay(
    day=DAY,
    revision=1,
    policy=ChargingPolicy(),
    stated=QmlTotals(1, 50, 5, 0),
    stated_breakdown=SumsTotals(2, 5, 50),
    daily=QmlTotals(1, 50, 5, 0),
    detail=SumsTotals(2, 5, 50),
    detail_charged=QmlTotals(0, 50, 5, 0),
)


def assert_names(finding: Finding, *words: str) -> None:
    assert finding.level is Level.FAILED
    assert all(word in finding.sentence for word in words), finding.sentence


@given(st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), max_size=4))
def test_a_ledger_that_adds_up_is_fine(parts: list[tuple[int, int, int, int]]) -> None:
    ledgers = [
        Ledger("c", "mail1", lines=sum(part), records=part[0], quarantined=part[1],
               malformed={"nul": part[2], "empty": part[3]})
        for part in parts
    ]  # fmt: skip
    finding = check_lines(ledgers)
    assert finding.level is Level.OK
    assert f"{sum(map(sum, parts)):,} lines" in finding.sentence


@given(COUNT, AMISS)
def test_a_line_too_many_or_too_few_is_named_with_its_host(records: int, amiss: int) -> None:
    bad = Ledger("c", "mail7", lines=records + amiss, records=records)
    assert_names(check_lines([Ledger("d", "mail1", lines=2, records=2), bad]), "mail7")


@given(st.lists(COUNT, min_size=1, max_size=4), COUNT, COUNT, st.just(0) | AMISS)
def test_every_record_is_in_a_day_retired_or_late(
    days: list[int], retired: int, late: int, amiss: int
) -> None:
    books = Books(
        ledgers=(Ledger("c", "mail1", records=sum(days) + retired + late + amiss),),
        days=tuple(LiveDay(DAY, messages=messages) for messages in days),
        late=(LiveDay(DAY, messages=late),),
        retired_messages=retired,
    )
    assert check_records(books).level is (Level.FAILED if amiss else Level.OK)


@pytest.mark.parametrize("quantity", Counted._fields)
def test_a_day_that_is_not_the_sum_of_its_rows_is_named(quantity: str) -> None:
    own = Counted(1, 2, 3)
    rows = own._replace(**{quantity: 9})
    good = DaySums("2026-02-15", own, own)
    assert check_rows([good]).level is Level.OK
    assert_names(check_rows([good, DaySums("late 2026-02-16", own, rows)]), "late 2026-02-16")


def test_a_written_day_is_as_its_manifest_says() -> None:
    finding = check_files([WRITTEN], {DAY: manifest_of()})
    assert (finding.level, finding.sentence[:1]) == (Level.OK, "1")


@pytest.mark.parametrize("found", [manifest_of(messages=6), manifest_of(size=49)])
def test_a_manifest_that_says_otherwise_is_named(found: Manifest) -> None:
    assert_names(check_files([WRITTEN], {DAY: found}), "2026-02-16", "5 messages and 50 bytes")


def test_files_that_are_gone_or_older_are_named() -> None:
    day = replace(WRITTEN, written_revision=2)
    assert_names(check_files([day], {}), "revision 2 are missing")
    assert_names(check_files([day], {DAY: manifest_of(1)}), "revision 2 are missing")


@pytest.mark.parametrize(
    "day",
    [
        replace(WRITTEN, changes=4),
        replace(WRITTEN, written_changes=None, written_revision=None),
        replace(WRITTEN, messages=99, written_revision=1),
    ],
    ids=["changed", "never written", "a newer revision is being written"],
)
def test_a_day_that_is_not_as_written_is_not_compared(day: LiveDay) -> None:
    assert check_files([day], {DAY: manifest_of(revision=2)}).level is Level.OK


def test_a_billed_day_that_adds_up_is_fine() -> None:
    bare = replace(
        BILLED,
        revision=None,
        policy=None,
        stated_breakdown=None,
        detail=SumsTotals(),
        detail_charged=QmlTotals(),
    )
    finding = check_billed([BILLED, bare])
    assert finding.level is Level.OK
    assert "100 bytes and 10 hits" in finding.sentence


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"daily": QmlTotals(2, 50, 5, 0)}, "mail_traffic_daily has 2 rows"),
        ({"daily": QmlTotals(1, 51, 5, 0)}, "mail_traffic_daily has 1 rows, 51 bytes"),
        ({"daily": QmlTotals(1, 50, 4, 1)}, "mail_traffic_daily has"),
        ({"detail": SumsTotals(2, 5, 49)}, "mail_traffic_detail has"),
        ({"detail": SumsTotals(2, 4, 50)}, "mail_traffic_detail has"),
        ({"detail": SumsTotals(3, 5, 50)}, "mail_traffic_detail has"),
        ({"detail_charged": QmlTotals(0, 40, 5, 0)}, "mail_traffic_detail charges"),
        ({"detail_charged": QmlTotals(0, 50, 4, 0)}, "mail_traffic_detail charges"),
        ({"stated": QmlTotals(), "stated_breakdown": None}, "mail_traffic_daily has"),
    ],
)
def test_any_sum_of_a_billed_day_that_is_off_is_named(
    changes: dict[str, QmlTotals | SumsTotals], word: str
) -> None:
    assert_names(check_billed([replace(BILLED, **changes)]), "2026-02-16", word)  # type: ignore[arg-type]  # by name


def test_an_archive_that_is_the_database_is_fine() -> None:
    directory = Directory(archived={DAY: manifest_of()})
    assert check_archive(directory, {DAY: BILLED}).level is Level.OK


@pytest.mark.parametrize(
    ("found", "billed", "word"),
    [
        (manifest_of(), {}, "not in the database"),
        (manifest_of(revision=2), {DAY: BILLED}, "revision 2 is archived, revision 1 loaded"),
        (None, {DAY: BILLED}, "a bare file is archived, revision 1 loaded"),
        (manifest_of(size=51), {DAY: BILLED}, "the archive says 1 rows, 51 bytes"),
    ],
)
def test_an_archive_that_differs_is_named_unless_it_is_on_its_way(
    found: Manifest | None, billed: dict[date, BilledDay], word: str
) -> None:
    directory = Directory(archived={DAY: found})
    assert_names(check_archive(directory, billed), word)
    finding = check_archive(replace(directory, moving=frozenset({DAY})), billed)
    assert (finding.level, "1 more are being loaded" in finding.sentence) == (Level.OK, True)


def test_many_problems_are_named_in_part_and_counted() -> None:
    finding = verdict("x", [f"{n}." for n in range(5)], "", "Mend it.")
    assert finding.sentence == "0. 1. 2. And 2 more. Mend it."
