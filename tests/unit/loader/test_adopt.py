"""Day files of other origin get their usual names; what is none is named."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from mailtally_loader.adopt import Adopter
from mailtally_shared.days.directory import strays
from mailtally_shared.days.names import LOADED, LOADING, REJECTED

if TYPE_CHECKING:
    from pathlib import Path

LINE = b"|shop.example|1|1|0|\n"
LARGEST = 1 << 20
NOW = 1_800_000_000.0


def adopt(directory: Path, settle: float = 0) -> list[str]:
    return [error.reason for error in Adopter(directory, settle, LARGEST).adopt(0)]


@pytest.mark.parametrize(
    "name",
    [
        *("17.11.2026.qml", "17.11.2026.QML", "17.11.2026.qml.TXT", "17.11.2026.Qml.gz"),
        *("17.11.2026.qml.txt.gz", "17.11.2026.QML.TXT.GZ"),
    ],
)
def test_a_day_file_under_another_name_is_loaded_under_its_usual_one(
    tmp_path: Path, name: str
) -> None:
    packed = name.lower().endswith(".gz")
    (tmp_path / name).write_bytes(gzip.compress(LINE) if packed else LINE)
    assert adopt(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["17.11.2026.qml.txt"]
    assert (tmp_path / "17.11.2026.qml.txt").read_bytes() == LINE


def test_it_waits_until_the_file_has_settled_and_its_name_is_free(tmp_path: Path) -> None:
    (tmp_path / "17.11.2026.qml").write_bytes(LINE)
    adopter = Adopter(tmp_path, 5, LARGEST)
    adopter.adopt(100)
    adopter.adopt(104)
    assert (tmp_path / "17.11.2026.qml").exists()
    (tmp_path / "17.11.2026.qml.txt").write_bytes(b"another")
    adopter.adopt(106)
    assert (tmp_path / "17.11.2026.qml.txt").read_bytes() == b"another"
    (tmp_path / "17.11.2026.qml.txt").unlink()
    adopter.adopt(107)
    assert (tmp_path / "17.11.2026.qml.txt").read_bytes() == LINE


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no gzip", "bad-compression"),
        (gzip.compress(LINE, mtime=0)[:-9], "bad-compression"),
        (gzip.compress(bytes(LARGEST + 1)), "too-large"),
    ],
)
def test_what_cannot_be_unpacked_is_rejected_whole(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    name = "17.11.2026.qml.gz"
    (tmp_path / name).write_bytes(content)
    assert adopt(tmp_path) == [reason]
    kept = tmp_path / REJECTED / name
    assert (kept / name).read_bytes() == content
    assert reason in (kept / f"{name}.reason.txt").read_text()
    assert not (tmp_path / "17.11.2026.qml.txt").exists()


def test_links_and_pipes_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "17.11.2026.qml")
    (tmp_path / "18.11.2026.qml").symlink_to("/etc/passwd")
    assert adopt(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 2


def test_old_files_that_nobody_takes_are_named(tmp_path: Path) -> None:
    for name in (LOADING, LOADED, REJECTED, "snapshots"):
        (tmp_path / name).mkdir()
    for name in ("17.11.2026.qml.txt", "17.11.2026.qml.csv", "notes", "2026-11-17.qml", ".lock"):
        (tmp_path / name).write_bytes(LINE)
    (tmp_path / "18.11.2026.qml.csv").write_bytes(LINE)
    os.mkfifo(tmp_path / "19.11.2026.qml")
    for path in tmp_path.iterdir():
        os.utime(path, (NOW - 7200, NOW - 7200))
    (tmp_path / "new").write_bytes(LINE)
    os.utime(tmp_path / "new", (NOW, NOW))
    expected = ["18.11.2026.qml.csv", "19.11.2026.qml", "2026-11-17.qml", "notes"]
    assert strays(tmp_path, NOW) == expected
    assert strays(tmp_path / "nowhere", NOW) == []
