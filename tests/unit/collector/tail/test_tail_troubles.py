"""What cannot be read of the logs is known, with the time since when."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_collector.tail import Tailer
from mailtally_collector.tail.troubles import trouble
from tests.support.tailing import ROTATE_WAIT, Tailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tailed(tmp_path: Path) -> Iterator[Tailed]:
    one = Tailed(tmp_path)
    yield one
    one.tailer.close()


def troubles(tailed: Tailed) -> list[tuple[str, str]]:
    tailed.tailer.take_note()
    return [
        (trouble.kind, trouble.path.rpartition("/")[2])
        for trouble in tailed.tailer.found().troubles
    ]


def refuse(monkeypatch: pytest.MonkeyPatch, refused: Path) -> None:
    """Let opening a file fail; the user of the tests may read everything."""
    really = os.open

    def fails(path: Any, *args: Any, **more: Any) -> int:  # noqa: ANN401 - os.open's
        if str(path) == str(refused):
            raise PermissionError(13, "Permission denied")
        return really(path, *args, **more)

    monkeypatch.setattr(os, "open", fails)


def test_logs_that_can_be_read_are_no_trouble(tailed: Tailed) -> None:
    tailed.append(b"1\n")
    tailed.path("stats.1.gz").write_bytes(gzip.compress(b"0\n"))
    assert tailed.look() == b"0\n1\n"
    found = tailed.tailer.found()
    assert (found.troubles, [*found.patterns.values()]) == ((), [2])
    assert found.logs == {str(tailed.path())}


def test_a_log_without_permission_is_a_trouble_until_it_can_be_read(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed.append(b"1\n")
    with monkeypatch.context() as denied:
        refuse(denied, tailed.path())
        assert tailed.look() == b""
        assert troubles(tailed) == [("unreadable", "stats")]
    assert tailed.look(5.0) == b"1\n"
    assert troubles(tailed) == []


def test_a_trouble_began_after_the_last_look_without_it(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed.append(b"1\n")
    for _ in range(2):
        tailed.look(5.0)
    before = tailed.now
    troubles(tailed)
    refuse(monkeypatch, tailed.path("stats-2"))
    tailed.append(b"2\n", "stats-2")
    for _ in range(3):
        tailed.look(5.0)
    troubles(tailed)
    (trouble,) = tailed.tailer.found().troubles
    assert (trouble.since, trouble.until) == (before, None)


def test_a_restart_does_not_change_since_when_a_log_cannot_be_read(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed.append(b"1\n")
    tailed.look(5.0)
    troubles(tailed)
    before = tailed.now
    refuse(monkeypatch, tailed.path())
    tailed.append(b"2\n")
    tailed.restart()  # what became unreadable while nothing ran began after the last look
    for later in (5.0, 86_400.0):
        tailed.append(b"and another log goes on\n", "stats-other")
        tailed.look(later)
        assert troubles(tailed) == [("unreadable", "stats")]
        (trouble,) = tailed.tailer.found().troubles
        assert trouble.since == before
        tailed.restart()


def test_a_damaged_rotated_file_lacks_nothing_after_its_last_change(tailed: Tailed) -> None:
    path = tailed.path("stats.1.gz")
    path.write_bytes(gzip.compress(os.urandom(5000))[:2000])
    os.utime(path, (777, 777))
    tailed.look()
    assert troubles(tailed) == [("damaged", "stats.1.gz")]
    (trouble,) = tailed.tailer.found().troubles
    assert (trouble.since, trouble.until) == (0.0, 777)


def test_of_a_file_that_is_packed_otherwise_it_is_said_to_unpack_it(tailed: Tailed) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("stats"))
    tailed.path("stats-backup.tar.gz").write_bytes(packed.getvalue())
    tailed.path("stats.1.gz.gz").write_bytes(gzip.compress(gzip.compress(b"1\n")))
    tailed.path("stats.2.lz4").write_bytes(b"\x04\x22\x4d\x18" + bytes(20))
    tailed.look()
    sentences = [trouble.sentence for trouble in tailed.tailer.found().troubles]
    assert len(sentences) == 3
    for sentence in sentences:
        assert sentence.endswith("Unpack it, or move it out of the directory.")


@pytest.mark.parametrize("kind", ["a directory", "a pipe", "not a regular file"])
def test_of_what_is_no_file_it_is_said_to_move_it_away(kind: str) -> None:
    found = trouble("unreadable", "/logs/stats", f"it is {kind}")
    advice = "Move it out of the directory, or have MAILTALLY_LOGS not match it."
    assert found.sentence.endswith(advice)


def test_of_a_link_to_itself_it_is_said_to_correct_the_link(tailed: Tailed) -> None:
    tailed.path("stats.loop").symlink_to("stats.loop")
    tailed.look()
    (found,) = tailed.tailer.found().troubles
    assert found.sentence.endswith("Correct the symbolic link, or remove it.")


def test_a_glob_that_finds_nothing_is_known(tmp_path: Path) -> None:
    tailer = Tailer([f"{tmp_path}/none*", f"{tmp_path}/missing/none*"])
    tailer.scan(1.0)
    assert [*tailer.found().patterns.values()] == [0, 0]
    tailer.close()


def test_a_directory_that_may_not_be_listed_is_a_trouble(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    monkeypatch.setattr(os, "listdir", denied)
    tailed.look()
    assert troubles(tailed) == [("unreadable", tailed.directory.name)]


def test_a_directory_whose_files_may_not_be_reached_is_a_trouble(
    tailed: Tailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailed.append(b"1\n")
    really = os.stat

    def denied(path: Any, *args: Any, **more: Any) -> os.stat_result:  # noqa: ANN401 - os.stat's
        if str(path) == str(tailed.path()):
            raise PermissionError(13, "Permission denied")
        return really(path, *args, **more)

    with monkeypatch.context() as closed:
        closed.setattr(os, "stat", denied)
        closed.setattr("pathlib.Path.exists", lambda _: True)
        tailed.look()
        assert troubles(tailed) == [("unreadable", "stats")]


def test_a_log_that_waits_long_for_a_removed_file_is_a_trouble_until_that_is_read(
    tailed: Tailed,
) -> None:
    lines = [b"Nov 22 12:00:%02d mail1.example.com in[%d]: line\n" % (n % 60, n) for n in range(90)]
    tailed.append(b"".join(lines[:40]))
    tailed.look()
    with tailed.path().open("ab", buffering=0) as former:
        tailed.path().unlink()
        tailed.append(b"".join(lines[1:40]))
        for line in lines[40:50]:  # it is written to, so it has not ended
            former.write(line)
            assert tailed.look(ROTATE_WAIT / 4) == line
            tailed.tailer.scan(tailed.now)
            waits = "waiting" in dict(troubles(tailed))
    assert waits
    (found,) = tailed.tailer.found().troubles
    assert found.sentence.startswith(f"{tailed.path()} is not read yet: the file that was ")
    for _ in range(3):
        assert tailed.look(2 * ROTATE_WAIT) == b""
    assert troubles(tailed) == []
