"""The collector's state directory lost, torn, emptied, doubled."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.tail.positions import Position
from tests.faults.drive import AGGREGATOR, COLLECTOR, HOST, PATIENCE
from tests.faults.processes import Process
from tests.faults.site import clone_of
from tests.support.waiting import wait_until

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


def back_up(drive: Drive) -> Path:
    """Copy the directory of a collector that is stopped, or was killed."""
    directory = drive.site.state_dir(COLLECTOR)
    backup = directory.with_name("backup")
    shutil.copytree(directory, backup)
    return backup


def restore(drive: Drive, backup: Path) -> None:
    directory = drive.site.state_dir(COLLECTOR)
    shutil.rmtree(directory)
    shutil.copytree(backup, directory)


def go_on(drive: Drive) -> None:
    """Restart the collector where it is, count some more, and end it for good."""
    drive.site.start(COLLECTOR)
    drive.write(200)
    drive.await_counted()
    drive.site.kill(COLLECTOR)


def clone(drive: Drive) -> str:
    """A second machine, which reads the same log from a copy of the directory as it is now."""
    drive.site.add_clone(COLLECTOR)
    name = clone_of(COLLECTOR)
    shutil.copytree(drive.site.state_dir(COLLECTOR), drive.site.state_dir(name))
    return name


def test_an_old_copy_of_a_state_directory_starts_over_where_the_ledger_is(stopped: Drive) -> None:
    """More batches are applied than the copy ever made: none of its numbers is used again."""
    backup = back_up(stopped)
    go_on(stopped)
    restore(stopped, backup)
    stopped.write(300)
    stopped.site.start(COLLECTOR)
    stopped.assert_right()
    stopped.await_said(COLLECTOR, "The state directory is an old copy")


def test_an_old_copy_with_unapplied_batches_counts_nothing_twice(stopped: Drive) -> None:
    stopped.site.stop(AGGREGATOR)
    stopped.site.processes[AGGREGATOR].wait()
    stopped.site.start(COLLECTOR)
    wait_until(lambda: stopped.spooled()[0] >= 1, PATIENCE, "spooling a batch")
    stopped.site.kill(COLLECTOR)
    backup = back_up(stopped)
    stopped.site.start(AGGREGATOR)
    go_on(stopped)
    restore(stopped, backup)
    stopped.write(50)
    stopped.site.start(COLLECTOR)
    stopped.assert_right()


def is_spooled(drive: Drive) -> bool:
    """The collector's positions reach to the end of the log."""
    path = drive.site.state_dir(COLLECTOR) / "state.sqlite"
    log = drive.site.directory / "logs" / HOST / "stats"
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT position FROM positions").fetchall()
    known = [Position.from_json(json.loads(text)) for (text,) in rows]
    return any(p.path == str(log) and p.offset == log.stat().st_size for p in known)


def test_an_old_copy_counts_a_log_that_began_while_nothing_was_applied(stopped: Drive) -> None:
    """Its batches are dropped, and the ledger does not know the log that only they hold."""
    stopped.site.stop(AGGREGATOR)
    stopped.site.processes[AGGREGATOR].wait()
    stopped.site.logs[HOST].rename()
    stopped.write(30)
    stopped.site.start(COLLECTOR)
    wait_until(lambda: is_spooled(stopped), PATIENCE, "spooling the new log")
    stopped.site.kill(COLLECTOR)
    backup = back_up(stopped)
    with stopped.redis() as client:
        registration = stopped.keys.registration(HOST)
        before = client.hget(registration, "epoch")
        stopped.site.start(COLLECTOR)
        wait_until(lambda: client.hget(registration, "epoch") != before, PATIENCE, "a later start")
    stopped.site.kill(COLLECTOR)
    restore(stopped, backup)
    stopped.site.start(COLLECTOR)
    stopped.site.start(AGGREGATOR)
    stopped.assert_right()
    stopped.await_said(COLLECTOR, "The state directory is an old copy")


