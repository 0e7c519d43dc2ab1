"""Nothing to a secured Redis by the scripts in deploy, as docker-compose.yml runs them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis

from mailtally_shared.runtime.settings import BrokerSettings, DatabaseSettings, load_settings
from tests.architecture.source_tree import ROOT
from tests.support.own_redis import server_program
from tests.support.ports import free_port
from tests.support.waiting import wait_until

COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
#: Each service of the file and what is said of it.
SERVICES = dict(re.findall(r"^  (\w+):\n((?:(?:    .*)?\n)+)", COMPOSE, re.MULTILINE))
MOUNTED = re.compile(r"\$\{MAILTALLY_SECRETS_DIR:-\./secrets\}/(\S+?)(?::\S+)?$", re.MULTILINE)


class Queue(BrokerSettings):
    """What speaks to the queue."""

    service = "aggregator"


class Stored(DatabaseSettings):
    """What speaks to the database."""

    service = "loader"


def make_secrets(directory: Path, *hosts: str) -> dict[str, str]:
    """What the script leaves in the directory, by the names of the files."""
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/make-secrets"), *hosts],
        env={**os.environ, "MAILTALLY_SECRETS_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_text() for path in files}


def test_each_user_has_a_password_of_its_own_and_a_url_that_settings_take(tmp_path: Path) -> None:
    made = make_secrets(tmp_path / "s", "mail1.example.com")
    passwords = [text for name, text in made.items() if not name.startswith("url/")]
    assert len(set(passwords)) == len(passwords)
    assert all(re.fullmatch("[0-9a-f]{48}", password) for password in passwords)
    for name, text in made.items():
        if name.startswith("url/postgres"):
            load_settings(Stored, database_url=text.strip())
        elif name.startswith("url/rabbitmq"):
            state = made["url/aggregator"].strip()
            load_settings(Queue, broker_url=text.strip(), state_url=state)
        elif name.startswith("url/"):
            load_settings(Queue, broker_url=text.strip())


def test_a_host_is_added_and_nobody_elses_password_changes(tmp_path: Path) -> None:
    before = make_secrets(tmp_path, "mail1.example.com")
    after = make_secrets(tmp_path, "mail1.example.com", "mail2.example.com")
    assert after.items() >= before.items()
    assert after.keys() - before.keys() == {
        "redis/collector-mail2.example.com",
        "url/collector-mail2.example.com",
    }


def test_nobody_else_gets_at_the_files(tmp_path: Path) -> None:
    make_secrets(tmp_path / "s")
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    for path in (tmp_path / "s").rglob("*"):
        if not path.is_dir() and path.parent.name != "url":
            assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_docker_compose_mounts_what_was_made_and_nothing_else(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "mail1.example.com")
    wanted = MOUNTED.findall(COMPOSE)
    for name in wanted:
        found = name.replace("${MAILTALLY_COLLECTOR_HOST}", "mail1.example.com")
        assert found in made or (tmp_path / found).is_dir(), name
    assert len(wanted) > 4


@pytest.mark.parametrize(
    ("service", "networks"),
    [
        ("redis", {"queue"}),
        ("postgres", {"database"}),
        ("collector", {"queue", "metrics"}),
        ("aggregator", {"queue", "metrics"}),
        ("loader", {"database", "metrics"}),
    ],
)
def test_the_database_is_out_of_the_collectors_reach(service: str, networks: set[str]) -> None:
    found = re.search(r"^    networks: \[(.*)\]", SERVICES[service], re.MULTILINE)
    assert found
    assert set(found[1].split(", ")) <= networks
    assert "ports:" not in SERVICES[service]


def test_no_service_of_ours_has_a_password_in_its_environment() -> None:
    assert not re.search(r"(?i)password: |://[^\s:/]+:[^\s/]+@", COMPOSE)


@pytest.mark.skipif(os.getuid() != 0, reason="gives up root, so it must have been root")
def test_redis_starts_with_its_users_and_without_root(tmp_path: Path) -> None:
    made = make_secrets(tmp_path / "s", "mail1.example.com")
    server_program()
    port = free_port()
    # Not pytest's own directory, which another user may not enter.
    place = Path(tempfile.mkdtemp(prefix="mailtally-redis-"))
    place.chmod(0o755)
    data = place / "data"
    process = subprocess.Popen(
        ["sh", str(ROOT / "deploy/redis/start"), "--port", str(port)],
        env={
            **os.environ,
            "MAXMEMORY": "64mb",
            "DATA_DIR": str(data),
            "SECRETS_DIR": str(tmp_path / "s/redis"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answer() -> bool:
        login = {"username": "health", "password": made["redis/health"]}
        try:
            with redis.Redis(port=port, **login) as client:  # type: ignore[arg-type]  # both are text
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    try:
        wait_until(answer, what="the start of Redis")
        assert data.stat().st_uid != 0
        assert os.stat(f"/proc/{process.pid}").st_uid != 0  # noqa: PTH116 - of a process
        with redis.Redis(port=port) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.ping()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(place)
