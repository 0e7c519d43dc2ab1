"""A file that was changed under its reader is the same file, and its copies count once."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.spool.progress import Progress, resume
from mailtally_collector.tail.identity.last_lines import MOST
from mailtally_collector.tail.identity.rejoin import newest_window
from mailtally_collector.tail.positions import Position
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from mailtally_collector.tail.content import Content
    from mailtally_collector.tail.positions import Mark


def lines(first: int, last: int) -> bytes:
    """Lines with a time, some hundred bytes each, as a log has them."""
    return b"".join(
        b"Nov 22 12:%02d:%02d mail1.example.com in[%d]: %d|bob@example.net|info@shop.example\n"
        % (n // 60 % 60, n % 60, n, 1795348800 + n)
        for n in range(first, last)
    )


OLD = lines(0, 500)
NEW = lines(500, 520)


@pytest.fixture
def tailed(tmp_path: Path) -> Iterator[Tailed]:
    one = Tailed(tmp_path)
    yield one
    one.tailer.close()


@pytest.fixture(params=["live", "restarted"])
def between(request: pytest.FixtureRequest, tailed: Tailed) -> Callable[[], None]:
    """What happens between two looks: nothing, or a restart."""
    return tailed.restart if request.param == "restarted" else lambda: None


def overwrite(path: Path, data: bytes) -> None:
    """Change a file in its place: it keeps its inode."""
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


def replace_by(path: Path, data: bytes) -> None:
    """Put another file in a file's place, as ``sed -i``, rsync and ``cp x; mv`` do."""
    other = path.with_name(f".{path.name}.new")
    other.write_bytes(data)
    other.replace(path)


def settled(tailed: Tailed) -> bytes:
    """All that comes when there is time enough."""
    return b"".join(tailed.look(2 * ROTATE_WAIT) for _ in range(4))


