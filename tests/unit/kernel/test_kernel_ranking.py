"""Sums by group and by name: equal to those that a dictionary of Python gives."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtally_kernel import FIGURES, Amounts, RankedNames, add_up

MOST = 2**63 - 1
Row: TypeAlias = "tuple[int, ...]"
amounts = st.one_of(st.integers(0, 2**40), st.sampled_from([0, MOST - 1, MOST]))
rows = st.tuples(amounts, amounts, amounts, amounts)
#: Of all lengths that a name is hashed and compared by in another way, and much alike.
names = st.one_of(
    st.binary(max_size=3),
    st.builds(
        lambda length, byte, place: b"x" * place + byte + b"x" * (length - place),
        st.sampled_from([1, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 300]),
        st.sampled_from([b"x", b"\0", b"\xff"]),
        st.integers(0, 1),
    ),
)


def columns(several: list[Row]) -> Amounts:
    messages, size, wasted, again = np.array(several, np.int64).reshape(len(several), FIGURES).T
    return Amounts(size, wasted, again, messages)


def added(one: Row, other: Row) -> Row:
    return tuple(min(a + b, MOST) for a, b in zip(one, other, strict=True))


def ranged(several: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names one after the other: nothing is before the first and behind the last of them."""
    bounds = np.cumsum([0, *map(len, several)]).astype(np.uint32)
    return np.frombuffer(b"".join(several), np.uint8).copy(), bounds[:-1], bounds[1:]


def found_in(ranked: RankedNames) -> dict[bytes, Row]:
    found = {ranked.name(k): tuple(ranked.sums[k].tolist()) for k in range(len(ranked))}
    assert len(found) == len(ranked)
    return found


@given(st.lists(st.tuples(st.integers(0, 5), rows), max_size=40))
def test_groups_have_the_sums_of_their_records(several: list[tuple[int, Row]]) -> None:
    truth: dict[int, Row] = dict.fromkeys(range(6), (0,) * FIGURES)
    for group, row in several:
        truth[group] = added(truth[group], row)
    groups = np.array([group for group, _ in several], np.uint32)
    found = add_up(groups, columns([row for _, row in several]), 6)
    assert [tuple(row) for row in found.tolist()] == list(truth.values())


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(names, rows), max_size=150), max_size=4), st.data())
def test_names_have_the_sums_of_their_records(
    pieces: list[list[tuple[bytes, Row]]], data: st.DataObject
) -> None:
    ranked, truth = RankedNames(), dict[bytes, Row]()
    for piece in pieces:
        for name, row in piece:
            truth[name] = added(truth.get(name, (0,) * FIGURES), row)
        ranked.add(*ranged([name for name, _ in piece]), columns([row for _, row in piece]))
    assert list(found_in(ranked).items()) == list(truth.items())
    kept = sorted(data.draw(st.sets(st.sampled_from(range(len(truth)))))) if truth else []
    ranked.keep(np.array(kept, np.int64))
    assert list(found_in(ranked).items()) == [list(truth.items())[k] for k in kept]
    if truth:
        name = next(iter(truth))
        before = found_in(ranked).get(name, (0,) * FIGURES)
        ranked.add(*ranged([name]), columns([(1, 2, 3, 4)]))
        assert found_in(ranked)[name] == added(before, (1, 2, 3, 4))


def test_room_is_made_for_many_names_and_for_long_ones() -> None:
    ranked = RankedNames()
    several = [b"%d@example.com" % k for k in range(5000)] + [b"y" * 65_536, b"z" * 300_000]
    ones = np.ones(len(several), np.int64)
    for _ in range(2):
        ranked.add(*ranged(several), Amounts(ones, ones * 2, ones * 3))
    assert found_in(ranked) == dict.fromkeys(several, (2, 2, 4, 6))


ONE = Amounts(*(np.ones(1, np.int64),) * 3)


@pytest.mark.parametrize("place", [(0, 4), (2, 1), (4, 4), (2**32 - 1, 2**32 - 1)])
def test_a_name_outside_of_the_text_is_refused(place: tuple[int, int]) -> None:
    start, end = (np.array([at], np.uint32) for at in place)
    with pytest.raises(ValueError, match="not within the text"):
        RankedNames().add(np.zeros(3, np.uint8), start, end, ONE)


def test_a_group_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="does not exist"):
        add_up(np.array([2], np.uint32), ONE, 2)


@pytest.mark.parametrize("kept", [[1], [0, 0]])
def test_only_names_that_exist_are_kept_each_once(kept: list[int]) -> None:
    ranked = RankedNames()
    ranked.add(*ranged([b"a"]), ONE)
    with pytest.raises(ValueError, match="no name's"):
        ranked.keep(np.array(kept))


def test_columns_of_different_lengths_are_refused() -> None:
    one, two = np.ones(1, np.int64), np.ones(2, np.int64)
    with pytest.raises(ValueError, match="one amount"):
        add_up(np.zeros(1, np.uint32), Amounts(one, two, one), 1)
    with pytest.raises(ValueError, match="differ in length"):
        add_up(np.zeros(2, np.uint32), ONE, 1)
