"""A day as columns: the same files as row by row."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.batches import Passing
from mailtally_shared.days import (
    ChargingPolicy,
    DayRows,
    Gathering,
    Sums,
    charge,
    day_rows,
)
from mailtally_shared.days.charged_rows import ChargedRows, QmlTotals
from mailtally_shared.days.grammar import breakdown, qml
from mailtally_shared.days.grammar.text_columns import bare, decimals, padded
from mailtally_shared.errors import Refused
from mailtally_shared.schema import MAX_SUM
from tests.support.day_files_by_row import breakdown_file, charge_rows, charged, kilobytes

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = st.text(alphabet='ab.",-() ', min_size=1, max_size=20)
COUNTS = st.one_of(st.integers(0, 99_999), st.integers(0, 2**55))
KEYS = st.tuples(
    NAMES,
    st.sampled_from(["m1.example.com", 'c"2,']),
    st.sampled_from(["m1.example.com", "m2", 'm"3,']),
    st.sampled_from(["imap", "smtp-in", "smtp-out"]),
    st.sampled_from(["success", "rejspam", "a,b"]),
)
ROWS = st.dictionaries(KEYS, st.tuples(COUNTS, COUNTS, COUNTS), max_size=40).map(
    lambda found: [Sums(*key, *figures) for key, figures in found.items()]
)
POLICIES = st.builds(
    ChargingPolicy,
    charged_statuses=st.sampled_from(["all", ("success",), ("a,b", "none")]),
    quantity=st.sampled_from(["bytes", "transferred"]),
    hits=st.sampled_from(["all", "in-out"]),
)


@pytest.fixture(autouse=True, scope="module")
def _several_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(day_rows, "PIECE", 7)
        yield


@given(ROWS)
def test_columns_hold_the_rows_in_the_order_of_the_file(rows: list[Sums]) -> None:
    columns = DayRows.of(rows)
    assert len(columns) == len(rows)
    assert list(columns) == sorted(rows)
    assert columns.sums() == (
        sum(row.messages for row in rows),
        sum(row.bytes for row in rows),
        sum(row.transferred for row in rows),
    )


@given(ROWS)
def test_a_breakdown_is_what_the_csv_writer_writes(rows: list[Sums]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([breakdown.HEADER, *sorted(rows)])
    assert breakdown_file(rows) == text.getvalue().encode("ascii")


@given(ROWS, POLICIES)
def test_a_day_is_charged_as_row_by_row(rows: list[Sums], policy: ChargingPolicy) -> None:
    expected = list(charged(sorted(rows), policy))
    totals = Passing()
    found = totals.through(charge(DayRows.of(rows).pieces(), policy))
    text = "".join(f"|{row[0]}|{kilobytes(row[1])}|{row[2]}|{row[3]}|\n" for row in expected)
    assert b"".join(map(bare, qml.render(found))) == text.encode("ascii")
    names, *figures = zip(*expected, strict=True) if expected else [()] * 4
    assert QmlTotals(*totals.totals) == (len(names), *map(sum, figures))


@given(st.lists(st.integers(0, MAX_SUM) | st.sampled_from([0, 9, 10_000, 10**8, MAX_SUM])))
def test_numbers_are_spelled_without_leading_zeros(numbers: list[int]) -> None:
    text = bare(padded([decimals(np.array(numbers, np.int64)), b"\n"]))
    assert text.decode() == "".join(f"{number}\n" for number in numbers)


def row(domain: str, size: int = 1, host: str = "m1") -> Sums:
    return Sums(domain, host, host, "smtp-in", "success", 1, size, size)


def test_a_sum_that_does_not_fit_is_refused_by_its_name() -> None:
    rows = [row("a.example"), row("b.example", MAX_SUM), row("b.example", 1, "m2")]
    with pytest.raises(Refused, match=r"sum of b\.example exceeds"):
        list(charge_rows(rows, ChargingPolicy()))
    with pytest.raises(Refused, match=r"sum of c\.example exceeds"):
        DayRows.of([row("a.example"), row("c.example", MAX_SUM + 1)])


def test_sums_that_fit_are_right_though_the_days_total_does_not() -> None:
    rows = DayRows.of([row("a.example", MAX_SUM), row("b.example", MAX_SUM)])
    found = ChargedRows.joined(charge([rows], ChargingPolicy()))
    assert found.bytes.tolist() == [MAX_SUM, MAX_SUM]
    assert found.totals().bytes == rows.totals().bytes == 2 * MAX_SUM


def test_a_key_that_stands_twice_is_named() -> None:
    with pytest.raises(ValueError, match=r"contains \('a\.example', 'm1', .* twice"):
        DayRows.of([row("a.example"), row("b.example"), row("a.example")])


@pytest.mark.parametrize("name", ["a\0b", "a\0"])
def test_a_name_with_the_padding_in_it_is_refused(name: str) -> None:
    for domain, host in ((name, "m1"), ("a.example", name)):
        with pytest.raises(ValueError, match="NUL"):
            Gathering().add([domain], [(host, "imap", "success")], [[1], [1], [1]])


def test_rows_are_taken_as_they_are_if_they_are_columns() -> None:
    columns = DayRows.of([])
    assert DayRows.of(columns) is columns
    assert len(ChargedRows.of(charge_rows([row("a.example")], ChargingPolicy()))) == 1
