"""The compiled parser is used where it lies, or copied to where it can be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from numba import config

from mailtally_collector.kept_code import VARIABLE, keep_code_in

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG: Any = config  # its names come from the environment


@pytest.fixture(autouse=True)
def _numba_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", _CONFIG.CACHE_DIR)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Code that was compiled when an image was made."""
    directory = tmp_path / "built"
    (directory / "parse").mkdir(parents=True)
    (directory / "parse" / "entries.nbc").write_bytes(b"code")
    monkeypatch.setenv(VARIABLE, str(directory))
    return directory


def refuse_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a read-only file system."""
    monkeypatch.setattr(os, "access", lambda *_: False)


def test_a_place_that_can_be_written_to_is_used(built: Path, tmp_path: Path) -> None:
    keep_code_in(tmp_path / "own")
    assert os.environ[VARIABLE] == str(built)
    assert not (tmp_path / "own").exists()


def test_code_in_a_place_that_cannot_be_written_to_is_copied(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert built.exists()
    refuse_writing(monkeypatch)
    own = tmp_path / "state" / "kernel"
    keep_code_in(own)
    assert (own / "parse" / "entries.nbc").read_bytes() == b"code"
    assert own.stat().st_mode & 0o077 == 0
    assert os.environ[VARIABLE] == _CONFIG.CACHE_DIR == str(own)


def test_without_any_place_the_own_one_begins_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    refuse_writing(monkeypatch)
    keep_code_in(tmp_path / "own")
    assert list((tmp_path / "own").iterdir()) == []
    assert str(tmp_path / "own") == _CONFIG.CACHE_DIR
