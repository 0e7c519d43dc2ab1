"""What ``analyze``, ``rebuild`` and ``statistics`` make of logs that are damaged or are none."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from click.testing import CliRunner, Result

from mailtally.commands.analyze import analyze
from mailtally.commands.rebuild import rebuild
from mailtally_collector.statistics.command import statistics
from mailtally_shared.days import DayNames
from tests.support.cluster import log_line
from tests.support.records import NOON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = DayNames.of(date(2026, 2, 16))
PACKERS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
packers = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
LINES = [log_line(NOON + n, "a@example.com", n * n * n, "mail1.example.com") for n in range(40_000)]


def counted(tmp_path: Path, *logs: Path) -> tuple[Result, dict[str, Any]]:
    """The outcome of ``analyze``, and the day's manifest."""
    out = tmp_path / "out"
    result = CliRunner().invoke(analyze, ["--out", str(out), *map(str, logs)])
    manifest = out / NAMES.manifest
    return result, json.loads(manifest.read_text()) if manifest.exists() else {}


def damaged(tmp_path: Path, pack: Callable[[bytes], bytes]) -> Path:
    packed = pack(b"".join(LINES))
    log = tmp_path / "stats.1"
    log.write_bytes(packed[: len(packed) * 9 // 10])
    return log


@packers
def test_a_log_that_is_cut_short_makes_its_days_incomplete(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    result, manifest = counted(tmp_path, damaged(tmp_path, pack))
    assert result.exit_code == 1
    assert "stats.1 cannot be read" in result.output
    assert "cut short" in result.output
    assert manifest["complete"] is False
    assert "cut short" in manifest["incomplete"][0]["reason"]
    assert 0 < manifest["total_messages"] < len(LINES)


@packers
def test_statistics_of_a_log_that_is_cut_short_fail(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    log = damaged(tmp_path, pack)
    result = CliRunner().invoke(statistics, ["--format", "json", str(log)])
    assert result.exit_code == 1
    assert "cut short" in result.output


@packers
def test_a_compressed_log_is_complete_under_any_name(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    log = tmp_path / "@400000006b02e24c05f5e100.s"
    log.write_bytes(pack(b"".join(LINES[:500])) + pack(b"".join(LINES[500:1000])) + bytes(512))
    result, manifest = counted(tmp_path, log)
    assert (result.exit_code, manifest["complete"]) == (0, True)
    assert manifest["total_messages"] == 1000
    shown = CliRunner().invoke(statistics, ["--format", "json", str(log)])
    assert json.loads(shown.stdout)["lines"] == 1000


def test_a_rebuild_from_a_damaged_log_is_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILTALLY_STATISTIC_DIR", str(tmp_path / "statistic"))
    log = damaged(tmp_path, gzip.compress)
    command = ["--day", "2026-02-16", "--even-if-live", "--data", str(tmp_path), "--logs", str(log)]
    result = CliRunner().invoke(rebuild, command)
    assert result.exit_code == 1, result.output
    assert "Incomplete: " in result.output
    [path] = tmp_path.rglob(NAMES.manifest)
    assert json.loads(path.read_text())["complete"] is False


def test_of_a_directory_all_files_are_analyzed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "stats").write_bytes(b"".join(LINES[:2]))
    (tmp_path / "logs" / "stats.1").write_bytes(b"".join(LINES[2:3]))
    result, manifest = counted(tmp_path / "days", tmp_path / "logs")
    assert (result.exit_code, manifest["total_messages"]) == (0, 3)


def test_what_is_no_log_fails_and_hangs_nothing(tmp_path: Path) -> None:
    good, pipe = tmp_path / "stats", tmp_path / "pipe"
    good.write_bytes(b"".join(LINES[:3]))
    os.mkfifo(pipe)
    (tmp_path / "directory").mkdir()
    for other in (pipe, tmp_path / "directory"):
        result, manifest = counted(tmp_path / f"from-{other.name}", good, other)
        assert result.exit_code == 1
        assert str(other) in result.output
        assert manifest["complete"] is False
        assert manifest["total_messages"] == 3
    shown = CliRunner().invoke(statistics, [str(good), str(pipe), str(tmp_path / "directory")])
    assert shown.exit_code == 1
    assert "it is a directory" in shown.output


def test_a_compression_that_is_not_read_fails(tmp_path: Path) -> None:
    log = tmp_path / "stats.1.gz"
    log.write_bytes(b"\x1f\x9d\x90" + b"".join(LINES[:3]))
    result, _ = counted(tmp_path, log)
    assert result.exit_code == 1
    assert "compress" in result.output
    shown = CliRunner().invoke(statistics, [str(log)])
    assert shown.exit_code == 1


def test_nuls_in_front_of_lines_are_skipped_and_told(tmp_path: Path) -> None:
    log = tmp_path / "stats"
    log.write_bytes(bytes(9_000_000) + LINES[0] + bytes(70_000) + LINES[1] + b"x\0" + LINES[2])
    result, manifest = counted(tmp_path, log)
    assert result.exit_code == 0, result.output
    assert manifest["total_messages"] == 2
    assert "Skipped 9070000 NUL bytes" in result.output
    shown = json.loads(CliRunner().invoke(statistics, ["--format", "json", str(log)]).stdout)
    assert (shown["lines"], shown["records"]) == (3, 2)
