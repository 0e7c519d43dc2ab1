"""Folding keeps every sum, and makes one row of a key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.rows import STEPS, Rows, arranged, fold
from mailtally_shared.schema import MAX_SIZE
from tests.support.records import Record, any_record, columns, records_of, rows, sums_of


@pytest.mark.parametrize("step", STEPS)
@given(records=st.lists(any_record(), max_size=30))
def test_a_fold_has_the_sums_of_each_key_in_one_row(step: int, records: list[Record]) -> None:
    each = Rows.of(columns(records), step)
    folded = fold(each)
    assert sums_of(folded) == sums_of(each)
    assert len(folded) == len(sums_of(each))
    assert int(folded.messages.sum()) == len(records)


@given(st.lists(st.lists(any_record(), max_size=9), max_size=5))
def test_a_fold_of_folds_is_that_of_all(parts: list[list[Record]]) -> None:
    parted = [fold(Rows.of(columns(part), 900)) for part in parts]
    whole = fold(Rows.of(columns([record for part in parts for record in part]), 900))
    assert sums_of(fold(Rows.concatenate(parted, 900))) == sums_of(whole)


@pytest.mark.parametrize("step", STEPS)
@given(records=st.lists(any_record(), max_size=30))
def test_rows_are_arranged_as_a_fold_leaves_them(step: int, records: list[Record]) -> None:
    folded = fold(Rows.of(columns(records), step))
    mixed = folded.taken(np.random.default_rng(1).permutation(len(folded)))
    again = arranged(mixed)
    assert again.start.tolist() == folded.start.tolist()
    assert again.domain.tolist() == folded.domain.tolist()
    assert sums_of(again) == sums_of(folded)


def test_rows_of_times_far_apart_are_arranged() -> None:
    far = Rows.of(columns([Record(time=10**9), Record(time=0), Record(time=10**8)]))
    assert arranged(far).start.tolist() == [0, 10**8, 10**9]


def test_folded_columns_have_the_documented_types() -> None:
    each = Rows.of(columns([Record(), Record()]), 3600)
    for name in ("start", "messages", "bytes", "extra", "service", "host", "status", "domain"):
        assert getattr(fold(each), name).dtype == getattr(each, name).dtype, name


def test_sums_near_63_bits_are_left_in_rows_of_their_own() -> None:
    large = Rows.of(columns([Record(size=MAX_SIZE, attempts=1)] * 600), 3600)
    assert fold(large) is large


def test_sums_beyond_the_precision_of_doubles_stay_exact() -> None:
    each = Rows.of(columns([Record(size=MAX_SIZE)] * 500 + [Record(size=1)]), 3600)
    assert fold(each).bytes.tolist() == [500 * MAX_SIZE + 1]


def test_rows_of_different_steps_are_not_put_together() -> None:
    one = Rows.of(columns([Record()]), 3600)
    with pytest.raises(ValueError, match="different steps"):
        Rows.concatenate([one, replace(one, step=900)])


@given(st.lists(st.lists(any_record(), max_size=8), max_size=4))
def test_concatenating_keeps_every_row_in_order(parts: list[list[Record]]) -> None:
    whole = Rows.concatenate([rows(part) for part in parts])
    assert records_of(whole) == records_of(rows([record for part in parts for record in part]))
    assert len(set(whole.domains)) == len(whole.domains)


def test_rows_are_taken_by_a_mask() -> None:
    each = Rows.of(columns([Record(size=1), Record(size=2), Record(size=3)]))
    assert each.taken(np.array([True, False, True])).bytes.tolist() == [1, 3]
