"""Clocks that step, on any host, both ways: reading, sending and counting go on within seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.drive import AGGREGATOR, COLLECTOR

if TYPE_CHECKING:
    from tests.faults.drive import Drive

DAYS = 86_400.0
STEPS = (-400 * DAYS, -3600.0, -300.0, 300.0, 3600.0, 400 * DAYS)
#: Seconds that counting may take on a busy machine; far less than any step.
SOON = 60.0


def count_some(drive: Drive) -> None:
    began = time.monotonic()
    drive.write(50)
    drive.await_counted()
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("host", [COLLECTOR, AGGREGATOR, "redis"])
def test_a_clock_that_steps_while_all_is_at_work_holds_no_line_up(drive: Drive, host: str) -> None:
    drive.start()
    count_some(drive)
    for step in STEPS:
        drive.site.shift_clock(host, step)
        count_some(drive)
        drive.site.shift_clock(host, 0.0)  # and right again
        count_some(drive)
    drive.assert_right()


@pytest.mark.parametrize("step", [-400 * DAYS, 400 * DAYS])
def test_a_collector_that_starts_with_a_wrong_clock_reads_on_when_it_is_mended(
    drive: Drive, step: float
) -> None:
    drive.site.shift_clock(COLLECTOR, step)
    drive.start()
    count_some(drive)
    drive.site.shift_clock(COLLECTOR, 0.0)
    count_some(drive)
    drive.site.kill(COLLECTOR)
    drive.start(COLLECTOR)
    count_some(drive)
    drive.assert_right()
