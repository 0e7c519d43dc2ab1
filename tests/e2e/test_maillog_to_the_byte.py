"""qmail's log, in both its clothes: ``up --once`` writes what ``analyze`` writes, to the byte."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.archives import archived
from tests.support.logs import BEGIN, DAY
from tools.samples.maillogs import HOST, Run, label_of, play

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES = int(os.environ.get("MAILTALLY_TEST_LINES", "90000")) // 30
SETTINGS = {
    "MAILTALLY_AGGREGATOR__WRITTEN_AT": "1771500000",
    "MAILTALLY_AGGREGATOR__RESTATE_AFTER": "200ms",
    "MAILTALLY_AGGREGATOR__RETENTION": "9999d",  # these days are long past, and yet come in parts
    "MAILTALLY_COLLECTOR__HOST": HOST,
    "MAILTALLY_COLLECTOR__CHUNK_SIZE": "64KiB",
}
PATIENCE = 240.0
CLOTHES = ("syslog", "multilog")
#: The files of each log, oldest first, by clothes.
NAMES = {
    "syslog": ("maillog.2.gz", "maillog.1", "maillog"),
    "multilog": (
        f"{label_of(BEGIN * 1_000_000)}.s",
        f"{label_of((BEGIN + DAY) * 1_000_000)}.s",
        "current",
    ),
}

each_clothes = pytest.mark.parametrize("clothes", CLOTHES)


def mailtally(*arguments: object) -> str:
    """Run it; what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "mailtally", *map(str, arguments)],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def run() -> Run:
    """Some days of a queue: in any file, deliveries are under way that end in a later one."""
    return play(MESSAGES, start=BEGIN, seed=31, every=2.5 * DAY / MESSAGES)


def thirds(run: Run, clothes: str) -> list[bytes]:
    lines = run.syslog() if clothes == "syslog" else run.multilog()
    third = len(lines) // 3
    return [b"".join(lines[k * third : (k + 1) * third if k < 2 else None]) for k in range(3)]


def write(directory: Path, names: tuple[str, ...], contents: list[bytes]) -> None:
    directory.mkdir(exist_ok=True)
    for name, content in zip(names, contents, strict=True):
        packed = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        (directory / name).write_bytes(packed)


@pytest.fixture(scope="module")
def logs(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run's log in both its clothes, rotated twice."""
    directories = {clothes: tmp_path_factory.mktemp(clothes) for clothes in CLOTHES}
    for clothes, directory in directories.items():
        write(directory, NAMES[clothes], thirds(run, clothes))
    return directories


@pytest.fixture(scope="module")
def analyzed(
    logs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    """The day files that analyze writes, by name, of each clothes."""
    return {clothes: analyze(logs[clothes], tmp_path_factory.mktemp("days")) for clothes in CLOTHES}


def analyze(directory: Path, out: Path) -> dict[str, bytes]:
    mailtally("analyze", *sorted(directory.iterdir()), "--host", HOST, "--out", out)
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.qml.*"))}


def figures(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the manifests, which tell revisions apart."""
    return {name: content for name, content in files.items() if not name.endswith(".json")}


def glob_of(directory: Path, clothes: str) -> Path:
    return directory / ("maillog*" if clothes == "syslog" else "current")


def test_both_clothes_of_a_run_give_the_same_days_and_all_its_traffic(
    run: Run, analyzed: dict[str, dict[str, bytes]]
) -> None:
    assert analyzed["syslog"] == analyzed["multilog"]
    rows = [
        line.split(b"|")
        for name, content in analyzed["syslog"].items()
        if name.endswith(".qml.txt")
        for line in content.splitlines()
    ]
    assert sum(int(row[3]) for row in rows) == len(run.truth.time)


@each_clothes
def test_up_once_writes_what_analyze_writes(
    clothes: str,
    logs: dict[str, Path],
    analyzed: dict[str, dict[str, bytes]],
    tmp_path: Path,
    redis_program: Path,
) -> None:
    assert redis_program
    data = tmp_path / "data"
    mailtally("up", "--logs", glob_of(logs[clothes], clothes), "--data", data, "--once")
    assert archived(data / "statistic" / "loaded") == analyzed[clothes]
    mailtally("doctor", "--data", data)


@each_clothes
def test_a_stop_and_a_rotation_amid_deliveries_change_no_figure(
    clothes: str,
    run: Run,
    analyzed: dict[str, dict[str, bytes]],
    tmp_path: Path,
    redis_program: Path,
) -> None:
    assert redis_program
    directory, data = tmp_path / "logs", tmp_path / "data"
    oldest, older, newest = thirds(run, clothes)
    cut = older.rfind(b"\n", 0, len(older) // 2) + 1
    names = NAMES[clothes]
    write(directory, (names[1], names[2]), [oldest, older[:cut]])
    mailtally("up", "--logs", glob_of(directory, clothes), "--data", data, "--once")
    assert figures(archived(data / "statistic" / "loaded")) != figures(analyzed[clothes])
    write(directory, names, [oldest, older, newest])
    mailtally("up", "--logs", glob_of(directory, clothes), "--data", data, "--once")
    assert figures(archived(data / "statistic" / "loaded")) == figures(analyzed[clothes])
    mailtally("doctor", "--data", data)
