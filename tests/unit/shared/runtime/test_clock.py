"""A process waits by steady time, whatever its machine's clock does, and states wall-clock time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailtally_collector.tail.absence import still_missed
from mailtally_collector.tail.positions import Position
from mailtally_shared.runtime.clock import VARIABLE, Clock

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 86_400.0


@pytest.mark.parametrize("step", [-400 * DAYS, -3600.0, -120.0, 120.0, 3600.0, 400 * DAYS])
def test_steady_time_does_not_step_and_what_is_stated_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    shift = tmp_path / "shift"
    monkeypatch.setenv(VARIABLE, str(shift))
    clock = Clock()
    before = clock.steady()
    shift.write_text(str(step))
    assert 0 <= clock.steady() - before < 60
    assert abs(clock.stated(before) - before - step) < 60
    assert abs(clock.wall() - clock.steady() - step) < 60


def position(gone: float | None) -> Position:
    return Position("key", "/log", 1, 2, offset=10, gone=gone)


@pytest.mark.parametrize("now", [5.0, 1000.0, 400 * DAYS])
def test_a_start_with_a_wrong_clock_forgets_no_file_and_keeps_none_for_ever(now: float) -> None:
    found = still_missed([position(700.0), position(None), position(1000.0)], now)
    assert [each.gone for each in found] == [now - 300.0, None, now]
