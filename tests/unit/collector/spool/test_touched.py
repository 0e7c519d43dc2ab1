"""Which numbers are missing, and how far a ledger comes once some are given up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.spool.touched import gaps, passed

NUMBERS = st.sets(st.integers(1, 30))


@given(NUMBERS, st.integers(1, 30), st.integers(0, 30))
def test_gaps_are_the_numbers_that_are_not_there(present: set[int], first: int, last: int) -> None:
    found = [
        number for begin, end in gaps(first, last, present) for number in range(begin, end + 1)
    ]
    assert found == [number for number in range(first, last + 1) if number not in present]


@given(NUMBERS, st.integers(0, 10), st.integers(10, 30))
def test_the_ledger_passes_what_is_applied_or_given_up(
    present: set[int], hwm: int, last: int
) -> None:
    lost = gaps(hwm + 1, last, present)
    assert passed(hwm, {number for number in present if number <= last}, lost) == max(hwm, last)
    assert passed(hwm, (), lost) == (lost[0][1] if lost and lost[0][0] == hwm + 1 else hwm)
