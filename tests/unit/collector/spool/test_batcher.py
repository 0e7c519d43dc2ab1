"""A batch is ready when it is large or old enough, and loses nothing on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.spool.batcher import Batcher, BatchLimits
from mailtally_collector.tail.positions import Span
from mailtally_shared.rows import STEPS
from tests.support.records import NOON, Record, any_record, folded_chunk, rows, sums_of

LIMITS = BatchLimits(keys=10, bytes=1000, linger=0.2)


def span(start: int, end: int, file: str = "f") -> Span:
    return Span(file, start, end)


def test_a_new_batcher_waits_for_nothing() -> None:
    batcher = Batcher(LIMITS)
    assert batcher.is_empty
    assert not batcher.is_ready(1e9)
    assert batcher.waits(1e9) is None


def test_a_small_batch_is_ready_when_it_is_old() -> None:
    batcher = Batcher(LIMITS)
    batcher.add(span(0, 10), folded_chunk([Record()]), [], 100.0)
    assert not batcher.is_ready(100.1)
    assert batcher.is_ready(100.2)


def test_a_large_batch_is_ready_at_once() -> None:
    batcher = Batcher(LIMITS)
    batcher.add(span(0, 10), folded_chunk([Record()] * 10), [], 100.0)
    assert batcher.is_full
    assert batcher.is_ready(100.0)


def test_malformed_lines_alone_make_a_batch() -> None:
    batcher = Batcher(LIMITS)
    batcher.add(span(0, 10), folded_chunk([]), ["bad-date", "nul", "nul"], 100.0)
    assert batcher.is_ready(100.2)
    gathered = batcher.take()
    assert (gathered.lines, len(gathered.rows)) == (3, 0)
    assert gathered.malformed == {"bad-date": 1, "nul": 2}
    assert batcher.is_empty


def test_a_flood_of_malformed_lines_fills_a_batch() -> None:
    batcher = Batcher(LIMITS)
    batcher.add(span(0, 500), folded_chunk([]), ["nul"] * 100, 100.0)
    assert not batcher.is_full
    batcher.add(span(500, 1000), folded_chunk([]), ["nul"] * 100, 100.0)
    assert batcher.is_full


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    batcher = Batcher(LIMITS)
    batcher.add(span(0, 10), folded_chunk([Record()]), [], 100.0)
    assert batcher.is_ready(50.0)


def test_spans_that_meet_become_one() -> None:
    batcher = Batcher(LIMITS)
    for piece in (span(0, 10), span(10, 30), span(5, 6, "g"), span(30, 40)):
        batcher.add(piece, folded_chunk([Record()]), [], 100.0)
    assert batcher.take().spans == (span(0, 30), span(5, 6, "g"), span(30, 40))


@pytest.mark.parametrize("step", STEPS)
@given(parts=st.lists(st.lists(any_record(), max_size=10), max_size=6))
def test_what_is_added_is_taken(step: int, parts: list[list[Record]]) -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 1), 100.0)
    for part in parts:
        batcher.add(span(0, 1), folded_chunk(part, step), [], 100.0)
    gathered = batcher.take()
    expected = [record for part in parts for record in part]
    times = [record.time for record in expected]
    assert sums_of(gathered.rows) == sums_of(rows(expected, step))
    assert gathered.lines == gathered.records == len(expected)
    assert gathered.times == ((min(times), max(times)) if times else None)


def test_a_batch_is_full_by_keys_and_not_by_records() -> None:
    batcher, hour = Batcher(LIMITS), 3600
    for _ in range(3):
        batcher.add(span(0, 1), folded_chunk([Record()] * 9 + [Record(size=7)], hour), [], 100.0)
    assert not batcher.is_full
    keys = [Record(time=NOON + number * hour) for number in range(9)]
    batcher.add(span(0, 1), folded_chunk(keys, hour), [], 100.0)
    assert not batcher.is_ready(100.0)
    batcher.add(span(0, 1), folded_chunk([Record(domain="b.example")], hour), [], 100.0)
    assert batcher.is_ready(100.0)
    gathered = batcher.take()
    assert (len(gathered.rows), gathered.records) == (10, 40)
