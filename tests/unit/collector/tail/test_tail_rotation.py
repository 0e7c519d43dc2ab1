"""Logs are read once through every kind of rotation, seen or not."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.tail import handles
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = b"".join(b"line %d of the first file\n" % n for n in range(40))
LATER = b"".join(b"line %d of the second file\n" % n for n in range(80))
FIRST_LINE = b"a line that every file begins with\n"


@pytest.fixture
def tailed(tmp_path: Path) -> Iterator[Tailed]:
    one = Tailed(tmp_path)
    yield one
    one.tailer.close()


def compress(tailed: Tailed, name: str) -> None:
    plain = tailed.path(name)
    tailed.path(f"{name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def test_a_renamed_file_is_read_to_its_end_before_the_new_one(tailed: Tailed) -> None:
    tailed.append(b"1\n")
    assert tailed.look() == b"1\n"
    tailed.append(b"2\n")
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(b"4\n")
    tailed.append(b"3\n", "stats.1")
    assert tailed.look() == b"2\n3\n4\n"


def test_a_file_renamed_since_the_last_look_is_followed_without_one(tailed: Tailed) -> None:
    tailed.append(b"1\n")
    tailed.look()
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(b"2\n", "stats.1")
    assert tailed.read() == b"2\n"


def test_several_rotations_while_stopped_lose_nothing(tailed: Tailed) -> None:
    tailed.append(LINES[:100])
    tailed.look()
    checkpoint = tailed.stop()
    tailed.append(LINES[100:])
    tailed.path().rename(tailed.path("stats.3"))
    tailed.append(b"between\n", "stats.2")
    tailed.append(b"later\n", "stats.1")
    tailed.append(b"now\n")
    for name in ("stats.3", "stats.2"):
        compress(tailed, name)
    tailed.start(checkpoint)
    assert LINES.startswith(LINES[:100])
    seen = tailed.look()
    assert seen == LINES[LINES.rfind(b"\n", 0, 100) + 1 :] + b"between\nlater\nnow\n"


def test_rotated_files_are_read_oldest_first(tailed: Tailed) -> None:
    names = ["stats-20251231.gz", "stats-20260101", "stats.10", "stats.9.gz", "stats.1", "stats"]
    for name in reversed(names):
        data = name.encode() + b"\n"
        tailed.path(name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert tailed.look().decode().split() == names


def test_a_compressed_file_is_the_one_it_was_made_of(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    tailed.path().rename(tailed.path("stats.1"))
    tailed.look()
    compress(tailed, "stats.1")
    assert tailed.look() == b""
    assert tailed.look(2 * ROTATE_WAIT) == b""
    assert tailed.look(2 * ROTATE_WAIT) == b""


def test_while_gzip_is_at_work_the_plain_file_counts(tailed: Tailed) -> None:
    tailed.append(LINES, "stats.1")
    tailed.path("stats.1.gz").write_bytes(gzip.compress(LINES)[:50])
    assert tailed.look() == LINES


def test_a_half_read_compressed_file_is_resumed(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, chunk_size=300, longest_line=200)
    tailed.path("stats.1.gz").write_bytes(gzip.compress(LINES))
    tailed.tailer.scan(tailed.now)
    chunk = tailed.tailer.read(tailed.now)
    assert chunk is not None
    first = bytes(chunk.data)
    tailed.restart()
    assert first + tailed.look() == LINES


def test_a_broken_compressed_file_is_told_of_once_and_blocks_nothing(
    tailed: Tailed, caplog: pytest.LogCaptureFixture
) -> None:
    whole = gzip.compress(LINES, compresslevel=0)
    tailed.path("stats.1.gz").write_bytes(whole[: len(whole) // 2])
    tailed.append(b"new\n")
    seen = tailed.look() + tailed.look(1) + tailed.look(1)
    assert seen.endswith(b"new\n")
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert tailed.tailer.caught_up_to() == tailed.now
    tailed.path("stats.1.gz").write_bytes(whole)
    assert sorted((seen + tailed.look(1)).splitlines()) == sorted((LINES + b"new\n").splitlines())
    assert tailed.rejects == []


def test_copytruncate_reads_what_was_copied_and_what_comes_after(tailed: Tailed) -> None:
    tailed.append(LINES[:200])
    tailed.look()
    tailed.append(LINES[200:])
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    tailed.path().write_bytes(b"after\n")
    rest = LINES[LINES.rfind(b"\n", 0, 200) + 1 :]
    assert tailed.look() == rest + b"after\n"


def test_a_copy_in_the_making_is_not_read(tailed: Tailed) -> None:
    tailed.append(LINES)
    assert tailed.look() == LINES
    for size in (10, 300, len(LINES)):
        tailed.path("stats.1").write_bytes(LINES[:size])
        assert tailed.look() == b""
    tailed.append(b"during the copying\n")
    assert tailed.look() == b"during the copying\n"
    tailed.path().write_bytes(b"")
    assert tailed.look() == b""
    assert tailed.look(2 * ROTATE_WAIT) == b""


def test_a_copy_that_was_cut_short_before_anyone_looked_is_recognised(tailed: Tailed) -> None:
    tailed.append(LINES[:500])
    tailed.look()
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    tailed.append(LINES[500:])
    tailed.read()
    tailed.path().write_bytes(b"after\n")
    assert tailed.look() == b"after\n"


def test_a_backup_is_not_counted_again(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    for _ in range(3):
        assert tailed.look(2 * ROTATE_WAIT) == b""
    assert tailed.finish() == b""


def test_a_file_emptied_and_grown_past_the_offset_is_a_new_one(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    tailed.path().write_bytes(LATER)
    assert tailed.read() == LATER


def test_a_file_emptied_while_stopped_is_a_new_one(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    checkpoint = tailed.stop()
    tailed.path().write_bytes(LATER)
    tailed.start(checkpoint)
    assert tailed.look() == LATER


def test_files_with_the_same_first_line_are_told_apart(tailed: Tailed) -> None:
    tailed.append(FIRST_LINE + b"old\n")
    tailed.look()
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(FIRST_LINE + b"new\n")
    assert tailed.look() == FIRST_LINE + b"new\n"
    tailed.path("stats.1").unlink()
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(FIRST_LINE + b"newer\n")
    tailed.restart()
    assert tailed.look() == FIRST_LINE + b"newer\n"


def test_a_short_rotated_file_that_the_primary_repeats_is_read_in_the_end(tailed: Tailed) -> None:
    tailed.append(FIRST_LINE, "stats.1")
    tailed.append(FIRST_LINE + b"and more\n")
    assert tailed.look() == FIRST_LINE + b"and more\n"  # it could be a copy being made
    assert tailed.finish() == FIRST_LINE


def test_a_reused_inode_is_no_known_file(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    checkpoint = tailed.stop()
    tailed.path().unlink()
    tailed.append(LATER)
    tailed.start([{**value, "inode": tailed.path().stat().st_ino} for value in checkpoint])
    assert tailed.look() == LATER


def test_a_log_moved_to_another_file_system_goes_on(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    checkpoint = tailed.stop()
    tailed.append(b"more\n")
    tailed.start([{**value, "device": value["device"] + 1, "inode": 1} for value in checkpoint])
    assert tailed.look() == b"more\n"


def test_a_removed_file_is_read_to_its_end(tailed: Tailed) -> None:
    tailed.append(b"1\n")
    tailed.look()
    with tailed.path().open("ab") as writer:
        tailed.path().unlink()
        writer.write(b"2\n")
        writer.flush()
        assert tailed.look() == b"2\n"
        writer.write(b"3\nrest")
    assert tailed.look(2 * ROTATE_WAIT) == b"3\n"
    tailed.look(2 * ROTATE_WAIT)
    assert [r.kept for r in tailed.rejects] == [b"rest"]


def test_lines_written_to_a_file_after_it_was_compressed_are_read_once(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    with tailed.path().open("ab") as late:
        tailed.path().rename(tailed.path("stats.1"))
        tailed.look()
        compress(tailed, "stats.1")
        late.write(b"late\n")
        late.flush()
        assert tailed.look() == b"late\n"
    assert tailed.look(2 * ROTATE_WAIT) + tailed.look(2 * ROTATE_WAIT) == b""


def test_a_link_to_a_log_is_not_a_second_log(tailed: Tailed) -> None:
    tailed.append(b"1\n", "stats-20260101")
    tailed.path().symlink_to("stats-20260101")
    assert tailed.look() == b"1\n"


def test_a_pipe_or_a_directory_in_a_logs_place_holds_nothing_up(tailed: Tailed) -> None:
    os.mkfifo(tailed.path("stats.pipe"))
    tailed.path("stats.d").mkdir()
    tailed.append(b"1\n")
    assert tailed.look() == b"1\n"


def test_lost_bytes_are_told_of_when_a_file_is_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tailed = Tailed(tmp_path, forget_after=100.0)
    tailed.append(b"1\n")
    tailed.look()
    tailed.append(b"lost\n")
    tailed.tailer.scan(tailed.now)
    tailed.path().write_bytes(b"")
    tailed.look()
    assert len(tailed.tailer.positions()) == 2
    tailed.look(101.0)
    assert [p.offset for p in tailed.tailer.positions()] == [0]
    assert "5 bytes unread" in caplog.text


def test_a_log_that_may_not_be_read_is_told_of_once_and_read_when_it_may(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: str, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    tailed.append(b"1\n")
    with monkeypatch.context() as patched:
        patched.setattr(handles, "open_content", refuse)
        assert tailed.look() + tailed.look(1) == b""
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert tailed.look(1) == b"1\n"


def test_a_known_log_that_may_not_be_read_for_a_while_goes_on_later(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    tailed.append(b"1\n")
    tailed.look()
    tailed.restart()
    tailed.append(b"2\n")
    with monkeypatch.context() as patched:
        patched.setattr(handles, "open_content", refuse)
        assert tailed.look() == b""
    assert tailed.look(1) == b"2\n"


def test_a_removed_file_that_was_emptied_before_is_given_up(tailed: Tailed) -> None:
    tailed.append(LINES)
    tailed.look()
    tailed.path().write_bytes(b"")
    tailed.path().unlink()
    tailed.append(b"new\n")
    assert tailed.look() + tailed.look(1) == b"new\n"
    assert tailed.tailer.caught_up_to() == tailed.now


def test_a_compressed_file_that_breaks_after_it_was_read_is_not_read_again(
    tailed: Tailed, caplog: pytest.LogCaptureFixture
) -> None:
    whole = gzip.compress(LINES)
    tailed.path("stats.1.gz").write_bytes(whole)
    assert tailed.look() == LINES
    tailed.path("stats.1.gz").write_bytes(whole[:60])
    assert tailed.look(1) + tailed.look(1) == b""
    assert "cannot be read on" in caplog.text
    tailed.path("stats.1.gz").write_bytes(whole + gzip.compress(b"more\n"))
    assert tailed.look(1) == b"more\n"


def test_of_copies_that_each_go_further_only_the_longest_is_read(tailed: Tailed) -> None:
    lines = LATER.splitlines(keepends=True)
    for more in range(6):
        tailed.append(b"".join(lines[: 20 + 10 * more]), f"stats-copy{more}")
    assert tailed.look() == b"".join(lines[:70])
    tailed.append(b"".join(lines[70:]), "stats-copy5")
    assert tailed.look() + tailed.finish() == b"".join(lines[70:])


def test_an_empty_compressed_file_that_becomes_a_copy_is_one(tailed: Tailed) -> None:
    tailed.path("stats.bak").write_bytes(gzip.compress(b""))
    assert tailed.look() == b""
    tailed.append(LINES)
    assert tailed.look() == LINES
    tailed.path("stats.bak").write_bytes(gzip.compress(LINES))
    assert tailed.look(2 * ROTATE_WAIT) + tailed.look(2 * ROTATE_WAIT) == b""


def test_a_short_log_that_is_compressed_before_it_was_read_is_read_once(tailed: Tailed) -> None:
    tailed.append(b"short\n", "stats.1")
    tailed.tailer.scan(tailed.now)
    compress(tailed, "stats.1")
    for _ in range(2):  # and nothing is read in between: sending is held up
        tailed.tailer.scan(tailed.now)
        tailed.now += 2 * ROTATE_WAIT
    assert tailed.look() + tailed.look() + tailed.finish() == b"short\n"
