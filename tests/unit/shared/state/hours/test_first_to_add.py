"""Which parts of a list are added up: the small ones, each time as few as keep the list short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.state.hours.compaction import LEAST, MANY, first_to_add


@pytest.mark.parametrize(
    ("sizes", "least", "first"),
    [
        ([], 1, 0),
        ([5], 1, 0),
        ([100, 5], 1, 1),
        ([10, 5], 1, 0),
        ([100, 9, 5, 5], 1, 1),
        ([100, 38, 9, 5, 5], 1, 0),
        ([1000, 100, 1], 2, 1),
    ],
)
def test_a_part_joins_those_behind_it_unless_it_is_much_larger(
    sizes: list[int], least: int, first: int
) -> None:
    assert first_to_add(sizes, least) == first


@given(pushed=st.lists(st.integers(1, 10_000), min_size=1, max_size=2000))
def test_a_list_stays_short_and_no_byte_is_written_often(pushed: list[int]) -> None:
    sizes: list[int] = []
    written = 0
    for size in pushed:
        sizes.append(size)
        if len(sizes) >= MANY:
            first = first_to_add(sizes, LEAST)
            written += sum(sizes[first:])
            sizes[first:] = [sum(sizes[first:])]
        assert len(sizes) < MANY
    assert written <= sum(pushed) * (len(pushed).bit_length() + 4)
