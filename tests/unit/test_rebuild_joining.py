"""A rebuilt day never becomes lower unless somebody says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally.rebuild.joining import compare, join
from mailtally_shared.day_files import Sums
from mailtally_shared.errors import Refused


def row(host: str, messages: int, size: int, domain: str = "a.example") -> Sums:
    return Sums(domain, host, "smtp-in", "success", messages, size, size)


MAIL1, MAIL2 = "mail1.example.com", "mail2.example.com"
rows = st.lists(
    st.builds(
        row,
        st.sampled_from([MAIL1, MAIL2]),
        st.integers(1, 3),
        st.integers(0, 9),
        st.sampled_from(["a.example", "b.example"]),
    ),
    unique_by=lambda one: one[:4],
).map(sorted)


def test_what_the_logs_hold_in_full_replaces_the_files() -> None:
    counted = [row(MAIL1, 3, 30), row(MAIL2, 2, 20)]
    assert join([row(MAIL1, 1, 10)], counted, keep_filed=False, lower=False) == counted


@pytest.mark.parametrize("counted", [[], [row(MAIL1, 1, 20)], [row(MAIL1, 2, 19)]])
def test_logs_that_hold_less_of_a_host_are_refused_by_its_name(counted: list[Sums]) -> None:
    with pytest.raises(Refused, match=MAIL1):
        join([row(MAIL1, 2, 20)], counted, keep_filed=False, lower=False)


def test_a_host_that_is_short_keeps_its_files_and_the_others_do_not() -> None:
    filed = [row(MAIL1, 2, 20), row(MAIL2, 2, 20)]
    counted = [row(MAIL1, 1, 10), row(MAIL2, 3, 30)]
    joined = join(filed, counted, keep_filed=True, lower=False)
    assert joined == [row(MAIL1, 2, 20), row(MAIL2, 3, 30)]


def test_figures_become_lower_where_that_is_said() -> None:
    counted = [row(MAIL1, 1, 10)]
    assert join([row(MAIL1, 2, 20)], counted, keep_filed=False, lower=True) == counted


@given(rows, rows)
def test_with_the_archive_no_host_ever_becomes_lower(
    filed: list[Sums], counted: list[Sums]
) -> None:
    joined = join(filed, counted, keep_filed=True, lower=False)
    assert not any(figures.is_short for figures in compare(filed, joined))
    assert len({one[:4] for one in joined}) == len(joined)
