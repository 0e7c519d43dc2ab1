"""Names are counted exactly while there is room, and within a known bound beyond."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.statistics.ranking import Found, Ranking, found_texts
from mailtally_collector.statistics.sums import Measures, Sums

names = st.text(alphabet="ab.-@", max_size=20)
#: Pieces of names with sizes.
pieces = st.lists(
    st.lists(st.tuples(names, st.integers(0, 2**40)), min_size=1, max_size=20), max_size=8
)


def measures(sizes: list[int]) -> Measures:
    size = np.array(sizes, np.int64)
    return Measures(size, size // 2, size * 0)


def add(ranking: Ranking, piece: list[tuple[str, int]]) -> None:
    """As names that stand in the bytes of a piece, one after the other."""
    data = b" " * 8 + "".join(name for name, _ in piece).encode()
    end = 8 + np.cumsum([len(name) for name, _ in piece])
    start = np.concatenate([[8], end[:-1]])
    text = np.frombuffer(data, np.uint8)
    adds = measures([size for _, size in piece])
    ranking.add(Found(text, start.astype(np.uint32), end.astype(np.uint32), adds))


@given(pieces)
def test_all_names_are_counted_exactly(several: list[list[tuple[str, int]]]) -> None:
    ranking = Ranking("messages")
    messages: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for piece in several:
        add(ranking, piece)
        messages.update(name for name, _ in piece)
        for name, size in piece:
            sizes[name] += size
    found = {name.decode(): sums for name, sums in ranking.top(None)}
    assert {name: sums.messages for name, sums in found.items()} == dict(messages)
    assert {name: sums.bytes for name, sums in found.items()} == dict(sizes)
    assert ranking.may_lack == 0


@given(st.lists(st.lists(names, min_size=1, max_size=20), max_size=20))
def test_beyond_the_limit_a_name_lacks_no_more_than_is_said(several: list[list[str]]) -> None:
    ranking = Ranking("messages", most_names=6)
    truth: Counter[str] = Counter()
    for piece in several:
        add(ranking, [(name, 1) for name in piece])
        truth.update(piece)
    assert len(ranking) <= 6
    found = {name.decode(): sums.messages for name, sums in ranking.top(None)}
    for name, messages in truth.items():
        assert messages - ranking.may_lack <= found.get(name, 0) <= messages


def test_many_names_make_the_table_grow_and_stay_what_they_are() -> None:
    ranking = Ranking("messages")
    for begin in range(0, 20_000, 2500):
        texts = tuple(f"name-{k}.example" for k in range(begin, begin + 5000))
        ranking.add(found_texts(texts, np.ones((5000, 4), np.int64)))
    found = ranking.top(None)
    assert len(found) == 22_500
    assert found[0][1].messages == 2
    assert {name for name, _ in found} == {f"name-{k}.example".encode() for k in range(22_500)}


def test_a_flood_of_names_does_not_drive_out_the_busy_ones() -> None:
    ranking = Ranking("messages", most_names=1000)
    for flood in range(50):
        strangers = [(f"{flood}-{k}@example.net", 1) for k in range(500)]
        add(ranking, [("busy@example.com", 1)] * 40 + strangers)
    (name, sums), *_ = ranking.top(1)
    assert (name, sums.messages) == (b"busy@example.com", 2000)
    assert len(ranking) <= 1000


def test_texts_without_messages_are_left_out() -> None:
    ranking = Ranking("messages")
    ranking.add(found_texts(("a", "b"), np.array([[0, 0, 0, 0], [2, 9, 1, 0]])))
    assert ranking.top(None) == [(b"b", Sums(2, 9, 1, 0))]


def test_equal_names_are_in_the_order_of_their_spelling() -> None:
    ranking = Ranking("messages")
    add(ranking, [("b", 1), ("a", 1), ("c", 2)])
    assert [name for name, _ in ranking.top(2)] == [b"c", b"a"]
