"""The script adds packed sums up exactly, whatever was there before."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtally_shared.state.commit.merge import PlaceIncrement
from mailtally_shared.state.packed_sums import pack, unpack
from mailtally_shared.state.scripts import source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally_shared.state.client import State

KEY = "{mailtally}:sums"
#: Adds names and values, one after another among the arguments; answers those that were new.
ADD = """
local host = {sums_key = KEYS[1], names = {}, values = {}}
for index = 1, #ARGV, 2 do
  host.names[#host.names + 1], host.values[#host.values + 1] = ARGV[index], ARGV[index + 1]
end
return add_sums(host)
"""
Rows = dict[str, tuple[int, ...]]

KINDS = [f"{name}|{kind}" for name in "ab" for kind in ("imap|ok", "imap|o", "pop3|ok", "pop3|x")]
#: About the largest number that a double tells from its neighbours, and the largest that may come.
EDGES = [0, 1, 2**32 - 1, 2**32, 2**53 - 2, 2**53 - 1, 2**53, 2**53 + 1, 2**62 - 1]
QUANTITY = st.sampled_from(EDGES) | st.integers(0, 2**40) | st.integers(0, 2**62 - 1)
ROWS = st.dictionaries(st.sampled_from(KINDS), st.tuples(*[QUANTITY] * 3), min_size=1)
SMALL = st.integers(0, 2**40) | st.integers(0, 2**54)
SMALL_ROWS = st.dictionaries(st.sampled_from(KINDS), st.tuples(*[SMALL] * 3), min_size=1)


def added(state: State, rows: Rows) -> list[bytes]:
    values = pack(PlaceIncrement.of(rows))
    script = state.register_script(source("sums.lua") + ADD)
    new: list[bytes] = script(keys=[KEY], args=[part for pair in values.items() for part in pair])
    return new


def held(state: State) -> Rows:
    found: dict[bytes, bytes] = state.hgetall(KEY)  # type: ignore[assignment]  # not asynchronous
    unpacked = unpack(list(found.values()))
    names = [name.decode() for name in found]
    keys = [
        "|".join((names[value], *unpacked.kinds[kind]))
        for value, kind in zip(unpacked.value, unpacked.kind, strict=True)
    ]
    assert len(set(keys)) == len(keys), "each kind has one entry"
    return dict(zip(keys, map(tuple, unpacked.quantities.T.tolist()), strict=True))


def plainly(groups: Iterable[Rows]) -> Rows:
    sums: dict[str, Counter[int]] = {}
    for rows in groups:
        for key, quantities in rows.items():
            sums.setdefault(key, Counter()).update(dict(enumerate(quantities)))
    return {key: (sum_[0], sum_[1], sum_[2]) for key, sum_ in sums.items()}


def test_two_sums_add_up_at_every_edge_of_a_double(state: State) -> None:
    edges = [*EDGES, 2**63 - 1 - 2**62]
    for first in edges:
        for second in edges:
            groups: list[Rows] = [{"a|imap|ok": (first, 1, 0)}, {"a|imap|ok": (second, 0, first)}]
            state.delete(KEY)
            for rows in groups:
                added(state, rows)
            assert held(state) == plainly(groups)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS, st.lists(SMALL_ROWS, max_size=6))
def test_groups_add_up_whatever_kinds_each_has(
    state: State, large: Rows, others: list[Rows]
) -> None:
    state.delete(KEY)
    groups = [*others[:3], large, *others[3:]]
    for rows in groups:
        added(state, rows)
    assert held(state) == plainly(groups)


@pytest.mark.parametrize("names", [1999, 2000, 2001, 4001])
def test_more_names_than_a_command_may_have_are_added_in_stretches(
    state: State, names: int
) -> None:
    rows: Rows = {f"d{number}|imap|ok": (1, number, 0) for number in range(names)}
    assert len(added(state, rows)) == names
    more: Rows = rows | {"new|imap|ok": (1, 1, 1), "d7|pop3|ok": (1, 1, 1)}
    assert added(state, more) == [b"new"]
    assert held(state) == plainly([rows, more])
