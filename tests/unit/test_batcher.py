"""A batch is ready when it is large or old enough, and loses nothing on the way."""

from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.batcher import Batcher, BatchLimits
from mailtally_collector.positions import Span
from mailtally_shared.columns import Columns
from tests.support.records import Record, any_record, columns, records_of

LIMITS = BatchLimits(records=10, linger=0.2)


def span(start: int, end: int, file: str = "f") -> Span:
    return Span(file, start, end)


def test_a_new_batcher_waits_for_nothing() -> None:
    batcher = Batcher(LIMITS)
    assert batcher.is_empty
    assert not batcher.is_ready(1e9)
    assert batcher.waits(1e9) is None


def test_a_small_batch_is_ready_when_it_is_old() -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 10), columns([Record()]), [], 100.0)
    assert not batcher.is_ready(100.1)
    assert batcher.is_ready(100.2)


def test_a_large_batch_is_ready_at_once() -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 10), columns([Record()] * 10), [], 100.0)
    assert batcher.is_full
    assert batcher.is_ready(100.0)


def test_malformed_lines_alone_make_a_batch() -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 10), Columns.empty(), ["bad-date", "nul", "nul"], 100.0)
    assert batcher.is_ready(100.2)
    gathered = batcher.take()
    assert (gathered.lines, len(gathered.columns)) == (3, 0)
    assert gathered.malformed == {"bad-date": 1, "nul": 2}
    assert batcher.is_empty


def test_a_flood_of_malformed_lines_fills_a_batch() -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 10), columns([Record()] * 4), ["nul"] * 6, 100.0)
    assert batcher.is_full


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    batcher = Batcher(LIMITS)
    batcher.append(span(0, 10), columns([Record()]), [], 100.0)
    assert batcher.is_ready(50.0)


def test_spans_that_meet_become_one() -> None:
    batcher = Batcher(LIMITS)
    for piece in (span(0, 10), span(10, 30), span(5, 6, "g"), span(30, 40)):
        batcher.append(piece, columns([Record()]), [], 100.0)
    assert batcher.take().spans == (span(0, 30), span(5, 6, "g"), span(30, 40))


@given(st.lists(st.lists(any_record(), max_size=10), max_size=6))
def test_what_is_appended_is_taken(parts: list[list[Record]]) -> None:
    batcher = Batcher(LIMITS)
    for part in parts:
        batcher.append(span(0, 1), columns(part), [], 100.0)
    gathered = batcher.take()
    expected = [record for part in parts for record in part]
    assert records_of(gathered.columns) == expected
    assert gathered.lines == len(expected)
