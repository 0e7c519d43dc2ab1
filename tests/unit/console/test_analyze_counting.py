"""Counting logs without services: chunks are merged together, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally.commands import analyze_counting as counting
from mailtally.commands.analyze_counting import Counted, count_logs
from mailtally_shared.calendar import Calendar
from mailtally_shared.errors import Refused
from mailtally_shared.state.commit.request import Caps

if TYPE_CHECKING:
    from pathlib import Path

LINE = b"Jun 20 18:20:14 mail.example.com in[16723]: 1119280814|a@b.example|c@d%d.example|%d|ok\n"
HUGE = 2**53 - 1


def counted(log: Path) -> Counted:
    return count_logs([log], calendar=Calendar(ZoneInfo("UTC")), caps=Caps(), charged_name=str)


def sums(counted: Counted) -> dict[str, tuple[int, int]]:
    (day,) = counted.accounts.days()
    return {row.domain: (row.messages, row.bytes) for row in counted.accounts.rows(day)}


@pytest.mark.parametrize("together", [1, 70, 1_000_000])
def test_sums_do_not_depend_on_what_is_merged_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(counting, "CHUNK", 4096)
    monkeypatch.setattr(counting, "_TOGETHER", together)
    log = tmp_path / "stats"
    log.write_bytes(b"".join(LINE % (i % 7, i) for i in range(1000)) + b"no line\n")
    found = counted(log)
    assert (found.lines, found.records, found.malformed) == (1001, 1000, {"bad-date": 1})
    expected = {f"d{k}.example": (len(range(k, 1000, 7)), sum(range(k, 1000, 7))) for k in range(7)}
    assert sums(found) == expected


def test_sums_near_the_limit_are_counted_in_smaller_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together the chunks would not fit 63 bits in one merge; one by one they do."""
    monkeypatch.setattr(counting, "CHUNK", 65_536)
    line = (LINE % (1, HUGE)).replace(b"a@", b"a" * 300 + b"@")
    log = tmp_path / "stats"
    log.write_bytes(line * 900)
    assert sums(counted(log)) == {"d1.example": (900, 900 * HUGE)}


def test_sizes_that_cannot_be_added_up_are_refused(tmp_path: Path) -> None:
    log = tmp_path / "stats"
    log.write_bytes(LINE % (1, HUGE) * 1100)
    with pytest.raises(Refused, match="more than 2\\^63"):
        counted(log)
