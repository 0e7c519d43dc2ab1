"""kill -9 at every named point of every service: nothing is lost, nothing doubled."""

from __future__ import annotations

import ast
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.crash_at import CrashAt as AggregatorCrashAt
from mailtally_collector.crash_at import CrashAt as CollectorCrashAt
from mailtally_loader.crash_at import CrashAt as LoaderCrashAt
from mailtally_shared.state.hours.crash_at import CrashAt as HoursCrashAt
from mailtally_shared.state.snapshot import CrashAt as SnapshotCrashAt
from tests.architecture.source_tree import modules
from tests.faults.drive import AGGREGATOR, COLLECTOR, PATIENCE
from tests.faults.site import LOADER
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.drive import Drive

POINTS = {
    COLLECTOR: (
        "collector-intent-noted",
        "collector-registered",
        "collector-inherited",
        "collector-started-over",
        "collector-start-noted",
        "collector-read",
        "collector-rejects-kept",
        "collector-spooled",
        "collector-payload-stored",
        "collector-announced",
        "collector-applied-noted",
        "collector-rotation-noted",
        "collector-log-renamed",
        "collector-writer-reopened",
        "collector-log-packed",
    ),
    AGGREGATOR: (
        "aggregator-received",
        "aggregator-merged",
        "aggregator-taken",
        "aggregator-committed",
        "aggregator-acknowledged",
        "writer-revision-taken",
        "writer-day-written",
        "writer-snapshot-begun",
        "writer-snapshot-cut",
        "writer-snapshot-staged",
        "writer-hours-added-up",
        "writer-hours-compacted",
    ),
    LOADER: (
        "loader-claiming",
        "loader-claimed",
        "loader-rows-loading",
        "loader-rows-loaded",
        "loader-committed",
        "loader-keeping-previous",
        "loader-archiving",
        "loader-archived",
        "loader-released",
        "loader-reason-written",
    ),
}
#: The collector rotates its log itself, often; it deletes what it has read.
ROTATING = {
    "MAILTALLY_COLLECTOR__ROTATION__SIZE": "4KiB",
    "MAILTALLY_COLLECTOR__ROTATION__KEEP": "2",
    "MAILTALLY_COLLECTOR__ROTATION__COMMAND": 'test -e "$ROTATED"',
    "MAILTALLY_COLLECTOR__ROTATE_WAIT": "500ms",
}
#: Passed only where Redis went back further than a spool: test_redis_faults.py kills there.
ELSEWHERE = ("collector-lost-noted",)
ENUMS = (CollectorCrashAt, AggregatorCrashAt, LoaderCrashAt, SnapshotCrashAt, HoursCrashAt)


def passed_in_the_code() -> Iterator[str]:
    """Every ``CrashAt.NAME`` that some call in the product is given."""
    for module in modules():
        for call in ast.walk(module.tree):
            for argument in call.args if isinstance(call, ast.Call) else ():
                if isinstance(argument, ast.Attribute) and (
                    isinstance(argument.value, ast.Name) and argument.value.id == "CrashAt"
                ):
                    yield argument.attr


def test_the_points_of_the_code_the_enums_and_this_list_are_the_same() -> None:
    listed = sorted([*ELSEWHERE, *(name for names in POINTS.values() for name in names)])
    assert sorted(point for points in ENUMS for point in points) == listed
    assert set(passed_in_the_code()) == {point.name for points in ENUMS for point in points}


def lose_directory(drive: Drive) -> None:
    """A collector has counted something, and its state directory is gone."""
    count_something(drive)
    shutil.rmtree(drive.site.state_dir(COLLECTOR))


def go_back(drive: Drive) -> None:
    """It has counted something twice, and the directory is the one from between."""
    count_something(drive)
    directory = drive.site.state_dir(COLLECTOR)
    backup = directory.with_name("backup")
    shutil.copytree(directory, backup)
    count_something(drive)
    shutil.rmtree(directory)
    backup.rename(directory)


def count_something(drive: Drive) -> None:
    drive.site.start(COLLECTOR)
    drive.write(100)
    drive.await_counted()
    drive.site.kill(COLLECTOR)


@pytest.mark.parametrize(
    ("name", "point"), [(name, point) for name, points in POINTS.items() for point in points]
)
def test_killed_there_nothing_is_lost_and_nothing_doubled(
    drive: Drive, name: str, point: str
) -> None:
    site = drive.site
    if name == COLLECTOR:
        site.processes[name].settings.update(ROTATING)
    drive.start(*(other for other in (AGGREGATOR, COLLECTOR, LOADER) if other != name))
    prepare = {"collector-inherited": lose_directory, "collector-started-over": go_back}
    prepare.get(point, lambda _: None)(drive)
    site.start_doomed(name, point)
    if name == LOADER:
        drive.await_open()
        site.statistic_dir.mkdir(exist_ok=True)
        (site.statistic_dir / "01.01.2020.qml.txt").write_text("no day file\n")
    drive.write(200)

    def is_dead() -> bool:
        drive.write(3)  # days change, so that they are written and loaded again
        time.sleep(0.1)
        return site.processes[name].exit_code is not None

    wait_until(is_dead, PATIENCE, f"passing {point}")
    assert site.processes[name].exit_code == -signal.SIGKILL
    drive.write(50)
    site.start(name)
    drive.assert_right()
