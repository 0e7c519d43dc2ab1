"""Passwords show nowhere: not in logs, errors, tracebacks or process lists, whatever goes wrong."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailtally_loader.settings import LoaderSettings
from mailtally_shared.runtime.settings.sources import exposed_secret_files
from tests.support.cluster import Cluster, command, log_line, terminate
from tests.support.own_redis import Login, OwnRedis
from tests.support.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "Tr0ub4dor-and-3-horses"  # noqa: S105 - of servers that live for one test, or of none
SERVICES = ("collector", "aggregator", "loader")


def settings_for(redis_url: str, port: int) -> dict[str, str]:
    """Everything said at every level, with a password for all servers."""
    return {
        "MAILTALLY_BROKER_URL": redis_url,
        "MAILTALLY_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:{port}/x",
        "MAILTALLY_LOG_LEVEL": "debug",
    }


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that lets in who knows another password."""
    with OwnRedis(tmp_path, ("--requirepass", "another-one")) as server:
        yield server


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("server", ["away", "refuses the password"])
def test_a_service_that_cannot_connect_says_why_without_the_password(
    tmp_path: Path, locked: OwnRedis, service: str, server: str
) -> None:
    port = free_port() if server == "away" else locked.port
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    with Cluster(tmp_path / "site", Login(url), settings_for(url, port)) as site:
        child = site.start(service, "--debug")
        wait_until(lambda: site.said(child).count("seconds"))
        assert child.process is not None
        arguments = Path(f"/proc/{child.process.pid}/cmdline")
        if arguments.exists():
            assert PASSWORD.encode() not in arguments.read_bytes()
        assert terminate(child) == 0
        assert PASSWORD not in site.said(child)


@pytest.mark.parametrize("service", SERVICES)
def test_a_check_names_what_fails_without_the_password(tmp_path: Path, service: str) -> None:
    port = free_port()
    settings = settings_for(f"redis://:{PASSWORD}@127.0.0.1:{port}/0", port)
    told = command(
        f"mailtally_{service}",
        *("check", "--debug"),
        settings={**settings, "MAILTALLY_DATA_DIR": str(tmp_path)},
    )
    assert told.returncode == 1
    assert PASSWORD not in told.stdout + told.stderr


@pytest.mark.parametrize(
    "words",
    [("report",), ("doctor",), ("rebuild", "--day", "2026-02-16", "--logs", "/nowhere*")],
    ids=lambda words: words[0],
)
def test_the_operators_commands_fail_without_the_password(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    port = free_port()
    settings = settings_for(f"redis://:{PASSWORD}@127.0.0.1:{port}/0", port)
    told = command(
        "mailtally", *words, "--debug", settings={**settings, "MAILTALLY_DATA_DIR": str(tmp_path)}
    )
    assert told.returncode
    assert PASSWORD not in told.stdout + told.stderr


def test_services_at_work_say_at_every_level_what_they_do_without_the_password(
    tmp_path: Path,
) -> None:
    with OwnRedis(tmp_path, ("--requirepass", PASSWORD)) as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        settings = {"MAILTALLY_LOG_LEVEL": "debug"}
        with Cluster(tmp_path / "site", Login(url), settings) as site:
            (site.logs / "stats").write_bytes(log_line(1_771_243_200, "b@a.example", 10))
            children = [site.start("aggregator", "--debug"), site.start("collector", "--debug")]
            with server.client("default", PASSWORD) as client:
                wait_until(lambda: client.exists("{mailtally}:days"))
            for child in children:
                assert terminate(child) == 0
                assert site.said(child)
                assert PASSWORD not in site.said(child)


def test_nobody_but_its_user_reads_what_a_collector_keeps(tmp_path: Path) -> None:
    """Even where the user's mask would let everybody: rejected lines hold people's addresses."""
    (tmp_path / "stats").write_bytes(log_line(1_771_243_200, "b@a.example", 10) + b"junk\n")
    code = (
        "import os, sys; os.umask(0); sys.argv[0] = 'c';"
        "from mailtally_collector.__main__ import main; main()"
    )
    with OwnRedis(tmp_path) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "run"],
            env={
                **os.environ,
                "MAILTALLY_BROKER_URL": f"redis://127.0.0.1:{server.port}/0",
                "MAILTALLY_STATE_DIR": str(tmp_path / "state"),
                "MAILTALLY_LOGS": str(tmp_path / "stats"),
            },
        )
        try:
            wait_until((tmp_path / "state/state.sqlite").exists)
            with server.client("default", "") as client:
                client.set("{mailtally}:format", "1")
            wait_until(lambda: list((tmp_path / "state").glob("rejects*")))
        finally:
            process.terminate()
            process.wait()
    kept = [tmp_path / "state", *(tmp_path / "state").iterdir()]
    for path in kept:
        # The lock's file is empty.
        is_open = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        assert not is_open or not path.stat().st_size, path


def test_a_file_of_secrets_that_everybody_may_read_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "database-url"
    secret.write_text(f"postgresql://u:{PASSWORD}@127.0.0.1/x")
    monkeypatch.setenv("MAILTALLY_DATABASE_URL_FILE", str(secret))
    secret.chmod(0o644)
    assert exposed_secret_files(LoaderSettings) == [str(secret)]
    told = command("mailtally_loader", "check", settings={"MAILTALLY_DATA_DIR": str(tmp_path)})
    assert f"every user of this machine can read {secret}" in told.stderr
    secret.chmod(0o600)
    assert exposed_secret_files(LoaderSettings) == []


def test_an_example_password_stops_the_start(tmp_path: Path) -> None:
    told = command(
        "mailtally_loader",
        "run",
        settings={
            "MAILTALLY_DATA_DIR": str(tmp_path),
            "MAILTALLY_DATABASE_URL": "postgresql://mailtally_loader:change-me@db.example.com/x",
        },
    )
    assert told.returncode == 2
    assert "MAILTALLY_DATABASE_URL: its password is a well-known example" in told.stderr
