"""The collector's state directory lost, torn, emptied, doubled."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.faults.drive import COLLECTOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.drive import Drive


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    path.write_bytes(content)


def tear(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def stopped(drive: Drive) -> Drive:
    """A site whose collector has counted something and was stopped."""
    drive.start()
    drive.write(300)
    drive.await_counted()
    drive.site.stop(COLLECTOR)
    assert drive.site.processes[COLLECTOR].wait() == 0
    drive.write(100)
    return drive


@pytest.mark.parametrize("damage", [garble, tear])
def test_a_damaged_state_directory_is_refused_and_a_new_one_goes_on_where_the_ledger_is(
    stopped: Drive, damage: Callable[[Path], None]
) -> None:
    directory = stopped.site.state_dir(COLLECTOR)
    damage(directory / "state.sqlite")
    stopped.site.processes[COLLECTOR].start()
    assert stopped.site.processes[COLLECTOR].wait() == 1
    stopped.await_said(COLLECTOR, "Move the directory")
    directory.rename(directory.with_name("damaged"))
    stopped.site.start(COLLECTOR)
    stopped.assert_right()


@pytest.mark.parametrize("whole", [True, False])
def test_an_emptied_state_directory_doubles_nothing(stopped: Drive, *, whole: bool) -> None:
    directory = stopped.site.state_dir(COLLECTOR)
    if whole:
        shutil.rmtree(directory)
    else:
        for path in directory.glob("state.sqlite*"):
            path.write_bytes(b"")
    stopped.site.start(COLLECTOR)
    stopped.assert_right()
    stopped.await_said(COLLECTOR, "Took over")


def test_an_old_copy_of_a_state_directory_is_fenced(stopped: Drive) -> None:
    directory = stopped.site.state_dir(COLLECTOR)
    former = directory.with_name("former")
    directory.rename(former)
    stopped.site.start(COLLECTOR)
    stopped.await_counted()
    stopped.site.kill(COLLECTOR)
    current = directory.with_name("current")
    directory.rename(current)
    former.rename(directory)
    stopped.site.processes[COLLECTOR].start()
    assert stopped.site.processes[COLLECTOR].wait() == 1
    stopped.await_said(COLLECTOR, "Another collector has registered")
    directory.rename(former)
    current.rename(directory)
    stopped.site.start(COLLECTOR)
    stopped.assert_right()
