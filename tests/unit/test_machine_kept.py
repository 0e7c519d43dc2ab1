"""Machine code is kept where it may be, and run only from where nobody else may put any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailtally_collector.machine import kept
from mailtally_collector.machine.kept import VARIABLE, find, keep, keep_code_in, places

NAME = "read_chunk-0123.o"


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "built"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "_named", [])


def refuse_writing(monkeypatch: pytest.MonkeyPatch, *refused: Path) -> None:
    """As on a read-only file system."""
    write = kept._write  # noqa: SLF001 - root may write wherever it likes

    def refusing(path: Path, content: bytes) -> None:
        if path.parent in refused:
            raise PermissionError(path)
        write(path, content)

    monkeypatch.setattr(kept, "_write", refusing)


def test_code_is_found_where_it_was_kept(tmp_path: Path) -> None:
    assert find(NAME) is None
    assert keep(NAME, b"code") == tmp_path / "built"
    assert find(NAME) == b"code"
    assert find("another.o") is None


def test_without_the_variable_it_lies_beside_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert next(places()) == Path(kept.__file__).parent / "__pycache__"


def test_where_nothing_can_be_written_the_next_place_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_code_in(tmp_path / "state")
    refuse_writing(monkeypatch, tmp_path / "built")
    assert keep(NAME, b"code") == tmp_path / "cache" / "mailtally"
    refuse_writing(monkeypatch, tmp_path / "built", tmp_path / "cache" / "mailtally")
    assert keep(NAME, b"newer") == tmp_path / "state"
    refuse_writing(monkeypatch, *places())
    assert keep(NAME, b"newest") is None


def test_code_in_a_place_that_cannot_be_written_to_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(NAME, b"built with the image")
    refuse_writing(monkeypatch, tmp_path / "built")
    assert find(NAME) == b"built with the image"


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_place_where_others_may_write_is_passed_over(tmp_path: Path, mode: int) -> None:
    keep(NAME, b"code")
    (tmp_path / "built").chmod(mode)
    assert find(NAME) is None
    assert keep(NAME, b"code") == tmp_path / "cache" / "mailtally"


@pytest.mark.parametrize("damage", [b"", b"mailtally object 1\n", b"anything else"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    keep(NAME, b"code")
    (tmp_path / "built" / NAME).write_bytes(damage)
    assert find(NAME) is None


def test_a_file_that_was_cut_short_is_as_good_as_none(tmp_path: Path) -> None:
    keep(NAME, b"code of some length")
    whole = (tmp_path / "built" / NAME).read_bytes()
    (tmp_path / "built" / NAME).write_bytes(whole[:-1])
    assert find(NAME) is None


def test_what_former_versions_left_is_forgotten(tmp_path: Path) -> None:
    keep("another-0.o", b"code")
    for number in range(20):
        keep(f"read_chunk-{number:02}.o", b"code")
        os.utime(tmp_path / "built" / f"read_chunk-{number:02}.o", ns=(number, number))
    keep("read_chunk-new.o", b"code")
    left = sorted(path.name for path in (tmp_path / "built").glob("read_chunk-*"))
    assert left == [*(f"read_chunk-{number:02}.o" for number in range(5, 20)), "read_chunk-new.o"]
    assert find("another-0.o") == b"code"
