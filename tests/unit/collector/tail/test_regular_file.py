"""What an operator names is opened without waiting, whatever it turns out to be."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.tail.regular_file import open_file

if TYPE_CHECKING:
    from pathlib import Path

OPEN = (
    "import sys; from mailtally_collector.tail.regular_file import open_file\n"
    "try: open_file(sys.argv[1])\n"
    "except OSError as error: print(error.strerror)"
)


def test_a_pipe_to_which_no_process_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", OPEN, str(tmp_path / "pipe")]
    done = subprocess.run(command, capture_output=True, timeout=10, check=True)
    assert done.stdout.strip() == b"it is a pipe"


def test_a_pipe_is_read_where_that_is_allowed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    os.write(writer, b"line\n")
    descriptor = open_file(str(tmp_path / "pipe"), or_pipe=True)
    assert os.get_blocking(descriptor)
    assert os.read(descriptor, 9) == b"line\n"
    os.close(descriptor)
    os.close(writer)


def test_devices_and_directories_are_refused(tmp_path: Path) -> None:
    for path, kind in ((str(tmp_path), "a directory"), ("/dev/zero", "a device")):
        with pytest.raises(OSError, match=f"it is {kind}"):
            open_file(path, or_pipe=True)
