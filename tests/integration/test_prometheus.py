"""A real Prometheus watches a real site: each query of the dashboard and each alert is run."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.cluster import Cluster, log_line, terminate
from tests.support.observed_site import ObservedSite
from tests.support.prometheus import DEPLOY, Prometheus, panels, program, prometheus
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis


@pytest.fixture(scope="module")
def site(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObservedSite]:
    """Two hosts, one of which is quiet, a malformed line, and a message that is nonsense."""
    with redis.Redis.from_url(redis_server.state_url) as client:
        client.flushall()
    with Cluster(tmp_path_factory.mktemp("watched"), redis_server) as processes:
        site = ObservedSite(processes, ("mail1", "mail2"))
        site.start()
        site.send_nonsense()
        yield site


@pytest.fixture(scope="module")
def watching(site: ObservedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has seen lines being counted, and a day of the past loaded."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), site.targets()) as watching:
        log = site.cluster.logs / "mail1" / "stats"
        now = int(time.time())
        with log.open("ab", buffering=0) as file:
            file.write(log_line(now - 2 * 86_400, "b@example.com", 10) + b"malformed\n")

            def seen() -> bool:
                file.write(log_line(int(time.time()), "b@example.com", 10))
                rates = watching.query("sum(rate(mailtally_cluster_lines_total[20s])) > 0")
                loaded = watching.query("mailtally_loader_loaded_days > 0")
                malformed = watching.query("mailtally_collector_malformed_lines_total")
                return bool(rates and loaded and malformed)

            wait_until(seen, 60, "the sight of a loaded day")
        yield watching


@pytest.mark.parametrize("title", panels())
def test_each_query_of_the_dashboard_shows_something(watching: Prometheus, title: str) -> None:
    for expression in panels()[title]:
        wait_until(lambda: watching.query(expression), 20, expression)  # noqa: B023 - used at once


def test_each_alert_can_be_judged_and_the_right_one_is_raised(watching: Prometheus) -> None:
    def judged() -> bool:
        groups = watching.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert all(rule["health"] != "err" for rule in rules), rules
        return len(rules) > 20 and all(rule["health"] == "ok" for rule in rules)

    wait_until(judged, 20, "a judgement of every rule")
    found = wait_until(lambda: watching.get("alerts")["alerts"], 20, "an alert")
    firing = {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}
    # The message that was nonsense, and the only line of a day that ended yesterday.
    assert "QuarantineNotEmpty" in firing
    assert not firing & {"ConservationDifference", "MailtallyNoDayWriter", "RedisNearlyFull"}


@pytest.mark.parametrize("service", ["collector", "aggregator", "loader"])
def test_prometheuss_own_linter_is_content_with_a_page(site: ObservedSite, service: str) -> None:
    for port in site.ports[service]:
        told = subprocess.run(
            [program("promtool"), "check", "metrics"],
            input=site.page(port),
            capture_output=True,
            text=True,
            check=False,
        )
        # It takes days of the calendar, which are counted, for a measure of time.
        complaints = [line for line in told.stderr.splitlines() if '"days"' not in line]
        assert not complaints


def test_a_service_that_stops_is_noticed(watching: Prometheus, site: ObservedSite) -> None:
    (port,) = site.ports["loader"]
    terminate(site.processes[port])

    def pending() -> bool:
        alerts = watching.get("alerts")["alerts"]
        return any(alert["labels"]["alertname"] == "MailtallyServiceDown" for alert in alerts)

    wait_until(pending, 20, "an alert")


def test_the_alerts_are_raised_when_they_should_be_and_not_before() -> None:
    told = subprocess.run(
        [program("promtool"), "test", "rules", "alerts_test.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_configuration_is_one_that_prometheus_reads() -> None:
    told = subprocess.run(
        [program("promtool"), "check", "config", "prometheus.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
