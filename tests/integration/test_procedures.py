"""What the pages of docs/how-to tell operators to do, done with real processes."""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import redis

from mailtally_shared.state.snapshot import snapshots
from tests.support.cluster import Cluster, command, kill, log_line, terminate
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.local.children import Child
    from mailtally.local.embedded_redis import EmbeddedRedis

#: Of yesterday: an old day's totals would leave Redis as soon as it is written.
NOON = int(time.time()) // 86_400 * 86_400 - 43_200
MANY = 20_000
PATIENCE = 120.0
SETTINGS = {
    "MAILTALLY_COLLECTOR__BATCH_BYTES": "50KiB",
    "MAILTALLY_COLLECTOR__HEARTBEAT": "0.5",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "1",
    "MAILTALLY_AGGREGATOR__GRACE": "0",
    "MAILTALLY_AGGREGATOR__RESTATE_AFTER": "0",
    "MAILTALLY_AGGREGATOR__WRITER_INTERVAL": "0.2",
    "MAILTALLY_AGGREGATOR__WRITER_LEASE": "2",
    "MAILTALLY_AGGREGATOR__SNAPSHOT_INTERVAL": "0.5",
    "MAILTALLY_LOADER__POLL": "0.2",
}


@pytest.fixture
def cluster(empty_redis: EmbeddedRedis, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, empty_redis, SETTINGS) as made:
        yield made


def write(cluster: Cluster) -> None:
    """MANY more lines of one byte each."""
    with (cluster.logs / "stats").open("ab") as log:
        log.writelines(log_line(NOON + k % 3600, "b@b.example", 1) for k in range(MANY))


def billed(cluster: Cluster) -> int:
    """Bytes in the database; 0 while there are no tables."""
    path = cluster.directory / "mailtally.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as database:
        try:
            found = database.execute("SELECT sum(bytes) FROM mail_traffic_daily").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(found[0] or 0)


def wait_for_some(cluster: Cluster, more_than: int) -> None:
    """Wait until it is counted that something more was written."""
    day = datetime.fromtimestamp(NOON, UTC).date()
    wait_until(
        lambda: sum(cluster.bytes_of(day).values()) > more_than, PATIENCE, "counting of some"
    )


def wait_for_bill(cluster: Cluster, expected: int) -> None:
    wait_until(lambda: billed(cluster) == expected, PATIENCE, f"a bill of {expected}")


def doctor(cluster: Cluster) -> str:
    settings = {**cluster.environment, "MAILTALLY_STATE_URL": cluster.redis.state_url}
    return command("mailtally", "doctor", settings=settings).stdout


def test_aggregators_come_and_go_under_load(cluster: Cluster) -> None:
    cluster.start("loader")
    cluster.start("collector")
    aggregators: list[Child] = [cluster.start("aggregator")]
    for written in range(4):
        write(cluster)
        wait_for_some(cluster, more_than=written * MANY)
        aggregators.append(cluster.start("aggregator"))
        if written % 2:
            assert terminate(aggregators.pop(0)) == 0
        else:
            kill(aggregators.pop(0))
    wait_for_bill(cluster, 4 * MANY)
    assert "FAILED" not in doctor(cluster)


def back_up(cluster: Cluster, to: Path) -> None:
    """The database first, then the statistic directory with its snapshots."""
    to.mkdir()
    with (
        closing(sqlite3.connect(cluster.directory / "mailtally.sqlite")) as source,
        closing(sqlite3.connect(to / "mailtally.sqlite")) as copy,
    ):
        source.backup(copy)
    shutil.copytree(cluster.directory / "statistic", to / "statistic")


def restore(cluster: Cluster, backup: Path) -> None:
    """Both in their places, and what was archived once more before the loader."""
    shutil.copy(backup / "mailtally.sqlite", cluster.directory / "mailtally.sqlite")
    statistic = cluster.directory / "statistic"
    shutil.copytree(backup / "statistic", statistic)
    # The ones of earlier revisions have that in their names.
    for archived in sorted((statistic / "loaded").glob("??.??.????.qml.*"), reverse=True):
        name = archived.name.removesuffix(".gz")
        content = archived.read_bytes()
        if archived.suffix == ".gz":
            content = gzip.decompress(content)
        if not name.endswith(".qml.txt"):
            (statistic / name).write_bytes(content)
    for archived in (statistic / "loaded").glob("??.??.????.qml.txt.gz"):
        content = gzip.decompress(archived.read_bytes())
        (statistic / archived.name.removesuffix(".gz")).write_bytes(content)


def test_a_lost_centre_comes_back_from_its_backup_and_bills_exactly(
    cluster: Cluster, tmp_path: Path
) -> None:
    central = [cluster.start("aggregator"), cluster.start("loader")]
    cluster.start("collector")
    write(cluster)
    wait_for_bill(cluster, MANY)
    directory = cluster.directory / "statistic" / "snapshots"
    then = time.time()
    wait_until(
        lambda: any(path.stat().st_mtime > then for path in snapshots(directory)),
        PATIENCE,
        "a snapshot of it",
    )
    back_up(cluster, tmp_path / "backup")
    write(cluster)
    wait_for_bill(cluster, 2 * MANY)
    for child in central:
        kill(child)
    with redis.Redis.from_url(cluster.redis.state_url) as client:
        client.flushall()
    for path in cluster.directory.glob("mailtally.sqlite*"):
        path.unlink()
    shutil.rmtree(cluster.directory / "statistic")
    restore(cluster, tmp_path / "backup")
    cluster.start("aggregator")
    cluster.start("loader")
    wait_for_bill(cluster, 2 * MANY)
    said = doctor(cluster)
    assert "FAILED" not in said
    assert not list((cluster.directory / "statistic" / "rejected").glob("*"))
