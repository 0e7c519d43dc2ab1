"""Every line counts once where the queue is RabbitMQ, or Redis behind Sentinel, and it fails."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals
from tests.support.cluster import Cluster, log_line
from tests.support.sentinel_pair import SentinelPair
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from tests.support.rabbitmq import RabbitNode

pytest_plugins = ["tests.support.rabbitmq"]

#: Of yesterday: an old day's totals would leave Redis as soon as it is written.
NOON = int(time.time()) // 86_400 * 86_400 - 43_200
DAY = datetime.fromtimestamp(NOON, UTC).date()
MANY = 20_000
SMALL_BATCHES = {
    "MAILTALLY_COLLECTOR__BATCH_BYTES": "50KiB",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "1",
}


def write(cluster: Cluster) -> None:
    """MANY more lines of one byte each."""
    with (cluster.logs / "stats").open("ab") as log:
        log.writelines(log_line(NOON + k % 3600, "b@b.example", 1) for k in range(MANY))


def counted(state_url: str) -> int:
    """The bytes in the totals; none while it cannot be said, as the services wait then, too."""
    with suppress(Unavailable), connect_state(state_url) as state:
        return sum(row.bytes for row in Totals(state, StateKeys()).read(DAY).rows)
    return 0


def test_rabbitmq_stops_and_comes_back_while_lines_are_counted(
    rabbitmq: RabbitNode, empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    settings = {
        **SMALL_BATCHES,
        "MAILTALLY_BROKER_URL": rabbitmq.url,
        "MAILTALLY_STATE_URL": empty_redis.state_url,
    }
    with Cluster(tmp_path, empty_redis, settings) as cluster:
        for service in ("aggregator", "aggregator", "collector"):
            cluster.start(service)
        write(cluster)
        wait_until(lambda: counted(empty_redis.state_url) > 0, 60, "the first lines")
        rabbitmq.stop()
        write(cluster)
        rabbitmq.start()
        wait_until(lambda: counted(empty_redis.state_url) == 2 * MANY, 120, "all lines")


def test_the_master_dies_and_sentinel_makes_another_while_lines_are_counted(
    redis_program: Path, empty_redis: EmbeddedRedis, tmp_path: Path
) -> None:
    assert redis_program
    (tmp_path / "pair").mkdir()
    with SentinelPair(tmp_path / "pair") as pair:
        settings = {**SMALL_BATCHES, "MAILTALLY_BROKER_URL": pair.url}
        with Cluster(tmp_path / "site", empty_redis, settings) as cluster:
            for service in ("aggregator", "aggregator", "collector"):
                cluster.start(service)
            write(cluster)
            wait_until(lambda: counted(pair.url) > 0, 60, "the first lines")
            pair.fail_over()
            write(cluster)
            wait_until(lambda: counted(pair.url) == 2 * MANY, 120, "all lines")
