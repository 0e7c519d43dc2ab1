"""The cluster's figures from a real Redis: right, of one moment, and loud when it lies."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mailtally_aggregator.metrics import ClusterMetrics
from mailtally_aggregator.settings import AggregatorSettings
from mailtally_shared.errors import BadBatch, Unavailable
from mailtally_shared.runtime.clock import Clock
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.uncounted.quarantine import Quarantine, QuarantineLimits
from mailtally_shared.wire.queue import QUEUE, connect_broker
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.runtime.metrics.metric import Durations, Sample
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
MORNING_AFTER = NOON + 86_400
RECORDS = [Record(size=1000), Record(domain="b.example", size=5)]


@pytest.fixture
def site(state: State, tmp_path: Path) -> HandDrivenSite:
    return HandDrivenSite(state, tmp_path, f"sqlite:///{tmp_path / 'm.sqlite'}")


@pytest.fixture
def metrics(
    empty_redis: EmbeddedRedis,
    state: State,
    keys: StateKeys,
    calendar: Calendar,
    tmp_path: Path,
) -> ClusterMetrics:
    settings = AggregatorSettings(broker_url=empty_redis.broker_url, data_dir=tmp_path)
    return ClusterMetrics(settings, state, keys, calendar, Clock())


def table(samples: Iterable[Sample]) -> dict[tuple[str, ...], float | Durations]:
    """Values by name without its prefix, and labels."""
    return {
        (sample.metric.name.removeprefix("mailtally_cluster_"), *sample.labels): sample.value
        for sample in samples
    }


def test_what_was_counted_is_told_by_host_and_day(
    site: HandDrivenSite, metrics: ClusterMetrics
) -> None:
    site.count(RECORDS, passed=MORNING_AFTER)
    found = table(metrics.books())
    host = site.collector.host
    assert found["lines_total", host] == found["records_total", host] == 2
    assert found["host_watermark_timestamp_seconds", host] == MORNING_AFTER
    assert found["mail_bytes",] == 1005
    assert found["day_names",] == 2
    assert found["days", "awaited"] == 1
    site.write(MORNING_AFTER)
    assert table(metrics.books())["days", "final"] == 1


def lose_a_ledgers_count(site: HandDrivenSite) -> None:
    site.state.hincrby(site.keys.ledger(site.collector.id), "records", -1)


def lose_a_day(site: HandDrivenSite) -> None:
    site.state.delete(site.keys.totals.day(DAY))


@pytest.mark.parametrize(
    ("harm", "checks"),
    [(lose_a_ledgers_count, {"lines", "records"}), (lose_a_day, {"records"})],
)
def test_a_state_that_was_harmed_shows_in_its_sums(
    site: HandDrivenSite,
    metrics: ClusterMetrics,
    harm: Callable[[HandDrivenSite], None],
    checks: set[str],
) -> None:
    site.count(RECORDS, passed=NOON)
    harm(site)
    found = table(metrics.books())
    assert {
        check for check in ("lines", "records") if found["conservation_difference", check] != 0
    } == checks


def test_a_batch_in_quarantine_is_told_and_the_sums_still_hold(
    site: HandDrivenSite, metrics: ClusterMetrics
) -> None:
    header = site.collector.batch(RECORDS, watermark=NOON)
    quarantine = Quarantine(site.state, site.keys, QuarantineLimits())
    quarantine.batch(header, b"", BadBatch("bad-checksum", "It is bad."), NOON, at_once=True)
    found = table(metrics.books())
    assert found["quarantine_batches",] == 1
    assert found["quarantine_records",] == 2
    assert found["conservation_difference", "lines"] == 0
    assert found["conservation_difference", "records"] == 0


def test_what_waits_in_the_queue_is_counted(
    metrics: ClusterMetrics, empty_redis: EmbeddedRedis
) -> None:
    assert table(metrics.queue()) == {("queue_messages",): 0}
    with connect_broker(empty_redis.broker_url) as connection:
        for _ in range(3):
            connection.Producer().publish(b"{}", exchange="", routing_key=QUEUE)
    assert table(metrics.queue()) == {("queue_messages",): 3}


def test_the_servers_memory_is_told_and_its_limit_where_it_has_one(
    metrics: ClusterMetrics, state: State
) -> None:
    former = str(state.config_get("maxmemory")["maxmemory"])
    try:
        state.config_set("maxmemory", 2**30)
        limited = table(metrics.redis())
        state.config_set("maxmemory", 0)
        unlimited = table(metrics.redis())
    finally:
        state.config_set("maxmemory", former)
    assert limited["redis_memory_limit_bytes",] == 2**30
    assert set(unlimited) == {("redis_memory_bytes",)}


def test_a_server_that_is_away_is_said_to_be(
    tmp_path: Path, keys: StateKeys, calendar: Calendar
) -> None:
    nowhere = tmp_path / "nothing.sock"
    settings = AggregatorSettings(broker_url=f"redis+socket://{nowhere}", data_dir=tmp_path)
    metrics = ClusterMetrics(settings, connect_state(f"unix://{nowhere}"), keys, calendar, Clock())
    for source in (metrics.books, metrics.redis, metrics.queue):
        with pytest.raises(Unavailable):
            list(source())
