"""A chunk folded while it is parsed has the sums and lines of one that is parsed first."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.formats import ByLog, FoldedChunk, Setting, StatsParser, folded, made
from mailtally_collector.formats.stats.folding import Folder
from mailtally_shared.rows import STEPS, UNFOLDED
from tests.support.records import NOON, sums_of

LINE = "Jun 20 18:20:14 mail%d.example.com in[1]: %d|a@example.net|b@d%d.example|%d|%s|%d\n"


def lines(seed: int, count: int, domains: int, seconds: int) -> bytes:
    rng = random.Random(seed)
    return "".join(
        "\0bad\n"
        if rng.random() < 0.05
        else LINE
        % (
            rng.randrange(3),
            NOON + rng.randrange(seconds),
            rng.randrange(domains),
            rng.randrange(99_999),
            rng.choice(["success", "timeout", "odd"]),
            rng.randrange(4),
        )
        for _ in range(count)
    ).encode()


def fold_stats(chunk: bytes, step: int) -> FoldedChunk:
    """A chunk folded by itself."""
    folder = Folder(step)
    found = folder.fold(chunk)
    assert not len(found.rows)
    return replace(found, rows=folder.take())


@pytest.mark.parametrize("step", STEPS[:-1])
@given(seed=st.integers(0, 999), count=st.integers(0, 60), domains=st.integers(1, 9))
def test_the_kernel_folds_as_columns_are_folded(
    step: int, seed: int, count: int, domains: int
) -> None:
    chunk = lines(seed, count, domains, 3 * step)
    here, there = fold_stats(chunk, step), folded(StatsParser().parse(chunk), step)
    assert sums_of(here.rows) == sums_of(there.rows)
    for name in ("records", "times", "lines", "nuls"):
        assert getattr(here, name) == getattr(there, name), name
    assert here.rejects.labels() == there.rejects.labels()
    assert here.rejects.start.tolist() == there.rejects.start.tolist()


def test_a_chunk_with_more_keys_than_there_is_room_for_is_folded_whole() -> None:
    chunk = lines(1, 5000, 4000, 60 * 60)
    here, there = fold_stats(chunk, 60), folded(StatsParser().parse(chunk), 60)
    assert len(here.rows) == len(there.rows)
    assert sums_of(here.rows) == sums_of(there.rows)
    assert (here.lines, here.records, here.times) == (there.lines, there.records, there.times)
    assert here.rejects.end.tolist() == there.rejects.end.tolist()


def test_records_that_are_not_folded_are_rows_in_their_order() -> None:
    chunk, logs = lines(2, 50, 3, 600), ByLog(made(Setting()))
    found, known = logs.fold("log", chunk, UNFOLDED)
    columns = StatsParser().parse(chunk).columns
    assert found.rows.start.tolist() == columns.time.tolist()
    assert found.rows.bytes.tolist() == columns.size.tolist()
    assert set(found.rows.messages.tolist()) == {1}
    assert known
    assert known.format == "stats"


def test_a_chunk_without_its_line_feed_is_refused() -> None:
    with pytest.raises(ValueError, match="line feed"):
        fold_stats(lines(3, 5, 2, 60)[:-1], 60)


def test_chunks_of_all_logs_are_folded_into_the_same_rows() -> None:
    logs, parts = ByLog(made(Setting())), [lines(seed, 300, 40, 7200) for seed in range(6)]
    for round_ in range(2):
        records = 0
        for number, part in enumerate(parts):
            records += logs.fold(f"log{number % 2}", part, 3600)[0].records
        (rows,) = logs.taken()
        assert logs.rows_held == 0, round_
        whole = folded(StatsParser().parse(b"".join(parts)), 3600)
        assert sums_of(rows) == sums_of(whole.rows)
        assert (len(rows), records) == (len(whole.rows), whole.records)
    assert logs.taken() == []


def test_rows_of_very_different_numbers_are_all_taken() -> None:
    folder = Folder(60)
    for count, domains in ((9000, 5000), (3, 2), (40_000, 9000), (0, 1), (5, 5)):
        chunk = lines(count, count, domains, 3600)
        folder.fold(chunk)
        there = folded(StatsParser().parse(chunk), 60)
        assert len(folder) >= len(there.rows)
        rows = folder.take()
        assert sums_of(rows) == sums_of(there.rows)
        assert len(rows) == len(there.rows)
        assert not len(folder)
