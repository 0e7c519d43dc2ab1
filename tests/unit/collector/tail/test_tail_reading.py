"""Which bytes a tailer hands out, and what it says of those it has not."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from collections import deque
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from mailtally_collector.tail import Chunk, Tailer
from mailtally_collector.tail.content import open_content
from mailtally_collector.tail.positions import Position, Span
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally_collector.tail.content import Content


@pytest.fixture
def tailed(tmp_path: Path) -> Iterator[Tailed]:
    one = Tailed(tmp_path, chunk_size=300, longest_line=200)
    yield one
    one.tailer.close()


def test_an_incomplete_last_line_waits_for_its_end(tailed: Tailed) -> None:
    tailed.append(b"1\nincom")
    assert tailed.look() == b"1\n"
    assert tailed.look(2 * ROTATE_WAIT) == b""
    tailed.append(b"plete\n")
    assert tailed.read() == b"incomplete\n"


def test_the_rest_of_a_rotated_file_is_one_reject_when_nobody_writes(tailed: Tailed) -> None:
    tailed.append(b"1\nrest", "stats.1")
    tailed.append(b"2\n")
    assert tailed.look() == b"1\n2\n"
    assert tailed.look(ROTATE_WAIT / 2) == b""
    assert tailed.rejects == []
    tailed.look(ROTATE_WAIT)
    (reject,) = tailed.rejects
    assert (reject.offset, reject.length, reject.reason, reject.kept) == (
        2,
        4,
        "unterminated",
        b"rest",
    )
    tailed.append(b" of it\n3\n", "stats.1")
    assert tailed.look() == b" of it\n3\n"


def test_the_rest_of_a_compressed_file_is_a_reject_at_once(tailed: Tailed) -> None:
    tailed.path("stats.1.gz").write_bytes(gzip.compress(b"1\nrest"))
    assert tailed.look() == b"1\n"
    assert [r.kept for r in tailed.rejects] == [b"rest"]


def test_at_the_end_of_input_the_primarys_rest_is_a_reject(tailed: Tailed) -> None:
    tailed.append(b"1\nrest")
    assert tailed.look() == b"1\n"
    assert tailed.finish() == b""
    assert [r.kept for r in tailed.rejects] == [b"rest"]
    assert tailed.tailer.backlog() == 0


@pytest.mark.parametrize("compressed", [False, True])
def test_an_overlong_line_is_one_reject_of_its_true_length(
    tailed: Tailed, *, compressed: bool
) -> None:
    data = b"1\n" + b"x" * 5000 + b"\n2\n"
    if compressed:
        tailed.path("stats.1.gz").write_bytes(gzip.compress(data))
    else:
        tailed.append(data)
    assert tailed.look() == b"1\n2\n"
    (reject,) = tailed.rejects
    assert (reject.offset, reject.length, reject.reason) == (2, 5000, "too-long")
    assert reject.kept == b"x" * 200


def test_an_overlong_line_is_handed_out_only_with_its_end(tailed: Tailed) -> None:
    tailed.append(b"x" * 1000)
    assert tailed.look() == b""
    tailed.append(b"x" * 1000)
    assert tailed.look() == b""
    assert tailed.rejects == []
    assert [p.offset for p in tailed.tailer.positions()] == [0]
    tailed.append(b"\nnext\n")
    assert tailed.look() == b"next\n"
    assert [r.length for r in tailed.rejects] == [2000]


def test_spans_tile_the_file_and_chunks_are_bounded(tailed: Tailed) -> None:
    data = b"".join(b"%d\n" % n for n in range(1000))
    tailed.append(data)
    tailed.tailer.scan(tailed.now)
    spans = []
    while chunk := tailed.tailer.read(tailed.now):
        assert len(chunk.data) == chunk.span.end - chunk.span.start <= 300 + 256
        assert chunk.data[-1] == ord("\n")
        spans.append(chunk.span)
    assert all(one.meets(other) for one, other in pairwise(spans))
    assert (spans[0].start, spans[-1].end) == (0, len(data))


def test_counted_stretches_are_jumped_over(tailed: Tailed) -> None:
    data = b"".join(b"%03d\n" % n for n in range(100))
    tailed.append(data)
    tailed.look()
    (position,) = tailed.tailer.positions()
    skip = [Span(position.file_key, 40, 80), Span(position.file_key, 200, 240)]
    tailed.tailer = Tailer(
        [str(tailed.path())], positions=[position.at_beginning()], skip=skip, chunk_size=300
    )
    assert tailed.look() == data[:40] + data[80:200] + data[240:]
    assert tailed.tailer.skips() == []


def test_a_rewound_position_is_proved_by_what_was_known_further_on(tailed: Tailed) -> None:
    tailed.append(b"x" * 150 + b"\n" + b"y" * 150 + b"\n")
    tailed.look()
    (position,) = tailed.tailer.positions()
    tailed.path().write_bytes(b"another file\n" * 100)
    tailed.tailer = Tailer([str(tailed.path())], positions=[position.at_beginning()])
    tailed.look()
    keys = {p.file_key for p in tailed.tailer.positions() if p.gone is None}
    assert position.file_key not in keys


def test_starting_at_the_end_leaves_out_whole_lines_only(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, start="end")
    tailed.append(b"old\nincom")
    tailed.path("stats.1.gz").write_bytes(gzip.compress(b"older\n"))
    assert tailed.look() == b""
    tailed.append(b"plete\n")
    assert tailed.look() == b"incomplete\n"
    tailed.path().rename(tailed.path("stats.0"))
    tailed.append(b"new file\n")
    assert tailed.look() == b"new file\n"


def test_a_restart_resumes_even_where_a_first_start_begins_at_the_end(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, start="end")
    tailed.append(b"old\n")
    tailed.look()
    checkpoint = tailed.stop()
    tailed.append(b"1\n")
    tailed.start(checkpoint)
    assert tailed.look() == b"1\n"


def test_logs_take_turns(tailed: Tailed) -> None:
    for name in ("stats-a", "stats-b"):
        lines = b"".join(b"%s %d\n" % (name.encode(), n) for n in range(1000))
        tailed.append(lines, name)
    tailed.tailer.scan(tailed.now)
    paths = []
    for _ in range(4):
        chunk = tailed.tailer.read(tailed.now)
        assert chunk is not None
        paths.append(chunk.path[-1])
    assert paths == ["a", "b", "a", "b"]


def test_caught_up_is_the_time_of_the_look_once_all_it_saw_is_read(tailed: Tailed) -> None:
    assert tailed.tailer.caught_up_to() == 0.0
    tailed.append(b"x" * 100 + b"\n" + b"y" * 290 + b"\nincomplete")
    tailed.tailer.scan(10.0)
    tailed.tailer.read(11.0)
    assert tailed.tailer.caught_up_to() == 0.0
    tailed.append(b" no more\nand more")
    tailed.tailer.scan(12.0)
    tailed.read()
    assert tailed.tailer.caught_up_to() == 10.0
    tailed.tailer.scan(13.0)
    assert tailed.read() == b""
    assert tailed.tailer.caught_up_to() == 13.0


def test_the_backlog_is_what_lies_behind_the_offsets(tailed: Tailed) -> None:
    tailed.append(b"1\n2\n")
    tailed.tailer.scan(tailed.now)
    assert tailed.tailer.backlog() == 4
    tailed.look()
    assert tailed.tailer.backlog() == 0


def test_few_open_files_are_enough_for_many_logs(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, max_open_files=3)
    names = [f"stats-{n}" for n in range(10)]
    for turn in range(3):
        for name in names:
            tailed.append(b"%d\n" % turn, name)
        assert tailed.look() == b"%d\n" % turn * len(names)


def test_positions_hold_no_byte_of_the_log_and_survive_json(tailed: Tailed) -> None:
    tailed.append(b"postmaster@example.com\n" * 100)
    tailed.look()
    (position,) = tailed.tailer.positions()
    assert Position.from_json(position.to_json()) == position
    assert "example.com" not in str(position.to_json())


@pytest.mark.parametrize("held", [1, 2, 5])
def test_chunks_hold_as_long_as_promised(tmp_path: Path, held: int) -> None:
    lines = [b"%04d %s\n" % (number, b"x" * (number % 90)) for number in range(300)]
    (tmp_path / "stats").write_bytes(b"".join(lines))
    tailer = Tailer([f"{tmp_path}/stats"], chunk_size=300, longest_line=200, held=held)
    tailer.scan(0.0)
    handed: deque[tuple[Chunk, bytes]] = deque(maxlen=held)
    read = b""
    while chunk := tailer.read(0.0):
        handed.append((chunk, bytes(chunk.data)))
        read += chunk.data
        assert all(one.data == data for one, data in handed)
    assert read == b"".join(lines)
    tailer.close()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["stats.1", "stats.1.gz", "stats.1.zst", "stats-old.bz2"])
def test_a_compressed_file_is_read_under_any_name(
    tailed: Tailed, name: str, pack: Callable[[bytes], bytes]
) -> None:
    data = b"".join(b"%d\n" % n for n in range(1000))
    tailed.path(name).write_bytes(pack(data) + pack(b"more\n"))
    tailed.append(b"last\n")
    assert sorted(tailed.look().split()) == sorted((data + b"more\nlast\n").split())
    tailed.restart()
    assert tailed.look() == b""


def test_rotated_files_are_not_opened_again_for_each_piece_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed = Tailed(tmp_path, max_open_files=3)
    for n in range(40):
        tailed.append(b"line %d of its own, %d bytes or so long\n" % (n, 2 * n), f"stats.{n + 1}")
    tailed.tailer.scan(tailed.now)
    opened: list[str] = []

    def opens(path: str) -> Content:
        opened.append(path)
        return open_content(path)

    monkeypatch.setattr("mailtally_collector.tail.handles.open_content", opens)
    assert len(tailed.read().splitlines()) == 40
    assert len(opened) <= 2 * 40
    tailed.append(b"a line more\n", "stats.40")
    assert tailed.look(1) == b"a line more\n"


@pytest.mark.parametrize("name", ["stats", "stats-other"])
def test_a_file_that_was_empty_when_it_was_opened_may_turn_out_compressed(
    tailed: Tailed, name: str
) -> None:
    tailed.append(b"", name)
    assert tailed.look() == b""
    with_line_feeds = gzip.compress(b"1\n2\n", mtime=0x0A0A0A0A)  # as text it would have lines
    tailed.append(with_line_feeds, name)
    assert tailed.read() == b"1\n2\n"
    assert tailed.rejects == []


@pytest.mark.parametrize("name", ["stats", "stats-other"])
def test_a_file_that_is_empty_at_the_end_of_the_input_may_turn_out_compressed(
    tailed: Tailed, name: str
) -> None:
    tailed.append(b"", name)
    assert tailed.finish() == b""
    tailed.append(gzip.compress(b"1\n2\n", mtime=0x0A0A0A0A), name)
    assert tailed.read() == b"1\n2\n"
    assert tailed.rejects == []


def test_a_name_that_is_no_utf8_stops_nothing(tailed: Tailed) -> None:
    tailed.append(b"1\n")
    tailed.append(b"2\n", os.fsdecode(b"stats-\xe4lter"))
    assert tailed.look() == b"1\n2\n"
    assert all(json.dumps(position).isascii() for position in tailed.stop())
    tailed.restart()
    tailed.append(b"3\n", os.fsdecode(b"stats-\xe4lter"))
    assert tailed.look() == b"3\n"


def hole(tailed: Tailed, length: int, name: str = "stats") -> None:
    """Lengthen a file by NULs that take no room."""
    with tailed.path(name).open("ab") as file:
        file.truncate(file.tell() + length)


def chunks_of(tailed: Tailed) -> list[Chunk]:
    tailed.tailer.scan(tailed.now)
    return [
        replace(chunk, data=memoryview(bytes(chunk.data)))
        for chunk in iter(lambda: tailed.tailer.read(tailed.now), None)
    ]


@pytest.mark.parametrize("length", [1, 255, 256, 257, 299, 300, 301, 1000, 70_000, 5 * 2**30])
@pytest.mark.parametrize("before", [b"", b"0\n"])
def test_a_hole_in_front_of_a_line_is_skipped_and_counted(
    tailed: Tailed, before: bytes, length: int
) -> None:
    tailed.append(before)
    assert tailed.look() == before
    hole(tailed, length)
    assert tailed.look() == b""
    tailed.append(b"incom")
    assert tailed.look() == b""
    tailed.append(b"plete\n2\n")
    [chunk] = chunks_of(tailed)
    assert (bytes(chunk.data), chunk.nuls) == (b"incomplete\n2\n", length)
    assert (chunk.span.start, chunk.span.end) == (len(before), len(before) + length + 13)
    assert tailed.rejects == []
    tailed.restart()
    assert tailed.look() == b""
    tailed.append(b"3\n")
    assert tailed.look() == b"3\n"


def test_a_line_behind_a_hole_may_be_overlong(tailed: Tailed) -> None:
    hole(tailed, 10_000)
    tailed.append(b"x" * 5000 + b"\nnext\n")
    first, second = chunks_of(tailed)
    (reject,) = first.rejects
    assert (reject.offset, reject.length, reject.reason) == (10_000, 5000, "too-long")
    assert (first.nuls, bytes(second.data), second.nuls) == (10_000, b"next\n", 0)


@pytest.mark.parametrize("rest", [b"", b"rest"])
def test_a_hole_at_the_end_of_a_rotated_file_is_no_line(tailed: Tailed, rest: bytes) -> None:
    tailed.append(b"1\n", "stats.1")
    hole(tailed, 10_000, "stats.1")
    tailed.append(rest, "stats.1")
    tailed.append(b"2\n")
    tailed.look()
    tailed.now += ROTATE_WAIT
    [chunk] = chunks_of(tailed)
    assert (bytes(chunk.data), chunk.nuls) == (b"", 10_000)
    assert [(r.offset, r.kept) for r in chunk.rejects] == [(10_002, rest)] * bool(rest)
    assert tailed.look() == b""


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_hole_in_a_compressed_file_is_skipped(
    tailed: Tailed, pack: Callable[[bytes], bytes]
) -> None:
    tailed.path("stats.1").write_bytes(pack(bytes(300_000) + b"1\n2\n" + bytes(1000)))
    first, second = chunks_of(tailed)
    assert (bytes(first.data), first.nuls) == (b"1\n2\n", 300_000)
    assert (bytes(second.data), second.nuls, second.rejects) == (b"", 1000, ())


def test_counted_stretches_behind_a_hole_are_jumped_over(tailed: Tailed) -> None:
    hole(tailed, 1000)
    tailed.append(b"1\n2\n3\n")
    tailed.look()
    (position,) = tailed.tailer.positions()
    skip = [Span(position.file_key, 0, 1002)]
    tailed.tailer = Tailer([str(tailed.path())], positions=[position.at_beginning()], skip=skip)
    assert tailed.look() == b"2\n3\n"


def test_only_some_compressed_files_are_held_open_at_once(tmp_path: Path) -> None:
    contents = [b"%d\n2\n" % number for number in range(30)]  # the same ones would be copies
    for number, content in enumerate(contents):
        (tmp_path / f"log{number}.1").write_bytes(lzma.compress(content))
    tailer = Tailer([f"{tmp_path}/log*"])
    tailer.scan(1.0)
    held = [link for link in Path("/proc/self/fd").iterdir() if tmp_path in link.resolve().parents]
    assert len(held) <= 8
    read = [bytes(chunk.data) for chunk in iter(lambda: tailer.read(1.0), None)]
    assert sorted(read) == sorted(contents)
    tailer.close()