CHANGES = {
    "cut": (OLD[:-700], b""),
    "cut to a line": (lines(0, 490), b""),
    "cut by much": (lines(0, 200), b""),
    "cut, and ends in zeros": (OLD[:-700] + bytes(700), b""),
    "cut, and a page of zeros": (OLD[:-700] + bytes(4096), b""),
    "a line taken out": (lines(0, 6) + lines(7, 500), b""),
    "a line put in": (lines(0, 6) + b"what somebody wrote\n" + lines(6, 500), b""),
    "a late line taken out": (lines(0, 494) + lines(495, 500), b""),
    "bytes changed": (lines(0, 250).replace(b"00249", b"00xxx") + lines(250, 500), b""),
    "an older backup": (lines(0, 410), b""),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", [overwrite, replace_by])
def test_a_log_that_lost_its_tail_or_was_edited_is_not_counted_again(
    tailed: Tailed, between: Callable[[], None], change: str, way: Callable[[Path, bytes], None]
) -> None:
    tailed.append(OLD)
    assert tailed.look() == OLD
    between()
    changed, rest = CHANGES[change]
    way(tailed.path(), changed)
    assert settled(tailed) == rest
    tailed.append(NEW)
    assert settled(tailed) == NEW
    assert tailed.tailer.stopped() == ()
    assert tailed.tailer.caught_up_to() == tailed.now


FIRST_LINES = {
    "the first line removed": lines(1, 500),
    "only the last lines kept": lines(400, 500),
    "a line in front": b"# what somebody noted\n" + OLD,
}


@pytest.mark.parametrize("change", FIRST_LINES)
@pytest.mark.parametrize("way", [overwrite, replace_by])
def test_a_log_without_its_first_lines_or_with_others_is_not_counted_again(
    tailed: Tailed, between: Callable[[], None], change: str, way: Callable[[Path, bytes], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    way(tailed.path(), FIRST_LINES[change])
    assert settled(tailed) == b""
    tailed.append(NEW)
    between()
    assert settled(tailed) == NEW
    assert tailed.tailer.stopped() == ()


@pytest.mark.parametrize("removed", [1, 2, 8])
@pytest.mark.parametrize("kept", [1, 2, 3, 10, 400])
@pytest.mark.parametrize("written", [b"", NEW])
@pytest.mark.parametrize("way", [overwrite, replace_by])
def test_a_log_without_its_first_lines_is_not_counted_again_however_far_it_was_read(
    tmp_path: Path, removed: int, kept: int, written: bytes, way: Callable[[Path, bytes], None]
) -> None:
    for read in {0, removed, removed + 1, removed + kept}:
        tailed = Tailed(tmp_path / str(read))
        tailed.directory.mkdir()
        tailed.append(lines(0, read))
        came = tailed.look()
        tailed.append(lines(read, removed + kept))
        way(tailed.path(), lines(removed, removed + kept) + written)
        came += settled(tailed)
        assert sorted(came.splitlines()) == sorted({*came.splitlines()})
        assert {*(lines(removed, removed + kept) + written).splitlines()} <= {*came.splitlines()}
        assert not tailed.tailer.stopped()
        tailed.tailer.close()


@pytest.mark.parametrize("change", FIRST_LINES)
@pytest.mark.parametrize("more", [3, 200])
def test_a_log_edited_under_a_writer_that_goes_on_in_the_removed_file_is_not_counted_again(
    tailed: Tailed, change: str, more: int
) -> None:
    tailed.append(OLD)
    came = tailed.look()
    with tailed.path().open("ab", buffering=0) as former:
        replace_by(tailed.path(), FIRST_LINES[change])
        for first in (500, 500 + more):
            former.write(lines(first, first + more))
            came += tailed.look(1)
    assert came + settled(tailed) == lines(0, 500 + 2 * more)
    tailed.append(lines(2000, 2010))
    assert settled(tailed) == lines(2000, 2010)
    assert not tailed.tailer.stopped()
    # Beyond that number, lines written to the removed file look lost.
    doubts = tailed.tailer.found().doubts
    assert bool(doubts) == (more > MOST)


@pytest.mark.parametrize("name", ["stats.bak", "a-stats", "stats.7"])
@pytest.mark.parametrize("read", [0, 100, 500])
def test_a_copy_of_a_log_without_its_first_lines_is_not_counted_while_the_removed_file_is_read(
    tmp_path: Path, name: str, read: int
) -> None:
    tailed = Tailed(tmp_path, "*stats*")
    tailed.append(lines(0, read))
    came = tailed.look()
    tailed.append(lines(read, 500))
    with tailed.path().open("ab", buffering=0) as former:
        replace_by(tailed.path(), lines(1, 500))
        shutil.copy(tailed.path(), tailed.path(name))
        former.write(lines(600, 601))
        came += tailed.look(1)
        tailed.append(NEW)
        came += tailed.look(1)
    came += settled(tailed)
    assert sorted(came.splitlines()) == (lines(0, 520) + lines(600, 601)).splitlines()
    assert not tailed.tailer.stopped()
    tailed.tailer.close()


@pytest.mark.parametrize("change", FIRST_LINES)
@pytest.mark.parametrize("read", [1, 100, 499, 500])
@pytest.mark.parametrize("more", [0, 3])
def test_a_log_whose_former_file_is_kept_by_an_editor_is_not_counted_again(
    tmp_path: Path, change: str, read: int, more: int
) -> None:
    tailed = Tailed(tmp_path)
    tailed.append(lines(0, read))
    came = tailed.look()
    tailed.append(lines(read, 500))
    with tailed.path().open("ab", buffering=0) as former:
        tailed.path().rename(tailed.path("stats.bak"))
        tailed.append(FIRST_LINES[change])
        came += tailed.look(1)
        former.write(lines(600, 600 + more))
        came += tailed.look(1)
        tailed.append(NEW)
    came += settled(tailed)
    expected = lines(0, 520) + lines(600, 600 + more)
    assert sorted(came.splitlines()) == sorted(expected.splitlines())
    assert not tailed.tailer.stopped()
    tailed.tailer.close()


@pytest.mark.parametrize("change", [overwrite, replace_by])
@pytest.mark.parametrize("name", ["stats.bak", "stats~", "stats.1", "stats-copy.gz"])
@pytest.mark.parametrize("line", [0, 1, 4, 60])
def test_a_copy_made_just_before_its_log_was_edited_is_not_counted(
    tailed: Tailed,
    between: Callable[[], None],
    change: Callable[[Path, bytes], None],
    name: str,
    line: int,
) -> None:
    """``cp stats stats.bak; sed -i 5d stats`` between two looks."""
    tailed.append(OLD)
    came = tailed.look()
    tailed.path(name).write_bytes(gzip.compress(OLD) if name.endswith(".gz") else OLD)
    change(tailed.path(), lines(0, line) + lines(line + 1, 500))
    between()
    came += tailed.look(1)
    tailed.append(NEW)
    came += settled(tailed)
    assert came == OLD + NEW
    assert not tailed.tailer.stopped()


@pytest.mark.parametrize("seconds", [0, 1])
def test_an_unfinished_line_does_not_stop_a_log_whose_former_file_is_kept(
    tailed: Tailed, seconds: float
) -> None:
    tailed.append(OLD)
    came = tailed.look()
    tailed.append(NEW[:50])
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 500) + NEW[:50])
    came += tailed.look(seconds)
    tailed.append(NEW[50:])
    came += settled(tailed)
    assert came == OLD + NEW
    assert not tailed.tailer.stopped()


def test_a_kept_former_file_that_is_read_slowly_does_not_stop_its_log(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, chunk_size=4096)
    tailed.append(OLD)
    came = bytes(read_once(tailed))
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 500))
    for _ in range(3):
        tailed.now += ROTATE_WAIT
        came += read_once(tailed)
    tailed.append(NEW)
    came += settled(tailed)
    assert sorted(came.splitlines()) == sorted((OLD + NEW).splitlines())
    assert not tailed.tailer.stopped()
    tailed.tailer.close()


def test_a_kept_former_file_that_is_still_written_to_does_not_stop_the_edited_log(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    came = tailed.look()
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 500))
    for n in range(500, 510):
        tailed.append(lines(n, n + 1), "stats.bak")
        came += tailed.look(ROTATE_WAIT / 4)
    came += settled(tailed)
    assert came == lines(0, 510)
    assert not tailed.tailer.stopped()


def read_once(tailed: Tailed) -> bytes:
    """Look, and read one piece: there is more to read than time."""
    tailed.tailer.scan(tailed.now)
    chunk = tailed.tailer.read(tailed.now)
    return bytes(chunk.data) if chunk else b""


def test_a_compressed_copy_in_a_reused_inode_is_that_of_the_log_read_furthest(
    tailed: Tailed,
) -> None:
    """``sed -i.bak``, then the former file is removed, and its inode is given to ``stats.1.gz``."""
    tailed.append(OLD)
    came = tailed.look()
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 500))
    came += tailed.look(1)
    tailed.path("stats.bak").rename(tailed.path("kept"))  # so that the inode is still free
    tailed.append(NEW)
    came += settled(tailed)
    overwrite(tailed.path("kept"), gzip.compress(tailed.path().read_bytes()))
    tailed.path("kept").rename(tailed.path("stats.1.gz"))
    overwrite(tailed.path(), b"")
    came += settled(tailed)
    assert came == OLD + NEW


