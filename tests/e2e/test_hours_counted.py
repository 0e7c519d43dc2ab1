"""Hours through days on which the clock is changed: every store has what a plain count has."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, select

from mailtally_shared.billing.tables import HOURLY
from tests.support.archives import archived
from tests.support.hours_by_row import clock_hours

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

PATIENCE = 240.0
#: A zone, and a moment at which its clock is changed.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 2, 16, tzinfo=UTC)),
]
Lines = list[tuple[str, ...]]
_COLUMNS = ("day", "domain", "hour", "service", "messages", "bytes", "transferred")


def line(second: int, domain: str, service: str, size: int, attempts: int) -> str:
    """A line of the traffic log, as the manual shows it."""
    addresses = {
        "smtp-in": ("in", "bob@example.net", f"info@{domain}"),
        "smtp-out": ("out", f"info@{domain}", "bob@example.net"),
        "pop3": ("out", "", f"pop3@info@{domain}"),
        "imap": ("out", "", f"imap@info@{domain}"),
    }
    kind, sender, recipient = addresses[service]
    end = f"|{attempts}" if attempts > 1 else ""
    record = f"{second}|{sender}|{recipient}|{size}|success{end}"
    return f"Jun 20 18:20:14 mail.example.com {kind}[16723]: {record}\n"


@pytest.fixture(params=CHANGES, ids=lambda each: f"{each[0]} {each[1]:%Y-%m-%d}")
def counted(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[date, Lines]:
    """A log of a day and a half around the change, and what a plain count makes of it."""
    name, change = request.param
    monkeypatch.setenv("MAILTALLY_TIMEZONE", name)
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__WRITTEN_AT", "1771500000")
    chance = random.Random(name)
    first = int((change - timedelta(hours=18)).timestamp())
    near = int((change - timedelta(hours=2)).timestamp())
    seconds = [first + chance.randrange(36 * 3600) for _ in range(150)]
    seconds += [near + chance.randrange(4 * 3600) for _ in range(150)]
    records = [
        (
            second,
            chance.choice(["a.example", "b.example", "c.example"]),
            chance.choice(["smtp-in", "smtp-out", "pop3", "imap"]),
            chance.randrange(10_000),
            chance.choice([1, 1, 1, 3]),
        )
        for second in sorted(seconds)
    ]
    (tmp_path / "stats").write_text("".join(line(*record) for record in records))
    return clock_hours(records, ZoneInfo(name))


def run(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mailtally", *map(str, arguments)],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout


def hours_in(files: dict[str, bytes]) -> dict[str, Lines]:
    """The lines of each file of hours, by the standard library's reader."""
    return {
        name: [tuple(row) for row in csv.reader(io.StringIO(content.decode()))][1:]
        for name, content in files.items()
        if name.endswith(".qml.hours.csv")
    }


def in_database(url: str, zone: ZoneInfo) -> dict[str, Lines]:
    """The rows of the table, in the order and the spelling of the files."""
    engine = create_engine(url)
    columns = (HOURLY.c[name] for name in _COLUMNS)
    with engine.connect() as connection:
        rows = sorted(connection.execute(select(*columns)).all())
    engine.dispose()
    days: dict[str, Lines] = {}
    for day, domain, hour, service, *counts in rows:
        cells = (domain, hour.astimezone(zone).isoformat(), service, *map(str, counts))
        days.setdefault(str(day), []).append(cells)
    return days


def test_files_database_and_reports_have_the_hours_that_a_clock_showed(
    counted: dict[date, Lines], tmp_path: Path
) -> None:
    zone = ZoneInfo(os.environ["MAILTALLY_TIMEZONE"])
    by_file = {f"{day:%d.%m.%Y}.qml.hours.csv": lines for day, lines in counted.items()}
    by_day = {day.isoformat(): lines for day, lines in counted.items()}

    run("analyze", tmp_path / "stats", "--out", tmp_path / "out")
    analyzed = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.qml.*")}
    assert hours_in(analyzed) == by_file

    run("up", "--logs", tmp_path / "stats", "--data", tmp_path / "data", "--once")
    written = archived(tmp_path / "data" / "statistic" / "loaded")
    assert hours_in(written) == by_file
    same = {name: content for name, content in analyzed.items() if name.endswith(".hours.csv")}
    assert same.items() <= written.items()
    assert in_database(f"sqlite:///{tmp_path}/data/mailtally.sqlite", zone) == by_day

    run("doctor", "--deep", "--data", tmp_path / "data")
    asked = ("report", "--by", "domain,hour,service", "--data", tmp_path / "data")
    shown = [
        (row["domain"], row["hour"], row["service"], *_counts(row))
        for row in json.loads(run(*asked, "--format", "json"))["rows"]
    ]
    assert sorted(shown) == sorted(cells for lines in counted.values() for cells in lines)


def _counts(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("messages", "bytes", "transferred"))
