"""``analyze`` counts qmail's logs, rotated, in either of their clothes, beside stats logs."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally.commands import analyze_counting as counting
from mailtally.samples.sample_logs import write_log
from mailtally_shared.calendar import Calendar
from mailtally_shared.schema import Service
from mailtally_shared.state.commit.request import Caps
from tests.support.logs import BEGIN, DAY
from tools.samples.maillogs import HOST, Run, label_of, play

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally.samples.sample_logs import Truth

Sums = dict[tuple[str, str, str, str], tuple[int, int, int]]


@pytest.fixture
def run() -> Run:
    return play(400, start=BEGIN, seed=21, every=300.0)


def expected(truth: Truth) -> Sums:
    """Messages, bytes and bytes transferred by domain, host, service and status, day for day."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    sizes, transferred = sums.copy(), sums.copy()
    for k in range(len(truth.time)):
        service = Service(int(truth.service[k])).label
        status, domain = truth.statuses[truth.status[k]], truth.domains[truth.domain[k]]
        key = (domain, truth.host, service, status)
        sums[key] += 1
        sizes[key] += int(truth.size[k])
        transferred[key] += int(truth.size[k] * truth.attempts[k])
    return {key: (sums[key], sizes[key], transferred[key]) for key in sums}


def counted(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> counting.Counted:
    monkeypatch.setattr(counting, "CHUNK", 70_000)  # so that deliveries reach from one to another
    return counting.count_logs(
        paths,
        calendar=Calendar(ZoneInfo("UTC")),
        caps=Caps(10**6, 200),
        charged_name=str,
        host=HOST,
    )


def sums_of(found: counting.Counted) -> Sums:
    sums: Sums = {}
    for day in found.accounts.days():
        for row in found.accounts.rows(day):
            key = (row.domain, row.host, row.service, row.status)
            before = sums.get(key, (0, 0, 0))
            sums[key] = (
                before[0] + row.messages,
                before[1] + row.bytes,
                before[2] + row.transferred,
            )
    return sums


def thirds(lines: list[bytes]) -> list[bytes]:
    third = len(lines) // 3
    return [b"".join(lines[k * third : (k + 1) * third if k < 2 else None]) for k in range(3)]


def test_a_rotated_syslog(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, older, newest = thirds(run.syslog())
    (tmp_path / "maillog.2.gz").write_bytes(gzip.compress(oldest))
    (tmp_path / "maillog.1").write_bytes(older)
    (tmp_path / "maillog").write_bytes(newest)
    found = counted(sorted(tmp_path.iterdir()), monkeypatch)
    assert (sums_of(found), found.malformed.total()) == (expected(run.truth), 0)
    assert found.records == len(run.truth.time) < found.passed


def test_a_directory_of_multilog_beside_a_stats_log(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, older, newest = thirds(run.multilog())
    for name, content in (
        (label_of(BEGIN * 1_000_000) + ".s", oldest),
        (label_of((BEGIN + DAY) * 1_000_000) + ".u", older),
        ("current", newest),
    ):
        (tmp_path / name).write_bytes(content)
    stats = write_log(
        tmp_path / "stats", host="m2", lines=5000, start=BEGIN, end=BEGIN + DAY, seed=1
    )
    found = counted(sorted(tmp_path.iterdir()), monkeypatch)
    assert {key: sums for key, sums in sums_of(found).items() if key[1] == HOST} == expected(
        run.truth
    )
    assert found.records == len(run.truth.time) + len(stats.time)
    assert not found.malformed
