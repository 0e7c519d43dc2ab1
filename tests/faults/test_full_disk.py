"""No room on a disk, wherever: it is waited for, and nothing is lost or half-written."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.days.names import LOADING
from tests.faults.drive import AGGREGATOR, COLLECTOR
from tests.faults.site import LOADER
from tests.support.servers import missing
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

from tests.faults.drive import Drive

_ROOM = 8 << 20  # bytes


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], None]]:
    """Makes a directory a small disk of its own, which only root may do."""
    mounted: list[Path] = []

    def mount(directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            missing("the right to mount a small disk", done.stderr.strip())
        mounted.append(directory)

    yield mount
    for directory in mounted:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Leave no room."""
    ballast = directory / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, b"\0" * 4096)
    except OSError:
        os.close(descriptor)
    return ballast


@pytest.mark.parametrize(
    ("name", "disk", "sentence"),
    [
        (COLLECTOR, COLLECTOR, "cannot be"),  # the spool, or the malformed lines
        (AGGREGATOR, "statistic", "cannot be written"),  # day files and snapshots
        (LOADER, "statistic", "No space left on device"),  # the archive
        (LOADER, "database", "cannot be used"),  # SQLite
    ],
)
def test_a_full_disk_is_waited_for(
    drive: Drive, small_disk: Callable[[Path], None], name: str, disk: str, sentence: str
) -> None:
    directory = drive.site.directory / disk
    small_disk(directory)
    if disk == "database":
        url = f"sqlite:///{directory}/mailtally.sqlite"
        drive.site.database_url = url
        drive.site.processes[LOADER].settings["MAILTALLY_DATABASE_URL"] = url
    drive.start()
    drive.write(100)
    drive.await_billed()
    if (name, disk) == (LOADER, "statistic"):
        # The day's files come to be there first, and then there is no room for the archive. One
        # that is killed within a day leaves files, and their removal makes room.
        claimed = (directory / LOADING).rglob
        wait_until(lambda: not list(claimed("*.qml.txt")), what="archiving every day")
        drive.site.kill(LOADER)
        drive.write(100)
        drive.await_written()
        drive.site.kill(AGGREGATOR)
    ballast = fill(directory)
    drive.write(2000)
    drive.site.start_if_ended(LOADER)
    drive.await_said(name, sentence)
    assert drive.site.processes[name].exit_code is None
    ballast.unlink()
    drive.site.start_if_ended(AGGREGATOR)
    drive.assert_right()