def test_a_copy_is_fenced_while_its_original_is_at_work(stopped: Drive) -> None:
    copy = clone(stopped)
    stopped.site.start(COLLECTOR)
    stopped.await_counted()
    stopped.site.processes[copy].start()
    assert stopped.site.processes[copy].wait() == 1
    stopped.await_said(copy, "Another collector, ")
    stopped.await_said(copy, "is running under the host name")
    stopped.assert_right()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_machine_and_its_clone_one_stops_and_nothing_counts_twice(
    stopped: Drive, order: tuple[int, int]
) -> None:
    names = (COLLECTOR, clone(stopped))
    first, second = (names[index] for index in order)
    stopped.site.start(first)
    stopped.await_counted()
    stopped.write(100)
    stopped.site.processes[second].start()
    assert stopped.site.processes[second].wait() == 1
    stopped.await_counted()
    stopped.site.kill(first)
    stopped.write(100)
    stopped.site.start(second)  # once the first one is silent
    stopped.await_billed()
    stopped.site.stop(second)


def test_a_clone_of_a_collector_at_work_overtakes_it(stopped: Drive) -> None:
    stopped.site.processes[COLLECTOR].start()
    stopped.await_counted()
    stopped.site.processes[COLLECTOR].signal(signal.SIGSTOP)
    copy = clone(stopped)
    stopped.site.start(copy)
    stopped.write(100)
    stopped.await_counted()
    stopped.site.processes[COLLECTOR].signal(signal.SIGCONT)
    assert stopped.site.processes[COLLECTOR].wait() == 1
    stopped.await_said(COLLECTOR, "has taken over under the host name")
    stopped.write(100)
    stopped.await_billed()
    stopped.site.stop(copy)


@pytest.fixture
def snapshot(stopped: Drive) -> tuple[Path, int]:
    """A copy of the directory and the end of the log, of a machine whose collector was stopped."""
    stopped.site.start(COLLECTOR)
    stopped.await_counted()
    stopped.site.kill(COLLECTOR)
    return back_up(stopped), stopped.site.logs[HOST].end


def set_back(drive: Drive, snapshot: tuple[Path, int]) -> None:
    """Set the machine back: its state directory together with its log."""
    backup, end = snapshot
    restore(drive, backup)
    drive.site.logs[HOST].cut(end)


def test_a_machine_that_was_set_back_with_its_logs_counts_what_is_written_from_then_on(
    stopped: Drive, snapshot: tuple[Path, int]
) -> None:
    go_on(stopped)
    set_back(stopped, snapshot)
    stopped.site.start(COLLECTOR)
    stopped.await_said(COLLECTOR, "has changed since it was read")
    stopped.write(300)
    stopped.assert_right()
    stopped.await_said(COLLECTOR, "The state directory is an old copy")


def test_what_is_written_before_a_machine_that_was_set_back_counts_again_is_counted(
    stopped: Drive, snapshot: tuple[Path, int]
) -> None:
    """The last lines that were read tell the new ones from those before."""
    stopped.site.start(COLLECTOR)
    stopped.write(50)
    stopped.await_counted()
    stopped.site.kill(COLLECTOR)
    set_back(stopped, snapshot)
    stopped.write(300)
    stopped.site.start(COLLECTOR)
    stopped.assert_right()


def test_where_nothing_tells_what_a_machine_that_was_set_back_had_counted_its_log_is_stopped(
    stopped: Drive, snapshot: tuple[Path, int]
) -> None:
    go_on(stopped)
    set_back(stopped, snapshot)
    log = stopped.site.directory / "logs" / HOST / "stats"
    counted = log.read_bytes().count(b"\n")
    stopped.write(300)
    stopped.site.start(COLLECTOR)
    stopped.await_said(COLLECTOR, "is stopped: ")
    settle = Process(
        "collector",
        ("settle", str(log), "--from-line", str(counted + 1)),
        stopped.site.processes[COLLECTOR].settings,
        stopped.site.directory / "settle.log",
    )
    settle.start()
    assert settle.wait() == 0
    stopped.assert_right()


def test_an_ordinary_restart_after_a_kill_waits_for_nothing(stopped: Drive) -> None:
    stopped.site.processes[COLLECTOR].settings["MAILTALLY_COLLECTOR__HEARTBEAT"] = "1h"
    for _ in range(3):
        stopped.site.start(COLLECTOR)
        stopped.await_counted()
        stopped.site.kill(COLLECTOR)
        stopped.write(20)
    stopped.site.start(COLLECTOR)
    stopped.assert_right()
