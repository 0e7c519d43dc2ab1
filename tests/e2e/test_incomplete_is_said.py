"""What could not be read or understood is said where people look, and by exit codes."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 240.0
#: What rsyslog writes with ISO stamps, which none of the formats is.
STRANGE = b"2026-11-22T12:00:00.100000+00:00 mail1 qmail: 1795348800.100000 new msg 53\n"


def traffic(count: int) -> bytes:
    lines = (
        f"Nov 22 12:00:00 mail1 in[1]: {1795348800 + n}|bob@example.net|info@shop.example|1024|"
        "success\n"
        for n in range(count)
    )
    return "".join(lines).encode()


def run(*arguments: object, module: str = "mailtally") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def findings(data: Path) -> dict[str, str]:
    """Level by check, of all that is not fine."""
    found = json.loads(run("doctor", "--data", data, "--format", "json").stdout)["findings"]
    return {each["check"].split()[0]: each["level"] for each in found if each["level"] != "ok"}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def test_a_log_of_which_every_line_is_malformed_is_no_success(
    logs: Path, tmp_path: Path, redis_program: Path
) -> None:
    assert redis_program
    (logs / "maillog").write_bytes(STRANGE * 20)
    analyzed = run("analyze", logs / "maillog", "--out", tmp_path / "out")
    assert (analyzed.returncode, "All 20 lines are malformed" in analyzed.stderr) == (1, True)
    data = tmp_path / "data"
    counted = run("up", "--logs", logs / "maillog*", "--data", data, "--once")
    assert (counted.returncode, "malformed (bad-date 20)" in counted.stderr) == (1, True)
    assert findings(data) == {"lines": "FAILED"}
    assert run("doctor", "--data", data).returncode == 1


def test_a_day_with_a_damaged_log_is_not_complete_and_every_command_says_so(
    logs: Path, tmp_path: Path, redis_program: Path
) -> None:
    assert redis_program
    damaged = logs / "stats.1.gz"
    damaged.write_bytes(gzip.compress(traffic(2000), 1)[:3000])
    (logs / "stats").write_bytes(traffic(3))
    analyzed = run("analyze", damaged, "--out", tmp_path / "out")
    assert (analyzed.returncode, "Incomplete: " in analyzed.stderr) == (1, True)
    (manifest,) = (tmp_path / "out").glob("*.json")
    data = tmp_path / "data"
    counted = run("up", "--logs", logs / "stats*", "--data", data, "--once")
    assert (counted.returncode, str(damaged) in counted.stderr) == (1, True)
    (loaded,) = (data / "statistic" / "loaded").glob("*.json")
    for written in (json.loads(path.read_text("utf-8")) for path in (manifest, loaded)):
        assert written["complete"] is False
        assert str(damaged) in written["incomplete"][0]["reason"]
    assert findings(data) == {"logs": "FAILED"}
    reported = run("report", "--data", data)
    assert "Incomplete: logs could not be read" in reported.stdout
    assert "total" in reported.stdout


def test_a_stopped_log_is_said_and_the_command_named_makes_it_right(
    logs: Path, tmp_path: Path, redis_program: Path
) -> None:
    assert redis_program
    log, data = logs / "stats", tmp_path / "data"
    log.write_bytes(traffic(500))
    assert run("up", "--logs", logs / "stats*", "--data", data, "--once").returncode == 0
    new = traffic(2000).splitlines(keepends=True)[1000:]
    log.write_bytes(traffic(20) + b"".join(new))
    counted = run("up", "--logs", logs / "stats*", "--data", data, "--once")
    assert (counted.returncode, f"{log} is stopped: " in counted.stderr) == (1, True)
    # How far the host is read cannot be said as long as one of its logs is not.
    assert findings(data) == {"collector": "warning", "logs": "FAILED"}
    (command,) = re.findall(r"with: mailtally-collector (settle .*)", counted.stderr)
    settled = run(*shlex.split(command), "--from-line", "21", module="mailtally_collector")
    assert settled.returncode == 0, settled.stderr
    counted = run("up", "--logs", logs / "stats*", "--data", data, "--once")
    assert (counted.returncode, "Counted 1,500 lines" in counted.stderr) == (0, True)
    assert findings(data) == {}


def test_a_copy_that_goes_on_differently_is_not_analyzed_in_silence(
    logs: Path, tmp_path: Path
) -> None:
    (logs / "stats").write_bytes(traffic(500))
    other = logs / "stats.edited"
    other.write_bytes(traffic(300) + traffic(900)[-9000:])
    analyzed = run("analyze", *sorted(logs.glob("stats*")), "--out", tmp_path / "out")
    assert (analyzed.returncode, f"{other} is stopped: " in analyzed.stderr) == (1, True)
    assert "settle" not in analyzed.stderr


def test_a_glob_that_matches_nothing_is_no_success(tmp_path: Path, redis_program: Path) -> None:
    assert redis_program
    data = tmp_path / "data"
    counted = run("up", "--logs", tmp_path / "none*", "--data", data, "--once")
    assert (counted.returncode, "No file matches" in counted.stderr) == (1, True)
    assert findings(data) == {"globs": "warning"}
    reported = run("report", "--data", data)
    assert "No data for these days" in reported.stdout


def test_a_site_of_which_everything_was_read_has_no_alarm(
    logs: Path, tmp_path: Path, redis_program: Path
) -> None:
    assert redis_program
    (logs / "stats").write_bytes(traffic(30) + b"torn\n")
    data = tmp_path / "data"
    assert run("up", "--logs", logs / "stats*", "--data", data, "--once").returncode == 0
    assert findings(data) == {}
    assert "Incomplete" not in run("report", "--data", data).stdout


def test_up_follows_the_logs_and_uses_the_directory_that_the_settings_name(
    logs: Path, tmp_path: Path, redis_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert redis_program
    (logs / "stats,1").write_bytes(traffic(7))
    config = tmp_path / "mailtally.toml"
    config.write_text(f'logs = ["{logs}/stats*"]\ntimezone = "Europe/Berlin"\n')
    monkeypatch.setenv("MAILTALLY_CONFIG", str(config))
    monkeypatch.setenv("MAILTALLY_DATA_DIR", str(tmp_path / "data"))
    counted = run("up", "--once")
    assert counted.returncode == 0, counted.stderr
    assert "Counted 7 lines: 7 records" in counted.stderr
    (day,) = (tmp_path / "data/statistic/loaded").glob("*.json*")
    text = gzip.decompress(day.read_bytes()) if day.suffix == ".gz" else day.read_bytes()
    assert b"Europe/Berlin" in text
