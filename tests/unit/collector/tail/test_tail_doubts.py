"""Logs that were changed so that lines may lack or be counted again are named, and no others."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.lines_seen import LinesSeen
from mailtally_collector.own_status import OwnStatus
from mailtally_shared.wire.status import parse
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailtally_collector.tail import LogTrouble

DAY = 86_400.0


def lines(first: int, last: int, user: bytes = b"bob") -> bytes:
    return b"".join(
        b"Nov 22 12:%02d:%02d mail1.example.com in[%d]: %d|%s@example.net|info@shop.example\n"
        % (n // 60 % 60, n % 60, n, 1795348800 + n, user)
        for n in range(first, last)
    )


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
    path.write_bytes(data)


def replace_by(path: Path, data: bytes) -> None:
    other = path.with_name(f".{path.name}.new")
    other.write_bytes(data)
    other.replace(path)


def read_all(tailed: Tailed) -> bytes:
    """Look until nothing comes any more, and take note of it."""
    data = b"".join(tailed.look(2 * ROTATE_WAIT) for _ in range(4))
    tailed.tailer.take_note()
    return data


def doubts(tailed: Tailed) -> list[tuple[str, str]]:
    return [(d.kind, d.path.rpartition("/")[2]) for d in tailed.tailer.found().doubts]


def only(tailed: Tailed) -> LogTrouble:
    (doubt,) = tailed.tailer.found().doubts
    return doubt


changes = pytest.mark.parametrize("change", [overwrite, replace_by])


@changes
def test_a_masked_log_is_doubtful_from_its_beginning_to_when_that_was_found(
    tailed: Tailed, between: Callable[[], None], change: Callable[[Path, bytes], None]
) -> None:
    tailed.append(lines(0, 50))
    read_all(tailed)
    begun = tailed.now
    tailed.path().rename(tailed.path("stats.1"))
    tailed.append(lines(50, 150))
    read_all(tailed)
    between()
    masked = lines(50, 150, b"xxx")
    change(tailed.path(), masked)
    assert read_all(tailed) == masked
    assert doubts(tailed) == [("doubtful", "stats")]
    assert (only(tailed).since, begun < (only(tailed).until or 0.0) <= tailed.now) == (begun, True)
    assert "counted twice" in only(tailed).sentence


def test_of_a_masked_log_that_was_there_at_the_start_it_is_unknown_since_when_it_is_doubtful(
    tailed: Tailed,
) -> None:
    tailed.append(lines(0, 50))
    read_all(tailed)
    overwrite(tailed.path(), lines(0, 50, b"xxx"))
    read_all(tailed)
    assert only(tailed).since == 0.0


@changes
def test_a_masked_rotated_log_is_doubtful_if_its_log_was_not_rotated(
    tailed: Tailed, between: Callable[[], None], change: Callable[[Path, bytes], None]
) -> None:
    tailed.append(lines(0, 50), "stats.1")
    tailed.append(lines(50, 60))
    read_all(tailed)
    between()
    change(tailed.path("stats.1"), lines(0, 50, b"xxx"))
    read_all(tailed)
    assert doubts(tailed) == [("doubtful", "stats.1")]


@pytest.mark.parametrize("written", [b"", lines(500, 510)])
@changes
def test_a_log_that_lost_a_large_piece_is_doubtful_since_all_was_read(
    tailed: Tailed,
    between: Callable[[], None],
    change: Callable[[Path, bytes], None],
    written: bytes,
) -> None:
    tailed.append(lines(0, 500))
    read_all(tailed)
    before = tailed.now
    between()
    change(tailed.path(), lines(0, 200) + written)
    assert read_all(tailed) == b""
    assert doubts(tailed) == [("doubtful", "stats")]
    assert only(tailed).since == before
    assert "not counted" in only(tailed).sentence


JOINED = lines(5, 20) + lines(40, 48)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("stats.9", lines(10, 40)),
        ("stats.9", JOINED),
        ("stats-20251122", lines(600, 700)),
        ("stats.9.gz", gzip.compress(lines(10, 40), mtime=0)),
    ],
    ids=["without both ends", "joined", "restored after it was forgotten", "compressed"],
)
def test_a_rotated_log_that_appears_though_its_log_was_not_rotated_is_named(
    tailed: Tailed, name: str, content: bytes
) -> None:
    tailed.append(lines(0, 50), "stats.1")
    tailed.append(lines(50, 60))
    read_all(tailed)
    tailed.path(name).write_bytes(content)
    read_all(tailed)
    assert doubts(tailed) == [("unexpected", name)]


def rename(tailed: Tailed) -> None:
    tailed.path().rename(tailed.path("stats.1"))


def rename_and_create(tailed: Tailed) -> None:
    rename(tailed)
    tailed.append(lines(200, 300))


def copytruncate(tailed: Tailed) -> None:
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    overwrite(tailed.path(), lines(200, 400))


def copytruncate_later(tailed: Tailed) -> None:
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    tailed.append(lines(100, 105))
    tailed.look(1)
    overwrite(tailed.path(), lines(200, 400))


def compress_at_once(tailed: Tailed) -> None:
    tailed.path("stats.1.gz").write_bytes(gzip.compress(tailed.path().read_bytes()))
    overwrite(tailed.path(), lines(200, 400))


def rotate_twice(tailed: Tailed) -> None:
    tailed.path().rename(tailed.path("stats.2"))
    tailed.append(lines(100, 300), "stats.1")
    tailed.append(lines(300, 600))


def empty(tailed: Tailed) -> None:
    overwrite(tailed.path(), b"")
    tailed.look(1)
    tailed.append(lines(200, 400))


def copy_and_move(tailed: Tailed) -> None:
    shutil.copy(tailed.path(), tailed.path(".copy"))
    tailed.path(".copy").replace(tailed.path())
    tailed.append(lines(100, 110))


def lose_a_short_end(tailed: Tailed) -> None:
    overwrite(tailed.path(), lines(0, 60) + lines(200, 210))


def begin_small(tailed: Tailed) -> None:
    rename(tailed)
    overwrite(tailed.path(), b"a half")
    tailed.look(1)
    tailed.path("stats.1").rename(tailed.path("stats.2"))
    rename(tailed)
    tailed.append(lines(200, 210))


ORDINARY = [
    rename,
    rename_and_create,
    copytruncate,
    copytruncate_later,
    compress_at_once,
    rotate_twice,
    empty,
    copy_and_move,
    lose_a_short_end,
    begin_small,
]


@pytest.mark.parametrize("rotate", ORDINARY)
def test_what_a_rotation_explains_is_not_doubted(
    tailed: Tailed, between: Callable[[], None], rotate: Callable[[Tailed], None]
) -> None:
    tailed.append(lines(0, 100))
    read_all(tailed)
    between()
    rotate(tailed)
    read_all(tailed)
    assert doubts(tailed) == []


def test_a_log_that_is_rotated_before_it_was_read_explains_its_copy(tailed: Tailed) -> None:
    tailed.append(lines(0, 1))
    tailed.tailer.scan(tailed.now)  # and nothing is read
    tailed.now += 2 * ROTATE_WAIT
    shutil.copy(tailed.path(), tailed.path("stats.1"))
    overwrite(tailed.path(), b"")
    read_all(tailed)
    assert doubts(tailed) == []


def test_a_rotated_log_that_could_not_be_read_and_is_restored_is_not_doubted(
    tailed: Tailed,
) -> None:
    packed = gzip.compress(lines(0, 100))
    tailed.path("stats.1.gz").write_bytes(packed[:15])
    tailed.append(lines(200, 210))
    read_all(tailed)
    replace_by(tailed.path("stats.1.gz"), packed)
    assert read_all(tailed) == lines(0, 100)
    assert doubts(tailed) == []


def test_rotated_logs_that_a_start_finds_are_not_doubted(tailed: Tailed) -> None:
    tailed.append(lines(200, 210))
    read_all(tailed)
    checkpoint = tailed.stop()
    tailed.append(lines(0, 50), "stats.1")  # as with a wider pattern
    tailed.start(checkpoint)
    assert read_all(tailed) == lines(0, 50)
    assert doubts(tailed) == []


def masked(tailed: Tailed) -> LogTrouble:
    tailed.append(lines(0, 50))
    read_all(tailed)
    overwrite(tailed.path(), lines(0, 50, b"xxx"))
    read_all(tailed)
    return only(tailed)


def test_a_doubt_stays_over_a_restart_until_it_is_accepted(tailed: Tailed) -> None:
    doubt = masked(tailed)
    tailed.restart()
    read_all(tailed)
    assert only(tailed) == doubt
    assert not tailed.tailer.doubts.accept(doubt.path, (doubt.until or 0.0) - 1)
    assert tailed.tailer.doubts.accept(doubt.path, doubt.until or 0.0)
    read_all(tailed)
    tailed.restart()
    read_all(tailed)
    assert doubts(tailed) == []


def test_a_doubt_is_forgotten_after_the_time_for_which_days_are_known(tailed: Tailed) -> None:
    masked(tailed)
    tailed.look(34 * DAY)
    assert doubts(tailed) == [("doubtful", "stats")]
    tailed.look(2 * DAY)
    assert doubts(tailed) == []


def test_a_start_with_a_clock_ahead_ends_no_doubt(tailed: Tailed) -> None:
    masked(tailed)
    tailed.now += 400 * DAY
    tailed.restart()
    tailed.look(0.0)
    tailed.look(34 * DAY)
    assert doubts(tailed) == [("doubtful", "stats")]
    tailed.look(2 * DAY)
    assert doubts(tailed) == []


def test_doubts_of_a_log_whose_times_meet_are_one(tailed: Tailed) -> None:
    first = masked(tailed)
    overwrite(tailed.path(), lines(0, 60, b"yyy"))
    read_all(tailed)
    assert (only(tailed).since, only(tailed).until) == (first.since, tailed.now - 6 * ROTATE_WAIT)


def test_a_status_document_names_a_doubt_with_its_time_and_the_command_that_accepts_it(
    tailed: Tailed,
) -> None:
    doubt = masked(tailed)
    document = parse(OwnStatus("1", 0.0, tailed.tailer.found, LinesSeen())())
    (trouble,) = document.troubles
    assert (trouble.kind, trouble.path) == ("doubtful", doubt.path)
    assert trouble.sentence.endswith(f"{doubt.path} --accept")
    assert (doubt.until or 0.0) <= (trouble.until or 0) <= (doubt.until or 0.0) + 61
