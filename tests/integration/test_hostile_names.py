"""Names of files, hosts, domains and statuses, and values of settings, as an attacker chooses them.

Nothing of it reaches a terminal, a cell, a JSON document, a metric or a log as it is.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.cluster import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = "2026-02-16"
NOON = 1_771_243_200
#: Escapes, a line break, a change of the writing direction, a formula, a tab, a C1 control, a BEL.
NAMES = ("\x1b[2J", "a\nINFO all is well", "\u202efdp.", "=cmd|' /C calc'!A0", "@SUM(1)", "+1",
         "-1", "\tx", "\x9b31m", "\x07", "\x7f", "\u2028", "\u200b")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines() -> Iterator[str]:
    """Yield a good line, and one for each name in each place that a name may have."""
    good = "Feb 16 12:00:00 mail1 in[1]: {time}|a@example.org|b@{domain}|10|{status}\n"
    yield good.format(time=NOON, domain="example.com", status="success")
    for name in NAMES:
        yield good.format(time=NOON, domain=name, status="success")
        yield good.format(time=NOON, domain="example.com", status=name)
        yield good.format(time=NOON, domain="example.com", status="success").replace("mail1", name)
        yield good.format(time=NOON, domain="example.com", status="success").replace("in[", name)
        yield f"Feb 16 12:00:00 mail1 {name}\n"
        yield f"{name}\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Make a directory of logs whose names are hostile, as their lines are."""
    directory = tmp_path / "logs\x1b[31m\u202e"
    directory.mkdir()
    for number, name in enumerate(NAMES):
        content = f"first of {number}\n" + "".join(lines())
        (directory / f"stats{name.replace('/', '_')}").write_text(content, "utf-8")
        (directory / f"{name.replace('/', '_')}.stats").write_bytes(b"\x1f\x8b\x08 no gzip \x1b[2J")
        (directory / f"pipe{name.replace('/', '_')}.stats").mkdir()
    return directory


def check_shown(text: str) -> None:
    for line in text.split("\n"):
        assert line.isprintable(), line


def check_files(directory: Path) -> None:
    """Check what was written: no text holds what a terminal takes for more.

    The breakdown has unknown statuses as they were logged, whatever a spreadsheet takes them for.
    """
    found = [path for path in directory.rglob("*") if path.suffix in {".txt", ".csv", ".json"}]
    assert found
    for path in found:
        check_shown(path.read_text("utf-8"))


def check_cells(text: str) -> None:
    for row in csv.reader(text.splitlines()):
        assert not any(cell.startswith(FORMULA) for cell in row), row


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("more", [(), ("-v",)], ids=["short", "verbose"])
def test_statistics(logs: Path, form: str, more: tuple[str, ...]) -> None:
    shown = command("mailtally", "statistics", "--format", form, *more, f"{logs}/*", settings={})
    check_shown(shown.stdout + shown.stderr)
    if form == "json" and shown.stdout:
        json.loads(shown.stdout)
    if form == "csv":
        check_cells(shown.stdout)


def test_analyze_and_rebuild(logs: Path, tmp_path: Path) -> None:
    files = [str(path) for path in sorted(logs.iterdir()) if path.is_file()]
    shown = command("mailtally", "analyze", "--out", str(tmp_path / "out"), *files, settings={})
    check_shown(shown.stdout + shown.stderr)
    check_files(tmp_path / "out")
    rebuilt = command(
        *("mailtally", "rebuild", "--day", DAY, "--logs", f"{logs}/*", "--even-if-live"),
        *("--data", str(tmp_path / "data")),
        settings={},
    )
    check_shown(rebuilt.stdout + rebuilt.stderr)


@pytest.mark.timeout(300)
def test_up(logs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shown = command(
        *("mailtally", "up", "--once", "--logs", f"{logs}/*", "--data", str(data)),
        settings={"MAILTALLY_COLLECTOR__HOST": "mail1"},
    )
    check_shown(shown.stdout + shown.stderr)
    check_files(data)
    for log in data.rglob("*.log"):
        check_shown(log.read_text("utf-8"))
    doctor = command("mailtally", "doctor", "--data", str(data), settings={})
    check_shown(doctor.stdout + doctor.stderr)


SETTINGS = (
    *("MAILTALLY_TIMEZONE", "MAILTALLY_STATE_URL", "MAILTALLY_BROKER_URL", "MAILTALLY_DATA_DIR"),
    *("MAILTALLY_DATABASE_URL", "MAILTALLY_LOGS", "MAILTALLY_LOG_LEVEL"),
    "MAILTALLY_COLLECTOR__HOST",
    *("MAILTALLY_AGGREGATOR__CHARGED_STATUSES", "MAILTALLY_AGGREGATOR__EXPECTED_HOSTS"),
    *("MAILTALLY_AGGREGATOR__MAX_NAMES", "MAILTALLY_AGGREGATOR__HOSTED_DOMAINS", "MAILTALLY_X"),
)  # fmt: skip


@pytest.mark.parametrize("service", ["mailtally_collector", "mailtally_aggregator"])
def test_wrong_settings(service: str, tmp_path: Path) -> None:
    for name in ("\x1b[2J\nINFO fine", "\u202efdp.", "redis://\x1b[2J:x@h\u202e/0"):
        settings = {"MAILTALLY_DATA_DIR": str(tmp_path)} | dict.fromkeys(SETTINGS, name)
        shown = command(service, "check", settings=settings)
        assert shown.returncode
        check_shown(shown.stdout + shown.stderr)


@pytest.mark.parametrize("service", ["mailtally_collector", "mailtally_aggregator"])
def test_wrong_settings_in_a_file(service: str, tmp_path: Path) -> None:
    file = tmp_path / "mailtally\x1b[2J.toml"
    file.write_text(
        '"\\u001b[2J\\u202e" = 1\ntimezone = "\\u001b[2J\\nINFO fine"\n'
        '[aggregator]\n"=x\\u0007" = "\\u202e"\nmax_names = "\\u001b"\n'
        '[collector]\nhost = "\\u001b[2J"\n'
    )
    shown = command(service, "check", "--config", str(file), settings={})
    assert shown.returncode
    check_shown(shown.stdout + shown.stderr)
    file.write_text('x = "\x1b[2J\x07"\n')
    shown = command(service, "check", "--config", str(file), settings={})
    assert shown.returncode
    check_shown(shown.stdout + shown.stderr)
