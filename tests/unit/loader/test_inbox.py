"""When the files of a day are ready to be claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_loader.inbox import Inbox
from tests.support.day_sets import DAY, NAMES, put_bare, put_set

if TYPE_CHECKING:
    from pathlib import Path


def ready(inbox: Inbox, now: float) -> list[str]:
    return [names.stem for names in inbox.ready(now)]


def test_a_set_that_fits_its_manifest_is_ready_at_once(tmp_path: Path) -> None:
    put_set(tmp_path, {"a.example": 1})
    assert ready(Inbox(tmp_path, 5), 0) == ["01.02.2026"]


def test_a_bare_file_is_ready_when_it_has_settled(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 5)
    put_bare(tmp_path, {"a.example": 1})
    assert ready(inbox, 100) == []
    assert ready(inbox, 104.9) == []
    put_bare(tmp_path, {"a.example": 1, "b.example": 2})
    assert ready(inbox, 105) == []
    assert ready(inbox, 110) == ["01.02.2026"]


def test_a_set_that_contradicts_its_manifest_may_still_be_on_its_way(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 5)
    put_set(tmp_path, {"a.example": 1})
    with (tmp_path / NAMES.breakdown).open("ab") as file:
        file.write(b"x")
    assert ready(inbox, 100) == []
    put_set(tmp_path, {"a.example": 1}, revision=2)
    assert ready(inbox, 101) == ["01.02.2026"]


def test_one_that_stays_so_is_ready_for_judgement(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, 5)
    put_set(tmp_path, {"a.example": 1})
    (tmp_path / NAMES.breakdown).unlink()
    assert ready(inbox, 100) == []
    assert ready(inbox, 105) == ["01.02.2026"]


def test_without_settling_all_are_ready_oldest_day_first(tmp_path: Path) -> None:
    put_set(tmp_path, {}, day=DAY.replace(year=2027, day=1))
    put_set(tmp_path, {}, day=DAY.replace(month=1, day=31))
    put_bare(tmp_path, {})
    assert ready(Inbox(tmp_path, 0), 0) == ["31.01.2026", "01.02.2026", "01.02.2027"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("x.qml.txt", ".01.02.2026.qml.txt.tmp", "01.02.2026.qml.csv", "1.2.2026.qml.txt"):
        (tmp_path / name).touch()
    (tmp_path / "02.02.2026.qml.txt").mkdir()
    (tmp_path / "03.02.2026.qml.txt").symlink_to(tmp_path / "x.qml.txt")
    assert ready(Inbox(tmp_path, 0), 0) == []
