"""The watcher sleeps until something happens to the logs."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from mailtally_collector.watch import POLL, Change, Watcher
from mailtally_shared.runtime.lifecycle import Stop
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = 30.0  # seconds; a wait that is not ended fails the test
kernel_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel tells")


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    (tmp_path / "stats").write_bytes(b"")
    with Watcher([str(tmp_path / "stats*")]) as one:
        yield one


@kernel_only
def test_a_written_line_ends_the_wait(watcher: Watcher, tmp_path: Path) -> None:
    with (tmp_path / "stats").open("ab") as file:
        file.write(b"1\n")
    assert watcher.wait(LONG) == Change.CONTENT


@kernel_only
def test_a_rotation_ends_the_wait(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "stats").rename(tmp_path / "stats.1")
    assert watcher.wait(LONG) & Change.NAMES


@kernel_only
def test_without_a_change_the_time_passes(watcher: Watcher) -> None:
    assert watcher.wait(0.01) == Change.NOTHING


@kernel_only
def test_an_idle_watcher_takes_no_processor_time(watcher: Watcher) -> None:
    before = time.thread_time()
    assert watcher.wait(2 * POLL) == Change.NOTHING
    assert time.thread_time() - before < POLL / 10


def test_another_thread_can_end_the_wait(watcher: Watcher) -> None:
    thread = threading.Thread(target=watcher.wake)
    thread.start()
    assert watcher.wait(LONG) == Change.NOTHING
    thread.join()


def test_many_calls_to_wake_do_not_block(watcher: Watcher) -> None:
    for _ in range(100_000):
        watcher.wake()
    wait_until(lambda: watcher.wait(0.0) == Change.NOTHING)


def test_a_request_to_stop_ends_the_wait(tmp_path: Path) -> None:
    with Stop() as stop, Watcher([str(tmp_path / "stats*")], stop) as watcher:
        stop.request()
        assert watcher.wait(LONG) == Change.NOTHING


def test_a_directory_that_appears_is_noticed(tmp_path: Path) -> None:
    with Watcher([str(tmp_path / "later" / "stats*")]) as watcher:
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "stats").write_bytes(b"1\n")
        assert watcher.wait(LONG) & Change.NAMES


@kernel_only
def test_a_directory_in_another_ones_place_is_watched(watcher: Watcher, tmp_path: Path) -> None:
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    assert watcher.wait(LONG) & Change.NAMES
    tmp_path.mkdir()
    wait_until(lambda: watcher.wait(0.1) == Change.NOTHING)
    (tmp_path / "stats").write_bytes(b"1\n")
    assert watcher.wait(LONG) & Change.NAMES
