"""A trail proves a file by what was read of it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.tail.identity.fingerprints import (
    WINDOW,
    Trail,
    agreement,
    extended,
    trail_at,
)


@dataclass
class Text:
    data: bytes

    def window(self, at: int) -> bytes | None:
        return self.data[max(0, at - WINDOW) : at] if at <= len(self.data) else None


def laid(data: bytes, steps: list[int]) -> Trail:
    """The trail of one who read ``data`` in these steps."""
    trail: Trail = ()
    at = 0
    for step in steps:
        at += step
        if at <= len(data):
            for mark in trail_at(Text(data), at) if not trail else trail_at(Text(data), at)[-1:]:
                trail = extended(trail, mark)
    return trail


texts = st.binary(min_size=1, max_size=2000)
steps = st.lists(st.integers(1, 300), min_size=1, max_size=40)


@given(texts, steps, st.binary(max_size=500))
def test_a_file_that_has_grown_is_the_same(data: bytes, steps: list[int], more: bytes) -> None:
    trail = laid(data, steps)
    if trail:
        assert agreement(trail, Text(data + more)) == trail[-1].at


@given(texts, steps, st.data())
def test_a_change_within_the_last_window_or_the_first_is_seen(
    data: bytes, steps: list[int], draw: st.DataObject
) -> None:
    trail = laid(data, steps)
    if not trail:
        return
    first, last = trail[0].at, trail[-1].at
    covered = [*range(min(first, WINDOW)), *range(max(0, last - WINDOW), last)]
    place = draw.draw(st.sampled_from(covered))
    other = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    assert agreement(trail, Text(other)) == 0


@given(texts, steps, st.integers(0, 2000))
def test_a_beginning_agrees_as_far_as_it_goes(data: bytes, steps: list[int], cut: int) -> None:
    trail = laid(data, steps)
    reached = agreement(trail, Text(data[:cut]))
    assert reached == max((mark.at for mark in trail if mark.at <= min(cut, len(data))), default=0)


def test_a_trail_stays_short_and_keeps_marks_near_and_far() -> None:
    trail: Trail = ()
    data = Text(bytes(range(256)) * 400)
    for at in range(100, 100_000, 100):
        for mark in trail_at(data, at)[-1:]:
            trail = extended(trail, mark)
    places = [mark.at for mark in trail]
    assert places[0] == 100
    assert places[-1] == 99_900
    assert len(places) <= 12
    assert places == sorted(places)
    assert any(80_000 <= place < 99_900 for place in places)


def test_nothing_read_proves_nothing() -> None:
    assert trail_at(Text(b"abc"), 0) == ()
    assert trail_at(Text(b"abc"), 4) == ()
    assert agreement((), Text(b"abc")) == 0
