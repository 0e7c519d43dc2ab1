"""Live: lines are counted as they come, through stops, kills and servers that go away."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailtally.local.embedded_redis import EmbeddedRedis
from tests.support.cluster import Cluster, command, kill, log_line, terminate
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = int(time.time())
TODAY = datetime.fromtimestamp(NOW, UTC).date()
PATIENCE = 60.0


@pytest.fixture
def own_redis(tmp_path: Path, redis_program: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone, which it may stop and start."""
    assert redis_program
    with EmbeddedRedis(tmp_path / "own") as server:
        yield server


@pytest.fixture
def cluster(tmp_path: Path, own_redis: EmbeddedRedis) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster", own_redis) as made:
        yield made


def write(cluster: Cluster, lines: int, size: int = 1, domain: str = "example.com") -> None:
    with (cluster.logs / "stats").open("ab") as log:
        log.write(log_line(NOW, f"a@{domain}", size) * lines)


def wait_for(cluster: Cluster, expected: dict[str, int]) -> None:
    wait_until(lambda: cluster.bytes_of(TODAY) == expected, PATIENCE, f"counting {expected}")


def test_lines_are_counted_as_they_are_written(cluster: Cluster) -> None:
    cluster.start("aggregator")
    cluster.start("collector")
    for round_ in range(1, 4):
        write(cluster, 10)
        wait_for(cluster, {"example.com": 10 * round_})


def test_a_stop_hands_everything_back_within_its_time(cluster: Cluster) -> None:
    aggregator, collector = cluster.start("aggregator"), cluster.start("collector")
    write(cluster, 1000)
    wait_until(lambda: cluster.bytes_of(TODAY), PATIENCE, "the first lines")
    assert terminate(collector) == 0
    assert terminate(aggregator) == 0
    write(cluster, 1000)
    cluster.start("aggregator")
    cluster.start("collector")
    wait_for(cluster, {"example.com": 2000})


def test_killed_services_lose_and_double_nothing(cluster: Cluster) -> None:
    for round_ in range(1, 5):
        aggregator, collector = cluster.start("aggregator"), cluster.start("collector")
        write(cluster, 500)
        if round_ % 2:
            wait_until(lambda: cluster.bytes_of(TODAY), PATIENCE, "counting anything")
        write(cluster, 500)
        kill(aggregator)
        kill(collector)
    cluster.start("aggregator")
    cluster.start("collector")
    wait_for(cluster, {"example.com": 4000})


def test_a_redis_that_is_not_there_yet_is_waited_for(
    cluster: Cluster, own_redis: EmbeddedRedis
) -> None:
    own_redis.stop()
    aggregator, collector = cluster.start("aggregator"), cluster.start("collector")
    write(cluster, 10)
    wait_until(lambda: "does not answer" in cluster.said(aggregator), PATIENCE)
    wait_until(lambda: "does not answer" in cluster.said(collector), PATIENCE)
    own_redis.start()
    wait_for(cluster, {"example.com": 10})


def test_a_redis_that_goes_away_is_waited_for_and_nothing_is_lost(
    cluster: Cluster, own_redis: EmbeddedRedis
) -> None:
    cluster.start("aggregator")
    collector = cluster.start("collector")
    write(cluster, 10)
    wait_for(cluster, {"example.com": 10})
    own_redis.stop()
    write(cluster, 10)
    wait_until(lambda: "does not answer" in cluster.said(collector), PATIENCE)
    own_redis.start()
    wait_for(cluster, {"example.com": 20})


def test_a_lost_state_directory_doubles_nothing(cluster: Cluster) -> None:
    often = {"MAILTALLY_COLLECTOR__HEARTBEAT": "300ms"}  # what it waits for is three of them
    cluster.start("aggregator")
    collector = cluster.start("collector", **often)
    write(cluster, 100)
    wait_for(cluster, {"example.com": 100})
    terminate(collector)
    (cluster.directory / "collector").rename(cluster.directory / "lost")
    write(cluster, 50)
    successor = cluster.start("collector", **often)
    wait_for(cluster, {"example.com": 150})
    assert "Took over" in cluster.said(successor)


def test_a_second_collector_on_one_state_directory_is_refused(cluster: Cluster) -> None:
    cluster.start("aggregator")
    cluster.start("collector")
    write(cluster, 1)
    wait_for(cluster, {"example.com": 1})
    second = command("mailtally_collector", "run", settings=cluster.environment)
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()[-1]) < 300
    assert "state directory" in second.stderr or "another" in second.stderr.lower()


def test_wrong_settings_are_all_told_at_once(cluster: Cluster) -> None:
    wrong = {
        "MAILTALLY_COLLECTOR__WINDOW": "none",
        "MAILTALLY_COLLECTOR__LINGER": "soon",
        "MAILTALLY_BROKER_URL": "nowhere",
    }
    ran = command("mailtally_collector", "run", settings={**cluster.environment, **wrong})
    assert ran.returncode == 2
    for variable in wrong:
        assert variable in ran.stderr


def test_check_tells_of_each_server_that_is_away(
    cluster: Cluster, own_redis: EmbeddedRedis
) -> None:
    own_redis.stop()
    for module in ("mailtally_collector", "mailtally_aggregator"):
        ran = command(module, "check", settings=cluster.environment)
        assert ran.returncode == 1
        assert "MAILTALLY_BROKER_URL" in ran.stderr
        assert "MAILTALLY_STATE_URL" in ran.stderr


def test_a_second_up_on_one_data_directory_is_refused(
    cluster: Cluster, own_redis: EmbeddedRedis
) -> None:
    assert own_redis.pid
    data = own_redis.state_url.removeprefix("unix://").partition("/redis/")[0]
    ran = command("mailtally", "up", "--logs", f"{cluster.logs}/*", "--data", data, settings={})
    assert ran.returncode == 1
    assert "Another mailtally uses" in ran.stderr