def test_an_edited_log_in_the_inode_of_an_older_one_goes_on_where_the_newer_was_read(
    tailed: Tailed,
) -> None:
    """An editor keeps the former file, twice; the second time while the collector is down."""
    tailed.append(OLD)
    came = tailed.look()
    tailed.path().rename(tailed.path("stats~"))
    tailed.append(lines(1, 500))
    came += tailed.look(1)
    tailed.append(NEW)
    came += settled(tailed)
    checkpoint = tailed.stop()
    tailed.path("stats~").rename(tailed.path("kept"))
    tailed.path().rename(tailed.path("stats~"))
    overwrite(tailed.path("kept"), lines(2, 525))
    tailed.path("kept").rename(tailed.path())
    tailed.start(checkpoint)
    came += settled(tailed)
    assert came == lines(0, 525)


def test_an_edited_log_is_not_compared_at_each_look_while_the_removed_file_is_written_to(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed.append(lines(0, 20_000))
    came = tailed.look()
    with tailed.path().open("ab", buffering=0) as former:
        replace_by(tailed.path(), lines(1, 20_000))
        came += tailed.look(1)
        compared: list[Content] = []

        def newest(marks: Iterable[Mark], content: Content) -> tuple[Mark, int] | None:
            compared.append(content)
            return newest_window(marks, content)

        monkeypatch.setattr("mailtally_collector.tail.identity.rejoin.newest_window", newest)
        for n in range(5):
            former.write(lines(20_000 + n, 20_001 + n))
            tailed.append(lines(30_000 + n, 30_001 + n))
            came += tailed.look(1)
        assert not compared
    came += settled(tailed)
    expected = lines(0, 20_005) + lines(30_000, 30_005)
    assert sorted(came.splitlines()) == sorted(expected.splitlines())
    assert not tailed.tailer.stopped()


def test_of_two_edited_copies_of_a_removed_file_neither_is_counted_again(tailed: Tailed) -> None:
    tailed.append(OLD)
    came = tailed.look()
    replace_by(tailed.path(), lines(1, 500))
    came += tailed.look(1)
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(2, 500) + NEW)
    came += settled(tailed)
    assert came == OLD + NEW
    assert not tailed.tailer.stopped()


def test_a_kept_former_file_is_recognised_after_a_restart_as_well(tailed: Tailed) -> None:
    tailed.append(OLD)
    came = tailed.look()
    tailed.append(NEW)
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 520))
    came += tailed.look(1)
    tailed.restart()
    came += settled(tailed)
    assert came == OLD + NEW
    assert not tailed.tailer.stopped()


def test_an_unfinished_line_behind_what_was_read_of_the_former_file_is_read_whole(
    tailed: Tailed,
) -> None:
    tailed.append(lines(0, 20))
    came = tailed.look()
    tailed.append(lines(20, 22))
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(30, 31), "stats.bak")  # by who has it open
    tailed.append(lines(1, 22) + lines(22, 23)[:30])
    came += tailed.look(1) + tailed.look(1)
    tailed.append(lines(22, 23)[30:])
    came += settled(tailed)
    assert sorted(came.splitlines()) == sorted((lines(0, 23) + lines(30, 31)).splitlines())


