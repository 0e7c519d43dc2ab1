"""Whatever a collector has written is read as something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.state.untrusted import text, whole


@given(st.integers(0, 2**63 - 1))
def test_a_number_is_itself(number: int) -> None:
    assert whole(b"%d" % number) == number


@given(st.none() | st.binary() | st.integers(max_value=-1).map(lambda number: b"%d" % number))
def test_what_is_no_number_counts_as_none_or_as_what_it_spells(junk: bytes | None) -> None:
    assert whole(junk) >= 0


@given(st.binary())
def test_any_name_becomes_text_that_travels(name: bytes) -> None:
    assert text(name).isascii()


@given(st.from_regex(r"\A[a-z0-9._:-]+\Z"))
def test_a_proper_name_stays_as_it_is(name: str) -> None:
    assert text(name.encode()) == name
