"""A file that a setting names is read without waiting for it, whatever it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.regular import read_text

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("süß", "utf-8")
    assert read_text(tmp_path / "file", 5) == "süß"


def test_a_file_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("123456", "utf-8")
    with pytest.raises(OSError, match="larger than 5 bytes"):
        read_text(tmp_path / "file", 5)


@pytest.mark.timeout(10)  # without the safeguard it waits for ever
def test_a_pipe_to_which_no_process_writes_is_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_text(tmp_path / "pipe") == ""


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    os.write(writable, b"secret\n")
    os.close(writable)
    assert read_text(tmp_path / f"/dev/fd/{readable}") == "secret\n"
    os.close(readable)


def test_devices_and_directories_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "/dev/zero"):
        with pytest.raises(OSError, match="not a regular file"):
            read_text(path)
