"""A rebuilt day never becomes lower unless somebody says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally.commands.rebuild_joining import as_reported, compare, join
from mailtally_shared.days import Sums
from mailtally_shared.errors import Refused


def row(host: str, messages: int, size: int, domain: str = "a.example") -> Sums:
    return Sums(domain, host, host, "smtp-in", "success", messages, size, size)


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


def reported(collector: str, messages: int, size: int) -> Sums:
    """A row of one host's lines, by the collector that reported them."""
    return row(MAIL1, messages, size)._replace(collector=collector)


def test_more_lines_of_one_collector_hide_no_fewer_of_another_of_the_same_host() -> None:
    filed = [reported("a", 5, 50), reported("b", 3, 30)]
    counted = [reported("a", 9, 90)]
    with pytest.raises(Refused, match=r"mail1\.example\.com \(collector b\)"):
        join(filed, counted, keep_filed=False, lower=False)
    joined = join(filed, counted, keep_filed=True, lower=False)
    assert joined == [reported("a", 9, 90), reported("b", 3, 30)]


def test_logs_that_hold_as_much_but_of_fewer_attempts_are_refused() -> None:
    counted = [row(MAIL1, 2, 20)._replace(transferred=19)]
    with pytest.raises(Refused, match=MAIL1):
        join([row(MAIL1, 2, 20)], counted, keep_filed=False, lower=False)


def test_lines_of_a_host_with_two_collectors_are_refused_unless_the_operator_says_whose() -> None:
    known = [reported("a", 5, 50), reported("b", 3, 30), row(MAIL2, 1, 1)]
    counted = [row(MAIL1, 8, 80), row(MAIL2, 1, 1)]
    with pytest.raises(Refused, match="collectors of a, b"):
        as_reported(counted, known)
    assert as_reported(counted[1:], known) == counted[1:]
    assert as_reported(counted[:1], known, "b") == [reported("b", 8, 80)]


def test_a_collector_that_is_known_nowhere_is_refused_because_its_lines_would_count_twice() -> None:
    known = [reported("mail1", 5, 50), reported("mail7", 3, 30)]
    counted = [row(MAIL1, 5, 50)]
    with pytest.raises(Refused, match=r"counted twice; did you mean mail1\?"):
        as_reported(counted, known, "mial1")
    assert as_reported(counted, known, "mail9", {"mail9"}) == [reported("mail9", 5, 50)]
    assert as_reported(counted, [], "mail9") == [reported("mail9", 5, 50)]
