"""Every metric of the list is told by who should tell it, while a real site works."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
import redis

from mailtally.samples.sample_logs import write_log
from mailtally_aggregator import catalogue as aggregator
from mailtally_aggregator import cluster_catalogue as cluster
from mailtally_collector import catalogue as collector
from mailtally_shared.runtime.metrics import every
from mailtally_shared.runtime.metrics.metric import By, Metric
from tests.support.catalogue import CATALOGUE, OF_THE_PROCESS
from tests.support.cluster import Cluster, kill
from tests.support.observed_site import ObservedSite
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis

LINES = 3000
#: What this site gives no cause to tell.
WITHOUT_CAUSE = {collector.FORGOTTEN}
#: Told where something was logged, which not everybody does.
ONLY_SOME = {every.LOG_EVENTS}


@pytest.fixture(scope="module")
def site(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObservedSite]:
    """A site that has written and loaded a day of the past, and kept something aside."""
    with redis.Redis.from_url(redis_server.state_url) as client:
        client.flushall()
    with Cluster(tmp_path_factory.mktemp("observed"), redis_server) as processes:
        site = ObservedSite(processes)
        (processes.logs / "mail1").mkdir()
        day = int(time.time()) // 86_400 * 86_400 - 3 * 86_400
        path = processes.logs / "mail1" / "stats"
        host, end = "m.example.net", day + 86_400
        write_log(path, host=host, lines=LINES, start=day, end=end, seed=4, hostile=0.1)
        site.start()
        site.wait_for_one("mailtally_loader_loaded_days")
        site.send_nonsense()
        for metric in (aggregator.BAD, cluster.QUARANTINE):
            site.wait_for_one(metric.name)
        yield site


def expected(by: By) -> set[str]:
    return {metric.name for metric in CATALOGUE if metric.by is by} - _names(
        WITHOUT_CAUSE | ONLY_SOME
    )


def _names(metrics: set[Metric]) -> set[str]:
    return {metric.name for metric in metrics}


def day_writers(site: ObservedSite) -> list[int]:
    ports = site.ports["aggregator"]
    return [port for port in ports if cluster.HOSTS.name in site.names(port)]


@pytest.mark.parametrize("service", ["collector", "loader"])
def test_a_service_tells_its_part_of_the_list_and_nothing_else(
    site: ObservedSite, service: str
) -> None:
    (port,) = site.ports[service]
    told = site.names(port) - _names(ONLY_SOME)
    assert told == expected(By.ALL) | expected(By(service)) | set(OF_THE_PROCESS)


def test_what_several_aggregators_tell_makes_the_list_complete(site: ObservedSite) -> None:
    (writer,) = day_writers(site)
    of_each = expected(By.ALL) | expected(By.AGGREGATOR) | set(OF_THE_PROCESS)
    told = {port: site.names(port) - _names(ONLY_SOME) for port in site.ports["aggregator"]}
    # Which of them got the bad message, or a batch, is chance.
    chance = _names({aggregator.BAD, aggregator.BATCHES})
    for port, names in told.items():
        own = of_each | (expected(By.DAY_WRITER) if port == writer else set())
        assert names | chance == own
    assert set().union(*told.values()) >= of_each


def test_the_figures_are_right(site: ObservedSite) -> None:
    (lines,) = site.values("mailtally_cluster_lines_total")
    (records,) = site.values("mailtally_cluster_records_total")
    malformed = sum(site.values("mailtally_cluster_malformed_lines_total"))
    assert lines == records + malformed == LINES
    assert list(site.values("mailtally_collector_lines_total")) == [LINES]
    (read,) = site.values("mailtally_collector_log_bytes_total")
    assert read == sum(p.stat().st_size for p in (site.cluster.logs / "mail1").iterdir())
    assert list(site.values("mailtally_cluster_conservation_difference")) == [0, 0]
    assert sum(site.values("mailtally_aggregator_records_total")) == records
    (lag,) = site.values("mailtally_cluster_host_lag_seconds")
    assert lag < 60


def test_all_are_alive_and_ready(site: ObservedSite) -> None:
    for port in (port for ports in site.ports.values() for port in ports):
        assert site.page(port, "/healthz") == "alive\n"
        assert site.page(port, "/readyz") == "ready\n"


def test_a_redis_that_hangs_hangs_nobody_who_asks(
    site: ObservedSite, redis_server: EmbeddedRedis
) -> None:
    everybody = [port for ports in site.ports.values() for port in ports]
    pid = redis_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        # A page that takes longer than Prometheus waits, 10 s, fails the test.
        wait_until(lambda: "mailtally_ready 0.0" in site.page(site.ports["aggregator"][0]), 40)
        assert all(site.page(port, "/healthz") == "alive\n" for port in everybody)
        assert day_writers(site) == []
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: day_writers(site), 40, "the cluster's figures")


def test_the_office_passes_on_when_the_day_writer_dies(site: ObservedSite) -> None:
    with redis.Redis.from_url(site.cluster.redis.state_url) as client:
        (former,) = day_writers(site)
        kill(site.processes[former])
        site.ports["aggregator"].remove(former)
        client.pexpire("{mailtally}:writer:lease", 1)
        (other,) = site.ports["aggregator"]
        wait_until(lambda: cluster.HOSTS.name in site.names(other), 20, "an election")
