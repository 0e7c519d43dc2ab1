"""What is kept of a loaded day, and that a crash in the middle loses none of it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from mailtally_loader.archive import archive
from mailtally_shared.days import read_day
from mailtally_shared.days.directory import look_at_archive
from tests.support.day_sets import DAY, NAMES, hours_of, put_bare, put_set

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_loader.crash_at import CrashAt

NAME = "01.02.2026.qml"


class Crash(Exception):
    pass


class CrashAfter:
    """Raises at the n-th place that is passed."""

    def __init__(self, passings: int) -> None:
        self.left = passings

    def __call__(self, _: CrashAt) -> None:
        self.left -= 1
        if self.left < 0:
            raise Crash


def archived(originals: Path, loaded: Path, passings: int = 1_000_000) -> None:
    loaded.mkdir(exist_ok=True)
    archive(read_day(originals, NAMES), loaded, CrashAfter(passings))


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def text_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    return tmp_path / "loaded"


def test_three_files_are_kept_and_unpack_to_the_originals(tmp_path: Path, loaded: Path) -> None:
    put_set(tmp_path / "1", {"a.example": 69})
    archived(tmp_path / "1", loaded)
    assert sorted(content(loaded)) == [f"{NAME}.csv.gz", f"{NAME}.json", f"{NAME}.txt.gz"]
    assert text_of(loaded / f"{NAME}.txt.gz") == b"|a.example|0.0673828125|1|0|\n"
    assert text_of(loaded / f"{NAME}.csv.gz") == (tmp_path / "1" / NAMES.breakdown).read_bytes()
    assert (loaded / f"{NAME}.json").read_bytes() == (tmp_path / "1" / NAMES.manifest).read_bytes()


def test_the_bytes_depend_on_the_content_only(tmp_path: Path) -> None:
    for place in ("1", "2"):
        put_set(tmp_path / place, {"a.example": 69})
        archived(tmp_path / place, tmp_path / f"loaded{place}")
    assert content(tmp_path / "loaded1") == content(tmp_path / "loaded2")
    header = (tmp_path / "loaded1" / f"{NAME}.txt.gz").read_bytes()[:8]
    assert header == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0])  # neither name nor time


def test_the_previous_revision_is_kept_under_its_number(tmp_path: Path, loaded: Path) -> None:
    for revision in (1, 2, 3):
        put_set(tmp_path / f"{revision}", {"a.example": revision}, revision=revision)
        archived(tmp_path / f"{revision}", loaded)
    assert len(content(loaded)) == 9
    assert text_of(loaded / f"{NAME}.r1.txt.gz") == b"|a.example|0.0009765625|1|0|\n"
    assert text_of(loaded / f"{NAME}.r2.txt.gz") == b"|a.example|0.001953125|1|0|\n"
    assert (loaded / f"{NAME}.r2.json").exists()


def test_a_bare_file_counts_as_revision_0_and_none_is_ever_lost(
    tmp_path: Path, loaded: Path
) -> None:
    for number in (1, 2, 3):
        put_bare(tmp_path / f"{number}", {"a.example": number})
        archived(tmp_path / f"{number}", loaded)
    names = [f"{NAME}.r0-2.txt.gz", f"{NAME}.r0.txt.gz", f"{NAME}.txt.gz"]
    assert sorted(content(loaded)) == names
    assert text_of(loaded / f"{NAME}.r0-2.txt.gz") == b"|a.example|2|1|0|\r\n"


def test_a_damaged_archive_is_kept_aside_too(tmp_path: Path, loaded: Path) -> None:
    put_bare(tmp_path / "1", {"a.example": 1})
    archived(tmp_path / "1", loaded)
    (loaded / f"{NAME}.txt.gz").write_bytes(b"\x1f\x8bdamaged")
    archived(tmp_path / "1", loaded)
    assert text_of(loaded / f"{NAME}.txt.gz") == b"|a.example|1|1|0|\r\n"
    assert (loaded / f"{NAME}.r0.txt.gz").read_bytes() == b"\x1f\x8bdamaged"


KINDS = ["set", "bare"]


@pytest.mark.parametrize("passings", range(8))
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_after_a_crash_anywhere_doing_it_again_ends_the_same(
    tmp_path: Path, first: str, second: str, passings: int
) -> None:
    for place, kind, revision in (("1", first, 1), ("2", second, 2)):
        if kind == "set":
            put_set(tmp_path / place, {"a.example": revision}, revision=revision)
        else:
            put_bare(tmp_path / place, {"a.example": revision})
    for crashing in (False, True):
        loaded = tmp_path / f"loaded-{crashing}"
        archived(tmp_path / "1", loaded)
        try:
            archived(tmp_path / "2", loaded, passings if crashing else 1_000_000)
        except Crash:
            archived(tmp_path / "2", loaded)
        archived(tmp_path / "2", loaded)
    assert content(tmp_path / "loaded-True") == content(tmp_path / "loaded-False")


def test_hours_are_archived_and_kept_with_their_revision(tmp_path: Path, loaded: Path) -> None:
    put_set(tmp_path / "1", {"a.example": 1}, hours=hours_of({"a.example": 1}))
    archived(tmp_path / "1", loaded)
    written = (tmp_path / "1" / NAMES.hours).read_bytes()
    assert text_of(loaded / f"{NAME}.hours.csv.gz") == written
    put_set(tmp_path / "2", {"a.example": 1}, revision=2)
    archived(tmp_path / "2", loaded)
    assert not (loaded / f"{NAME}.hours.csv.gz").exists()
    assert text_of(loaded / f"{NAME}.r1.hours.csv.gz") == written
    assert look_at_archive(tmp_path).lacking == {}


def test_an_archive_that_lost_its_hours_lacks_a_file(tmp_path: Path, loaded: Path) -> None:
    put_set(tmp_path / "1", {"a.example": 1}, hours=hours_of({"a.example": 1}))
    archived(tmp_path / "1", loaded)
    (loaded / f"{NAME}.hours.csv.gz").unlink()
    assert look_at_archive(tmp_path).lacking == {DAY: (f"{NAME}.hours.csv.gz",)}
