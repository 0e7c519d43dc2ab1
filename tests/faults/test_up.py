"""``mailtally up`` that is killed, hung up or loses its Redis: no orphans, and counting goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from mailtally.local.children import LOCK, PIDS
from mailtally.local.orphaned_processes import await_services, note_process, try_lock
from mailtally_shared.errors import Refused
from mailtally_shared.runtime.lifecycle import VARIABLE, Stop, stop_with_parent
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.untrusted import collectors
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailtally_shared.state.client import State

NOON = int(time.time()) // 86_400 * 86_400 - 43_200


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A directory with a log of ten lines; whatever still runs in it at the end is ended."""
    write(tmp_path, 10)
    yield tmp_path
    for process in psutil.process_iter(["environ"]):
        with suppress(psutil.Error):
            if str(tmp_path) in " ".join(process.cmdline()) or str(tmp_path) in str(
                process.environ()
            ):
                process.kill()


def write(site: Path, lines: int) -> None:
    with (site / "stats").open("a") as log:
        log.writelines(
            f"Nov 22 12:00:00 mail1 in[{k}]: {NOON + k}|b@b.example|a@a.example|1|success\n"
            for k in range(lines)
        )


def start(site: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mailtally", "up", "--logs", str(site / "stats")]
    with (site / "up.out").open("ab") as out:
        return subprocess.Popen(
            [*command, "--data", str(site / "d"), *options], stdout=out, stderr=out
        )


def asked(site: Path, question: Callable[[State], int]) -> int:
    """What a site's Redis answers, -1 while it is away."""
    socket = site / "d/redis/redis.sock"
    if not socket.exists():
        home = site / "d/redis/socket"
        socket = home.resolve() / "redis.sock"
    try:
        with connect_state(f"unix://{socket}?db=0") as state:
            return question(state)
    except Exception:  # noqa: BLE001 - away in any way
        return -1


def counted(site: Path) -> int:
    """Records of the site's ledgers, -1 while its Redis is away."""
    keys = StateKeys()

    def records(state: State) -> int:
        found = (state.hget(keys.ledger(each), "records") for each in collectors(state, keys))
        return sum(int(number or 0) for number in found)

    return asked(site, records)


def retired(site: Path) -> int:
    """Days that have left the site's Redis."""
    return asked(site, lambda state: state.hlen(StateKeys().pinned))


def billed(site: Path) -> tuple[int, int]:
    """The revision and the messages of the one day in the archive."""
    (manifest,) = (site / "d/statistic/loaded").glob("??.??.????.qml.json")
    found = json.loads(manifest.read_text())
    return int(found["revision"]), int(found["total_messages"])


def below(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return found


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_an_up_that_ends_in_any_way_leaves_no_process_and_the_next_one_counts_on(
    site: Path, number: signal.Signals
) -> None:
    up = start(site)
    wait_until(lambda: counted(site) == 10, timeout=90)
    children = below(up)
    assert len(children) >= 4
    up.send_signal(number)
    up.wait(60)
    write(site, 5)
    again = start(site, "--once")
    assert again.wait(120) == 0
    assert "Counted 15 lines: 15 records" in (site / "up.out").read_text()
    assert are_gone(children)


def test_a_second_up_once_restates_its_day_without_waiting_for_more_lines(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__RESTATE_AFTER", "10m")
    assert start(site, "--once").wait(120) == 0
    write(site, 5)
    assert start(site, "--once").wait(120) == 0
    assert "Counted 15 lines: 15 records" in (site / "up.out").read_text()
    assert billed(site) == (2, 15)


def test_an_up_once_bills_late_lines_of_a_day_that_has_left_redis(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__RESTATE_AFTER", "10m")
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__RETENTION", "1s")
    assert start(site, "--once").wait(120) == 0
    up = start(site)
    wait_until(lambda: counted(site) == 10 and retired(site) == 1, timeout=90)
    up.terminate()
    assert up.wait(60) == 0
    write(site, 5)
    assert start(site, "--once").wait(120) == 0
    assert billed(site) == (2, 15)


def test_an_up_once_ends_with_what_the_doctor_finds(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__CHARGED_STATUSES", "sucess")
    monkeypatch.setenv("MAILTALLY_CHARGED_STATUSES", "success")
    assert start(site, "--once").wait(120) == 0
    said = (site / "up.out").read_text()
    assert "Warning: MAILTALLY_CHARGED_STATUSES is set, but there is no such setting" in said
    assert "'sucess'" in said
    assert "It bills nothing." in said


def test_an_up_once_ends_with_an_error_where_the_database_went_back(site: Path) -> None:
    assert start(site, "--once").wait(120) == 0
    (site / "d/mailtally.sqlite").unlink()
    assert start(site, "--once").wait(120) == 1
    said = (site / "up.out").read_text()
    assert "Incomplete: " in said
    assert "the database lacks" in said


def test_an_up_once_ends_with_an_error_where_a_day_needs_a_person(site: Path) -> None:
    assert start(site, "--once").wait(120) == 0
    (breakdown,) = (site / "d/statistic/loaded").glob("*.qml.csv.gz")
    breakdown.write_bytes(b"damaged")
    write(site, 5)
    assert start(site, "--once").wait(120) == 1
    said = (site / "up.out").read_text()
    assert f"is not written: {breakdown}, a file of" in said
    assert "mailtally rebuild --day" in said


def test_a_redis_that_dies_under_up_is_started_again_and_nothing_is_lost(site: Path) -> None:
    up = start(site)
    wait_until(lambda: counted(site) == 10, timeout=90)
    server = next(one for one in below(up) if "redis" in one.name() or "valkey" in one.name())
    server.kill()
    write(site, 5)
    wait_until(lambda: counted(site) == 15, timeout=60)
    up.terminate()
    assert up.wait(60) == 0


def test_a_second_up_is_refused_with_the_process_that_works_there(site: Path) -> None:
    up = start(site)
    wait_until(lambda: counted(site) >= 0, timeout=60)
    second = start(site)
    assert second.wait(30) == 1
    assert f"(process {up.pid})" in (site / "up.out").read_text()
    up.terminate()
    assert up.wait(60) == 0


def test_services_that_do_not_end_are_named_by_their_process_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailtally.local.orphaned_processes._PATIENCE", 0.1)
    held = try_lock(tmp_path / LOCK)
    assert held is not None
    note_process(tmp_path / PIDS, os.getpid())
    with pytest.raises(Refused, match=str(os.getpid())):
        await_services(tmp_path / LOCK, tmp_path / PIDS)
    os.close(held)
    os.close(await_services(tmp_path / LOCK, tmp_path / PIDS))


def test_a_service_without_a_parent_of_ours_does_not_end_with_its_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with Stop() as stop:
        stop_with_parent(stop)
        assert not stop.wait(0.05)