def test_a_log_edited_right_after_it_was_replaced_is_compared_with_both_former_files(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    assert tailed.look() == OLD
    masked = OLD.replace(b"bob", b"xxx")
    replace_by(tailed.path(), masked)
    assert tailed.look() == masked
    replace_by(tailed.path(), masked[len(lines(0, 1)) :])
    assert tailed.look() + settled(tailed) == b""
    assert not tailed.tailer.stopped()


def test_a_log_without_its_first_lines_that_loses_further_ones_at_both_ends_is_not_counted_again(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    tailed.look()
    replace_by(tailed.path(), lines(1, 500))
    assert settled(tailed) == b""
    replace_by(tailed.path(), lines(2, 499))
    assert settled(tailed) == b""
    tailed.append(NEW)
    assert settled(tailed) == NEW
    assert not tailed.tailer.stopped()


def test_a_log_without_its_first_lines_that_is_compressed_at_once_is_not_counted_again(
    tailed: Tailed,
) -> None:
    tailed.append(lines(0, 2))
    tailed.look()
    tailed.path().unlink()
    tailed.path("stats.1.bz2").write_bytes(bz2.compress(lines(1, 2)))
    tailed.append(lines(2, 3))
    assert tailed.look() + settled(tailed) == lines(2, 3)


def test_a_log_whose_kept_former_file_is_overwritten_at_once_is_not_counted_again(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    tailed.look()
    tailed.append(NEW)
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(1, 520))
    tailed.tailer.scan(tailed.now)
    overwrite(tailed.path("stats.bak"), lines(600, 601))
    assert sorted(settled(tailed).splitlines()) == (NEW + lines(600, 601)).splitlines()


def test_a_replaced_log_whose_last_line_feed_was_zeroed_is_proved_anew_against_its_copies(
    tailed: Tailed,
) -> None:
    small = bytes(64) + lines(0, 6)
    tailed.append(small)
    tailed.tailer.scan(tailed.now)
    tailed.path("stats.bak").write_bytes(small)
    replace_by(tailed.path(), small[:-1] + b"\0" + lines(6, 7))
    assert tailed.look(1) + settled(tailed) == lines(0, 7)


def test_lines_that_two_edited_copies_have_after_what_was_read_count_once(tailed: Tailed) -> None:
    tailed.append(OLD)
    came = tailed.look()
    replace_by(tailed.path(), OLD + NEW)
    tailed.look(1)  # the removed file is read to its end first
    tailed.path().rename(tailed.path("stats.bak"))
    tailed.append(lines(520, 522), "stats.bak")
    tailed.append(lines(1, 520) + lines(530, 532))
    came += settled(tailed)
    expected = OLD + NEW + lines(520, 522) + lines(530, 532)
    assert sorted(came.splitlines()) == sorted(expected.splitlines())
    assert not tailed.tailer.stopped()


def test_a_backup_of_a_log_that_ended_within_a_line_is_read_on_behind_what_was_read(
    tailed: Tailed,
) -> None:
    tailed.append(OLD + b"what a mail server did not finish")
    came = tailed.look()
    replace_by(tailed.path(), OLD + lines(500, 501))
    came += settled(tailed)
    assert came == OLD + lines(500, 501)
    assert [reject.reason for reject in tailed.rejects] == ["unterminated"]


def test_a_log_whose_first_line_was_changed_in_place_is_not_counted_again(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    overwrite(tailed.path(), b"X" + OLD[1:] + NEW)
    assert settled(tailed) == NEW


@pytest.mark.parametrize("lost", [350, 700, 8000])
def test_what_is_written_behind_a_lost_tail_before_anyone_looks_is_counted(
    tailed: Tailed, between: Callable[[], None], lost: int
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    whole = OLD[: OLD.rfind(b"\n", 0, len(OLD) - lost) + 1]
    overwrite(tailed.path(), whole + b"torn\n" + NEW)
    assert settled(tailed) == b"torn\n" + NEW


def test_what_is_written_behind_zeros_before_anyone_looks_is_counted(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    overwrite(tailed.path(), OLD[:-700] + bytes(900) + NEW)
    assert settled(tailed) == NEW


def test_a_small_log_that_lost_its_tail_is_not_counted_again(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(lines(0, 2))
    tailed.look()
    between()
    overwrite(tailed.path(), lines(0, 2)[:-20])
    assert settled(tailed) == b""
    tailed.append(lines(2, 4))
    assert settled(tailed) == lines(2, 4)


def test_where_nothing_tells_how_far_it_was_read_a_log_is_stopped(
    tailed: Tailed, between: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    tailed.append(OLD)
    tailed.look()
    reached = tailed.tailer.caught_up_to()
    between()
    overwrite(tailed.path(), lines(0, 20) + lines(1000, 1600))
    assert settled(tailed) == b""
    (log,) = tailed.tailer.stopped()
    assert (log.path, log.reason, log.read) == (str(tailed.path()), "changed", len(OLD))
    command = f"mailtally-collector settle --state-dir {tailed.state_dir} {tailed.path()}"
    assert command in caplog.text
    assert tailed.tailer.caught_up_to() <= reached
    tailed.append(NEW)
    tailed.restart()
    assert settled(tailed) == b""
    assert tailed.tailer.stopped() == (log,)


@pytest.mark.parametrize("copy", ["stats.bak", "stats-old", "stats.0"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_cut_log_that_was_rotated_goes_on_there_and_not_in_an_older_copy(
    tailed: Tailed, between: Callable[[], None], copy: str, *, is_known: bool
) -> None:
    tailed.append(OLD)
    tailed.look()
    if is_known:
        tailed.path(copy).write_bytes(lines(0, 200))
        tailed.look()
    between()
    tailed.path(copy).write_bytes(lines(0, 200))
    tailed.path("stats.1").write_bytes(lines(0, 490) + b"torn\n" + NEW)
    overwrite(tailed.path(), lines(600, 610))
    assert sorted(settled(tailed).splitlines()) == sorted(
        (b"torn\n" + NEW + lines(600, 610)).splitlines()
    )
    assert tailed.tailer.stopped() == ()


def test_a_lost_log_goes_on_in_the_file_that_has_its_end_not_in_an_older_copy(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    tailed.path("stats.1").write_bytes(OLD + NEW)
    backup = tailed.path("other")
    backup.write_bytes(lines(0, 300))
    backup.replace(tailed.path())  # another file, restored in the log's place
    assert settled(tailed) == NEW
    assert tailed.tailer.stopped() == ()


def test_the_last_window_near_its_former_place_is_taken_though_the_same_text_is_far_away(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    far = lines(1000, 60_000)
    assert len(far) > 2**20
    overwrite(tailed.path(), b"edited\n" + lines(1, 500) + far + lines(480, 500))
    assert settled(tailed) == far + lines(480, 500)
    assert tailed.tailer.stopped() == ()


def set_back(tailed: Tailed, later: bytes, now: bytes) -> None:
    """Have lines read, then the log and the directory as they were before, and a take-over."""
    tailed.append(OLD)
    tailed.look()
    own = tailed.stop()
    tailed.start(own)
    tailed.append(later)
    assert tailed.look() == later
    overwrite(tailed.path(), now)
    positions = tuple(map(Position.from_json, tailed.stop()))
    inherited = Inherited(Progress(positions=positions).to_json(), ())
    taken = resume(inherited, Progress(tuple(map(Position.from_json, own))))
    tailed.start([position.to_json() for position in taken.positions])


def test_a_log_that_was_set_back_with_its_directory_is_read_on_where_both_end(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    set_back(tailed, lines(600, 1000), OLD)
    assert settled(tailed) == b""
    between()
    tailed.append(NEW)
    assert settled(tailed) == NEW
    assert tailed.tailer.stopped() == ()


def test_of_a_log_that_was_set_back_and_written_on_the_last_lines_read_tell_what_is_new(
    tailed: Tailed,
) -> None:
    set_back(tailed, lines(600, 650), OLD + lines(600, 603) + NEW)
    assert settled(tailed) == NEW


def test_a_log_that_was_set_back_and_written_on_is_stopped_where_nothing_tells_what_is_new(
    tailed: Tailed,
) -> None:
    set_back(tailed, lines(600, 1000), OLD + NEW)
    assert settled(tailed) == b""
    assert [log.path for log in tailed.tailer.stopped()] == [str(tailed.path())]


@pytest.mark.parametrize("is_other_file", [False, True])
def test_a_log_that_only_an_old_directory_knows_is_stopped_where_it_was_written_on(
    tailed: Tailed, *, is_other_file: bool
) -> None:
    """The ledger forgot it: what is behind the directory's position was probably counted."""
    tailed.append(OLD)
    tailed.look()
    own = Progress(tuple(map(Position.from_json, tailed.stop())))
    if is_other_file:  # as files of a backup are
        tailed.path("kept").write_bytes(OLD)
        tailed.path("kept").replace(tailed.path())
    tailed.append(NEW)
    taken = resume(Inherited(Progress().to_json(), ()), own)
    tailed.start([position.to_json() for position in taken.positions])
    assert settled(tailed) == b""
    assert [log.path for log in tailed.tailer.stopped()] == [str(tailed.path())]


def test_an_old_directory_whose_log_was_not_set_back_reads_on_where_the_ledger_is(
    tailed: Tailed,
) -> None:
    set_back(tailed, lines(600, 1000), OLD + lines(600, 1000) + NEW)
    assert settled(tailed) == NEW
    assert tailed.tailer.stopped() == ()


def read_note(tailed: Tailed, more: bytes) -> str:
    """Have lines written and read; the note of the batch that they become."""
    tailed.append(more)
    tailed.tailer.scan(tailed.now)
    spans = [chunk.span for chunk in iter(lambda: tailed.tailer.read(tailed.now), None)]
    return Progress(tuple(tailed.tailer.positions()), tuple(spans)).to_json()


def take_over(tailed: Tailed, at_hwm: str, *ahead: str) -> None:
    """Lose the state directory; go on from what the ledger has."""
    taken = resume(Inherited(at_hwm, ahead))
    tailed.tailer.close()
    tailed.settings |= {"skip": taken.skip, "also_counted": True}
    tailed.start([position.to_json() for position in taken.positions])


CHANGED_BEHIND_A_GAP = {
    "cut": lambda text: text[:-150],
    "cut to a line": lambda text: text[: -len(lines(0, 3))],
    "a line of the gap taken out": lambda text: text.replace(lines(510, 511), b""),
    "a line put in": lambda text: text.replace(lines(510, 511), b"one more line\n" * 20),
    "a line of what was not lost taken out": lambda text: text.replace(lines(20, 21), b""),
}


@pytest.mark.parametrize("is_later_counted", [True, False])
@pytest.mark.parametrize("change", CHANGED_BEHIND_A_GAP.values(), ids=CHANGED_BEHIND_A_GAP)
def test_a_log_that_was_changed_between_stretches_counted_beyond_a_gap_is_stopped(
    tailed: Tailed, change: Callable[[bytes], bytes], *, is_later_counted: bool
) -> None:
    """Where they are in it now is not known; skipped where they were, other lines are lost."""
    at_hwm = read_note(tailed, OLD)
    read_note(tailed, NEW)  # the batch that is lost
    ahead = [read_note(tailed, lines(600, 610))]
    overwrite(tailed.path(), change(tailed.path().read_bytes()))
    later = read_note(tailed, lines(700, 720))
    take_over(tailed, at_hwm, *ahead, *([later] if is_later_counted else []))
    tailed.append(lines(800, 900))
    assert settled(tailed) == b""
    assert [log.path for log in tailed.tailer.stopped()] == [str(tailed.path())]


@pytest.mark.parametrize("cut", [30, len(lines(519, 520))])
@pytest.mark.parametrize("is_seen", [True, False])
def test_a_log_that_is_cut_before_a_counted_stretch_of_it_is_passed_is_stopped(
    tailed: Tailed, cut: int, *, is_seen: bool
) -> None:
    at_hwm = read_note(tailed, OLD)
    read_note(tailed, NEW)
    tailed.settings |= {"chunk_size": 700, "longest_line": 200}
    take_over(tailed, at_hwm, read_note(tailed, lines(600, 610)))
    tailed.tailer.scan(tailed.now)
    chunk = tailed.tailer.read(tailed.now)
    assert chunk is not None
    read = bytes(chunk.data)
    assert NEW.startswith(read)
    assert read != NEW
    overwrite(tailed.path(), (OLD + NEW)[:-cut] + lines(700, 800))
    later = tailed.look() if is_seen else tailed.read()
    assert (NEW[:-cut] + lines(700, 800)).startswith(read + later)
    assert settled(tailed) == b""
    assert [log.path for log in tailed.tailer.stopped()] == [str(tailed.path())]


def test_a_log_that_is_as_it_was_where_stretches_beyond_a_gap_were_counted_is_read_on(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    at_hwm = read_note(tailed, OLD)
    read_note(tailed, NEW)
    take_over(tailed, at_hwm, *(read_note(tailed, lines(n, n + 10)) for n in (600, 610)))
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(lines(700, 720))
    assert settled(tailed) == NEW + lines(600, 620) + lines(700, 720)  # counted ones are marked
    between()
    assert settled(tailed) == b""
    assert tailed.tailer.stopped() == ()


def test_a_log_that_was_cut_in_the_gap_is_read_on_where_it_was_cut(tailed: Tailed) -> None:
    at_hwm = read_note(tailed, OLD)
    overwrite(tailed.path(), lines(0, 497))
    read_note(tailed, NEW)  # the batch that is lost
    tailed.append(lines(600, 620), "stats-other")
    take_over(tailed, at_hwm, read_note(tailed, b""))
    assert settled(tailed) == NEW + lines(600, 620)  # counted ones are marked
    assert tailed.tailer.stopped() == ()


def test_a_stopped_log_holds_no_other_one_up(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.look()
    overwrite(tailed.path(), lines(0, 20) + lines(1000, 1600))
    tailed.append(NEW, "stats-other")
    assert settled(tailed) == NEW


COPIES = [
    "stats.bak", "stats.old", "stats.save", "stats.orig", "stats.prev", "stats.tmp", "stats~",
    "stats.rpmsave", "stats-copy", "stats_old", "stats.1.bak", "stats.1", "stats-20261128",
]  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_copy_is_not_counted_whatever_its_name(
    tailed: Tailed, between: Callable[[], None], name: str, pack: Callable[[bytes], bytes]
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    tailed.path(name).write_bytes(pack(OLD))
    assert settled(tailed) == b""
    tailed.append(NEW)
    between()
    assert settled(tailed) == NEW
    assert tailed.tailer.caught_up_to() == tailed.now
    assert tailed.finish() == b""


@pytest.mark.parametrize("name", ["a-copy-of-stats", "stats.bak", "stats.1", "stats-20260101.gz"])
def test_of_a_log_and_its_copy_found_together_one_is_counted(tmp_path: Path, name: str) -> None:
    tailed = Tailed(tmp_path, pattern="*stats*")
    copy = lines(0, 300)
    tailed.path(name).write_bytes(gzip.compress(copy) if name.endswith("gz") else copy)
    tailed.append(OLD)
    assert settled(tailed) == OLD
    tailed.append(NEW)
    assert settled(tailed) + tailed.finish() == NEW


def test_a_copy_in_the_making_of_any_name_is_not_counted(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.look()
    for size in (0, 10, 70, 300, 5000, len(OLD)):
        tailed.path("stats.bak").write_bytes(OLD[:size])
        assert tailed.look() == b""
    assert settled(tailed) == b""


def test_a_copy_that_goes_on_differently_is_stopped(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.look()
    tailed.append(lines(0, 300) + lines(800, 900), "stats.edited")
    assert settled(tailed) == b""
    (log,) = tailed.tailer.stopped()
    assert (log.path, log.reason) == (str(tailed.path("stats.edited")), "diverged")


@pytest.mark.parametrize(
    "kept",
    [
        lines(0, 490) + lines(498, 500),
        lines(0, 490) + lines(499, 500),
        lines(0, 490) + b"\n" + lines(495, 496) + lines(499, 500),
        lines(0, 498) + b"what somebody wrote" * 20 + b"\n" + lines(499, 500),
    ],
)
def test_of_a_log_edited_near_its_end_the_lines_that_stayed_tell_what_is_new(
    tailed: Tailed, between: Callable[[], None], kept: bytes
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    replace_by(tailed.path(), kept + NEW)
    assert settled(tailed) == NEW
    assert not tailed.tailer.stopped()


def test_where_lines_that_were_read_stand_in_another_order_a_log_is_stopped(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    tailed.look()
    replace_by(tailed.path(), lines(0, 490) + lines(499, 500) + lines(495, 496) + NEW)
    assert settled(tailed) == b""
    assert [log.reason for log in tailed.tailer.stopped()] == ["diverged"]


@pytest.mark.parametrize("unread", [b"", lines(500, 502)])
@pytest.mark.parametrize("look", [False, True])
def test_a_log_edited_beside_its_former_file_goes_on_behind_what_was_read_of_that(
    tailed: Tailed, between: Callable[[], None], unread: bytes, *, look: bool
) -> None:
    tailed.append(OLD)
    tailed.look()
    between()
    tailed.append(unread)
    tailed.path().rename(tailed.path("stats.bak"))  # sed -i.bak
    came = tailed.look() if look else b""
    edited = lines(0, 250) + lines(251, 500) + unread
    replace_by(tailed.path(), edited)
    came += settled(tailed)
    tailed.append(lines(502, 520))
    assert came + settled(tailed) == unread + lines(502, 520)
    assert not tailed.tailer.stopped()


def test_a_log_copied_and_rotated_while_it_was_read_goes_on_in_the_rotated_one(
    tmp_path: Path,
) -> None:
    tailed = Tailed(tmp_path, chunk_size=3000)
    tailed.append(OLD)
    tailed.tailer.scan(tailed.now)
    chunk = tailed.tailer.read(tailed.now)
    assert chunk is not None
    first = bytes(chunk.data)
    tailed.path("stats-copy").write_bytes(OLD)
    tailed.tailer.scan(tailed.now)
    tailed.path("stats.1").write_bytes(OLD + NEW)
    overwrite(tailed.path(), b"")
    assert first + settled(tailed) == OLD + NEW
    assert not tailed.tailer.stopped()


def test_a_log_replaced_before_it_was_read_is_read_to_its_end_first(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.tailer.scan(tailed.now)  # it is open, and nothing was read of it
    replace_by(tailed.path(), lines(0, 490) + NEW)
    assert settled(tailed) == OLD + NEW
    assert not tailed.tailer.stopped()


@pytest.mark.parametrize("change", [overwrite, replace_by])
@pytest.mark.parametrize("name", ["a-stats", "stats.bak"])
def test_a_copy_that_was_read_in_its_log_is_not_counted_when_that_is_edited(
    tmp_path: Path, change: Callable[[Path, bytes], None], name: str
) -> None:
    tailed = Tailed(tmp_path, pattern="*stats*")
    tailed.append(OLD)
    tailed.look()
    tailed.path(name).write_bytes(OLD)
    assert settled(tailed) == b""
    change(tailed.path(), lines(0, 250) + lines(251, 500) + NEW)
    assert settled(tailed) == NEW
    tailed.restart()
    assert settled(tailed) == b""
    assert not tailed.tailer.stopped()


@pytest.mark.parametrize("name", ["a-stats", "stats.bak"])
def test_a_copy_that_was_read_in_its_log_is_not_stopped_together_with_that(
    tmp_path: Path, name: str
) -> None:
    tailed = Tailed(tmp_path, pattern="*stats*")
    tailed.append(OLD)
    tailed.look()
    tailed.path(name).write_bytes(OLD)
    assert settled(tailed) == b""
    overwrite(tailed.path(), lines(0, 6) + lines(1000, 1500))  # where it was read is not known
    assert settled(tailed) == b""
    assert [log.path for log in tailed.tailer.stopped()] == [str(tailed.path())]


@pytest.mark.parametrize("name", ["a-stats", "stats.bak"])
def test_of_a_copy_and_an_edited_log_the_log_goes_on(tmp_path: Path, name: str) -> None:
    tailed = Tailed(tmp_path, pattern="*stats*")
    tailed.append(OLD)
    tailed.look()
    tailed.path(name).write_bytes(OLD)
    assert settled(tailed) == b""
    checkpoint = tailed.stop()
    replace_by(tailed.path(), lines(0, 250) + lines(251, 500) + NEW)
    tailed.start(checkpoint)
    assert settled(tailed) == NEW


def test_a_copy_that_was_not_read_in_its_log_is_stopped_when_that_is_edited(
    tailed: Tailed,
) -> None:
    tailed.append(OLD)
    tailed.look()
    tailed.append(lines(500, 800))
    tailed.path("stats.bak").write_bytes(tailed.path().read_bytes())
    tailed.tailer.scan(tailed.now)  # nothing is read of either
    replace_by(tailed.path(), lines(0, 250) + lines(251, 500) + NEW)
    came = settled(tailed)
    assert came == NEW or tailed.tailer.stopped()


def test_a_log_with_a_hole_that_is_restored_from_before_it_and_written_on_goes_on_there(
    tailed: Tailed,
) -> None:
    tailed.append(lines(0, 6))
    tailed.look()
    tailed.append(b"\0" + lines(6, 7))
    tailed.look()
    tailed.path().unlink()
    tailed.append(lines(0, 5) + lines(90, 91))
    assert settled(tailed) == lines(90, 91)


def test_logs_that_begin_with_a_hole_are_told_by_their_text(tailed: Tailed) -> None:
    for hole, first, name in ((700, 0, "stats.2"), (3000, 60, "stats.1"), (9000, 120, "stats")):
        tailed.path(name).write_bytes(bytes(hole) + lines(first, first + 60))
    assert settled(tailed) == lines(0, 180)
    tailed.path("stats.bak").write_bytes(bytes(9000) + lines(120, 180))
    assert settled(tailed) == b""
    replace_by(tailed.path(), bytes(9000) + lines(120, 170) + lines(180, 190))
    assert settled(tailed) == lines(180, 190)
    assert not tailed.tailer.stopped()


ONE_LINE = (
    b"Nov 22 12:00:00 mail1.example.com in[1]: 1795348800|a@b.example|c@d.example|1|success\n"
)


def as_dos(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("change", [overwrite, replace_by])
@pytest.mark.parametrize("ends", [(bytes, as_dos), (as_dos, bytes)])
@pytest.mark.parametrize("new", [b"", NEW])
def test_a_log_whose_line_ends_were_changed_is_not_counted_again(
    tailed: Tailed,
    change: Callable[[Path, bytes], None],
    ends: tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]],
    new: bytes,
) -> None:
    before, after = ends
    tailed.append(before(OLD))
    tailed.look()
    change(tailed.path(), after(OLD + new))
    assert settled(tailed) == after(new)
    tailed.append(before(lines(520, 530)))
    assert settled(tailed) == before(lines(520, 530))
    assert not tailed.tailer.stopped()


def test_other_line_ends_are_found_behind_a_hole_in_bounded_memory(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.look()
    hole, half = bytes(32 * 2**20), OLD.index(b"\n", len(OLD) // 2) + 1
    tailed.path().write_bytes(as_dos(OLD[:half]) + hole + as_dos(OLD[half:] + NEW))
    tracemalloc.start()
    try:
        assert settled(tailed) == as_dos(NEW)
        assert tracemalloc.get_traced_memory()[1] < len(hole) / 2
    finally:
        tracemalloc.stop()
    assert not tailed.tailer.stopped()


@pytest.mark.parametrize("change", [overwrite, replace_by])
def test_a_log_all_of_whose_lines_were_changed_is_warned_of(
    tailed: Tailed, caplog: pytest.LogCaptureFixture, change: Callable[[Path, bytes], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    change(tailed.path(), NEW)
    assert settled(tailed) == NEW
    assert "counted twice" not in caplog.text
    masked = OLD.replace(b"bob@", b"xxx@")
    change(tailed.path(), masked)
    assert settled(tailed) == masked
    assert f"{tailed.path()} has {len(masked)} bytes and none of the {len(NEW)}" in caplog.text


def test_a_copy_with_other_line_ends_is_not_counted(tailed: Tailed) -> None:
    tailed.append(OLD)
    tailed.look()
    tailed.append(as_dos(OLD), "stats.dos")
    assert settled(tailed) == b""
    assert [log.reason for log in tailed.tailer.stopped()] == ["diverged"]


def test_of_two_unread_logs_that_begin_with_the_same_text_behind_a_hole_one_is_stopped(
    tailed: Tailed,
) -> None:
    tailed.append(bytes(700) + lines(0, 9) + lines(20, 21))
    tailed.append(bytes(700) + lines(0, 10), "stats.bak")
    assert settled(tailed) == lines(0, 9) + lines(20, 21)
    assert [log.reason for log in tailed.tailer.stopped()] == ["diverged"]


def test_two_logs_of_one_line_over_and_over_are_both_counted(tmp_path: Path) -> None:
    tailed = Tailed(tmp_path, pattern="*stats")
    tailed.append(40 * ONE_LINE)
    tailed.append(60 * ONE_LINE, "other-stats")
    assert settled(tailed) == 100 * ONE_LINE
    assert not tailed.tailer.stopped()


def test_a_log_whose_second_line_begins_as_its_long_first_one_is_known_by_them(
    tailed: Tailed,
) -> None:
    longer = [line[:-1].ljust(249, b"x") + b"\n" for line in OLD.splitlines()]
    tailed.append(b"".join(longer))
    tailed.look()
    tailed.append(b"".join(longer[:50]) + NEW, "stats.edited")
    assert settled(tailed) == b""
    assert [log.reason for log in tailed.tailer.stopped()] == ["diverged"]


@pytest.mark.parametrize("name", ["stats.bak", "stats.1"])
def test_a_copy_of_a_log_that_begins_with_one_line_over_and_over_is_a_copy(
    tailed: Tailed, name: str
) -> None:
    tailed.append(40 * ONE_LINE + NEW)
    assert settled(tailed) == 40 * ONE_LINE + NEW
    tailed.path(name).write_bytes(40 * ONE_LINE + NEW)
    assert settled(tailed) == b""


def test_a_rotated_copy_of_one_line_over_and_over_is_a_copy(tailed: Tailed) -> None:
    tailed.append(40 * ONE_LINE)
    assert settled(tailed) == 40 * ONE_LINE
    tailed.path("stats.1").write_bytes(40 * ONE_LINE)
    assert settled(tailed) == b""


def test_a_small_log_compressed_into_another_directory_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    tailed = Tailed(tmp_path, pattern="**/stats*")
    tailed.append(lines(0, 2))
    assert tailed.look() == lines(0, 2)
    checkpoint = tailed.stop()
    packed = tmp_path / "old" / "stats-20261122.gz"
    packed.write_bytes(gzip.compress(tailed.path().read_bytes()))
    tailed.path().unlink()
    tailed.append(lines(2, 3))
    tailed.start(checkpoint)
    assert settled(tailed) == lines(2, 3)


def test_a_compressed_file_beside_another_plain_one_is_counted(tailed: Tailed) -> None:
    tailed.path("stats.1.gz").write_bytes(gzip.compress(lines(0, 20)))
    tailed.append(lines(20, 30), "stats.1")
    tailed.append(lines(30, 31))
    assert sorted(settled(tailed).splitlines()) == sorted(lines(0, 31).splitlines())


def test_a_compressed_file_in_the_making_is_no_trouble(
    tailed: Tailed, caplog: pytest.LogCaptureFixture
) -> None:
    tailed.append(OLD, "stats.1")
    packed = gzip.compress(OLD)
    for size in (5, 40, len(packed) // 2, len(packed)):
        tailed.path("stats.1.gz").write_bytes(packed[:size])
        tailed.look()
    tailed.path("stats.1").unlink()
    assert settled(tailed) == b""
    assert caplog.records == []


def test_what_was_rotated_beside_a_links_target_is_read(tmp_path: Path) -> None:
    for name in ("l", "real"):
        (tmp_path / name).mkdir()
    (tmp_path / "l" / "stats").symlink_to("../real/stats")
    tailed = Tailed(tmp_path, pattern="l/stats*")
    tailed.append(lines(0, 20), "real/stats")
    assert tailed.look() == lines(0, 20)
    checkpoint = tailed.stop()
    tailed.append(lines(20, 25), "real/stats")
    tailed.path("real/stats").rename(tailed.path("real/stats.1"))
    tailed.append(lines(25, 28), "real/stats")
    tailed.start(checkpoint)
    assert settled(tailed) == lines(20, 28)
    assert tailed.tailer.logs() == [str(tmp_path / "l" / "stats")]


def test_a_look_at_many_rotated_files_reads_none_of_them_again(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(300):
        tailed.append(lines(10 * n, 10 * n + 3), f"stats.{n + 1}")
    shutil.copy(tailed.path("stats.7"), tailed.path("stats.7.bak"))
    settled(tailed)
    reads: list[int] = []
    monkeypatch.setattr(os, "pread", lambda *_: reads.append(1))
    monkeypatch.setattr(os, "preadv", lambda *_: reads.append(1))
    tailed.tailer.scan(tailed.now + 1)
    assert reads == []
