"""A file that was changed under its reader is the same file, and its copies count once."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.inheritance import Inherited
from mailtally_collector.positions import Position
from mailtally_collector.progress import Progress, resume
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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


def test_a_cut_log_that_was_rotated_goes_on_there_and_not_in_an_older_copy(
    tailed: Tailed, between: Callable[[], None]
) -> None:
    tailed.append(OLD)
    tailed.look()
    tailed.path("stats.bak").write_bytes(lines(0, 200))
    tailed.look()
    between()
    tailed.path("stats.1").write_bytes(lines(0, 490) + b"torn\n" + NEW)
    overwrite(tailed.path(), lines(600, 610))
    assert sorted(settled(tailed).splitlines()) == sorted(
        (b"torn\n" + NEW + lines(600, 610)).splitlines()
    )
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
    assert f"{tailed.path()} has {len(masked)} bytes and nothing of the {len(NEW)}" in caplog.text


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
