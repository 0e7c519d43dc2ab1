"""A collector that rotates a log which is being written to counts every line of it once."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.cluster import Cluster, kill
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import Self

    from mailtally.local.embedded_redis import EmbeddedRedis

KEEP = 3
PATIENCE = 60.0
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "MAILTALLY_COLLECTOR__RESCAN": "100ms",
    "MAILTALLY_COLLECTOR__ROTATE_WAIT": "300ms",
    "MAILTALLY_COLLECTOR__ROTATION__SIZE": "8KiB",
    "MAILTALLY_COLLECTOR__ROTATION__KEEP": str(KEEP),
    "MAILTALLY_COLLECTOR__ROTATION__COMMAND": 'kill -HUP "$(cat "$LOG.pid")"',
}


@pytest.fixture
def cluster(tmp_path: Path, empty_redis: EmbeddedRedis) -> Iterator[Cluster]:
    with Cluster(tmp_path, empty_redis, SETTINGS) as made:
        # By its name alone: rotated files have to be found without the log itself, too.
        made.settings = SETTINGS | {"MAILTALLY_LOGS": f"{made.logs}/stats"}
        yield made


class Writer:
    """A process that writes the log until it is stopped."""

    def __init__(self, log: Path, on_signal: str) -> None:
        command = [sys.executable, "-m", "tests.support.log_writer", str(log), on_signal]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self._days = {today()}
        wait_until(log.with_name("stats.pid").exists, PATIENCE, "a writer")

    def stop(self) -> int:
        """How many lines it has written."""
        self._process.terminate()
        return int(self._process.communicate(timeout=PATIENCE)[0])

    def await_counted(self, cluster: Cluster) -> int:
        """Stop, and wait until all that was written is counted, once; so many lines it is."""
        lines = self.stop()
        days = {*self._days, today()}

        def counted() -> int:
            return sum(cluster.bytes_of(day).get("example.com", 0) for day in days)

        wait_until(lambda: counted() >= lines, PATIENCE, f"counting {lines} lines")
        assert counted() == lines
        return lines

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def today() -> date:
    return datetime.now(UTC).date()


def names(cluster: Cluster) -> list[str]:
    return sorted(path.name for path in cluster.logs.iterdir())


def lines_kept(cluster: Cluster) -> int:
    contents = [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in cluster.logs.glob("stats*")
    ]
    return sum(content.count(b"\n") for content in contents)


def packed(cluster: Cluster) -> set[str]:
    return {name for name in names(cluster) if name.endswith(".gz")}


def await_more_than(cluster: Cluster, seen: set[str]) -> None:
    wait_until(lambda: set(names(cluster)) - seen, PATIENCE, "a rotation")


def test_of_a_writer_that_opens_its_log_anew_nothing_is_lost_and_little_kept(
    cluster: Cluster,
) -> None:
    cluster.start("aggregator")
    cluster.start("collector")
    with Writer(cluster.logs / "stats", "reopen") as writer:
        first = wait_until(lambda: packed(cluster), PATIENCE, "compressing a rotated log")
        wait_until(lambda: not packed(cluster) & first, PATIENCE, "deleting an old log")
        lines = writer.await_counted(cluster)
    assert 0 < lines_kept(cluster) < lines
    assert len(packed(cluster)) <= KEEP


def test_of_a_writer_that_never_does_nothing_is_lost(cluster: Cluster) -> None:
    cluster.start("aggregator")
    collector = cluster.start("collector")
    with Writer(cluster.logs / "stats", "ignore") as writer:
        wait_until(lambda: "stats" not in names(cluster), PATIENCE, "a rotation")
        kill(collector)
        cluster.start("collector")
        lines = writer.await_counted(cluster)
    only, _pid = names(cluster)
    assert not only.endswith(".gz")
    assert lines_kept(cluster) == lines


def test_killed_again_and_again_it_loses_and_doubles_nothing(cluster: Cluster) -> None:
    cluster.start("aggregator")
    with Writer(cluster.logs / "stats", "reopen") as writer:
        for _ in range(4):
            collector = cluster.start("collector")
            seen = set(names(cluster))
            await_more_than(cluster, seen)
            kill(collector)
        cluster.start("collector")
        writer.await_counted(cluster)
