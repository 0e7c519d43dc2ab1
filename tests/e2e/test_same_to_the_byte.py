"""The services, however they are run, write what ``mailtally analyze`` writes, to the byte."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from mailtally.local.children import Child, Children
from tests.support.archives import archived
from tests.support.logs import HOSTS, write_cluster_logs
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis

LINES = int(os.environ.get("MAILTALLY_TEST_LINES", "90000"))
#: Manifests state this time, so that they can be the same.
SETTINGS = {"MAILTALLY_AGGREGATOR__WRITTEN_AT": "1771500000"}
PATIENCE = 240.0


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mailtally", *map(str, arguments)],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("hosts")
    write_cluster_logs(directory, LINES)
    return directory


@pytest.fixture(scope="module")
def analyzed(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The day files that analyze writes, by name."""
    return analyze(logs, tmp_path_factory.mktemp("analyzed"))


def analyze(logs: Path, out: Path, *options: str) -> dict[str, bytes]:
    run("analyze", *sorted(logs.glob("*/stats*")), "--out", out, *options)
    files = {path.name: path.read_bytes() for path in sorted(out.glob("*.qml.*"))}
    kinds = ("txt", "csv", "hours.csv", "json")
    assert {f"{name[:10]}.qml.{kind}" for name in files for kind in kinds} == files.keys()
    return files


def billed(database_url: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """The daily rows of a database."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT day, domain, bytes, hits_all, hits_html FROM mail_traffic_daily")
        ).all()
    engine.dispose()
    return {(str(row[0]), row[1]): (int(row[2]), int(row[3]), int(row[4])) for row in rows}


def rows_of(files: dict[str, bytes]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """The same rows, out of the qml files, by the plainest reading there is."""
    rows = {}
    for name, content in files.items():
        if name.endswith(".qml.txt"):
            day = "-".join(reversed(name.split(".")[:3]))
            for line in content.decode("ascii").splitlines():
                _, domain, size, hits_all, hits_html, _ = line.split("|")
                rows[day, domain] = (int(Decimal(size) * 1024), int(hits_all), int(hits_html))
    return rows


@pytest.fixture(params=["on UTC", "off UTC", "on Asia/Kolkata", "off Asia/Kolkata"])
def travelling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records folded or one by one, by hours or by quarters of an hour."""
    fold, zone = request.param.split()
    monkeypatch.setenv("MAILTALLY_COLLECTOR__FOLD", fold)
    monkeypatch.setenv("MAILTALLY_TIMEZONE", zone)


@pytest.mark.usefixtures("travelling")
def test_up_once_writes_what_analyze_writes(
    logs: Path, tmp_path: Path, redis_program: Path
) -> None:
    assert redis_program
    data, out = tmp_path / "data", tmp_path / "analyzed"
    here = socket.gethostname().lower()  # all logs are read by this machine's collector
    analyzed = analyze(logs, out, "--collector", here)
    shown = run("up", "--logs", logs / "*" / "stats*", "--data", data, "--once", "--aggregators", 2)
    assert archived(data / "statistic" / "loaded") == analyzed
    assert billed(f"sqlite:///{data}/mailtally.sqlite") == rows_of(analyzed)
    assert str(data) in shown.stderr
    run("doctor", "--data", data)
    again = run("up", "--logs", logs / "*" / "stats*", "--data", data, "--once")
    assert "Counted" in again.stderr
    assert archived(data / "statistic" / "loaded") == analyzed


def test_separate_services_write_what_analyze_writes(
    logs: Path,
    analyzed: dict[str, bytes],
    tmp_path: Path,
    empty_redis: EmbeddedRedis,
    postgres_url: str,
) -> None:
    common = {
        **SETTINGS,
        "MAILTALLY_DATA_DIR": str(tmp_path),
        "MAILTALLY_BROKER_URL": empty_redis.broker_url,
        "MAILTALLY_DATABASE_URL": postgres_url,
        "MAILTALLY_AGGREGATOR__EXPECTED_HOSTS": ",".join(HOSTS),
    }
    loaded = tmp_path / "statistic" / "loaded"
    with Children(tmp_path / "log") as children:
        for number in range(3):
            children.start(Child(f"aggregator-{number}", ("mailtally_aggregator", "run"), common))
        children.start(Child("loader", ("mailtally_loader", "run"), common))
        collectors = [
            children.start(
                Child(
                    f"collector-{host}",
                    ("mailtally_collector", "run", "--once"),
                    {
                        **common,
                        "MAILTALLY_LOGS": str(logs / host / "stats*"),
                        "MAILTALLY_STATE_DIR": str(tmp_path / host),
                        "MAILTALLY_COLLECTOR__HOST": host,
                    },
                    lasting=False,
                )
            )
            for host in HOSTS
        ]
        wait_until(lambda: all(c.is_done for c in collectors), PATIENCE, "reading to the end")
        wait_until(
            lambda: loaded.exists() and archived(loaded).keys() == analyzed.keys(),
            PATIENCE,
            "the archive of every day",
        )
    assert archived(loaded) == analyzed
    assert billed(postgres_url) == rows_of(analyzed)
