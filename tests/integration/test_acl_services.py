"""Each service at work as its own user of Redis: its rights are enough, and it asks for no more."""

from __future__ import annotations

import secrets
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from mailtally_shared.state.keys import StateKeys
from mailtally_shared.wire.queue import QUEUE
from tests.architecture.source_tree import ROOT
from tests.support.cluster import Cluster, command, log_line, terminate
from tests.support.observed_site import ObservedSite
from tests.support.own_redis import Login, OwnRedis
from tests.support.ports import free_port
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

KEYS = StateKeys()
USERS = ("admin", "aggregator", "reader", "health", "collector-mail1", "collector-mail2")
DAY = 86_400


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    return {user: secrets.token_hex(16) for user in USERS}


@pytest.fixture
def guarded(tmp_path: Path, passwords: dict[str, str]) -> Iterator[OwnRedis]:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for user, password in passwords.items():
        (folder / user).write_text(password)
    with (tmp_path / "users.acl").open("w") as acl:
        subprocess.run(["sh", ROOT / "deploy/redis/make-acl", folder], stdout=acl, check=True)
    with OwnRedis(tmp_path, ("--aclfile", str(tmp_path / "users.acl"))) as server:
        yield server


def refused(admin: redis.Redis) -> list[dict[str, object]]:
    """What anybody was refused so far."""
    found: list[dict[str, object]] = admin.acl_log()  # type: ignore[assignment]  # its stub has no types
    return found


def test_all_services_do_their_work_and_ask_for_nothing_they_may_not(
    tmp_path: Path, guarded: OwnRedis, passwords: dict[str, str]
) -> None:
    as_user = {user: guarded.url(user, password) for user, password in passwords.items()}
    settings = {
        "MAILTALLY_AGGREGATOR__GRACE": "0",
        "MAILTALLY_AGGREGATOR__RESTATE_AFTER": "0",
        "MAILTALLY_AGGREGATOR__SNAPSHOT_INTERVAL": "200ms",
        "MAILTALLY_COLLECTOR__HEARTBEAT": "200ms",
    }
    yesterday, port = int(time.time()) - DAY, free_port()
    with (
        guarded.client("admin", passwords["admin"]) as admin,
        Cluster(tmp_path / "site", Login(as_user["aggregator"]), settings) as site,
    ):
        (site.logs / "stats").write_bytes(log_line(yesterday, "b@a.example", 10) * 100)
        site.start("aggregator", MAILTALLY_AGGREGATOR__HEALTH_ADDRESS=f"127.0.0.1:{port}")
        for host in ("mail1", "mail2"):
            site.start(
                "collector",
                MAILTALLY_BROKER_URL=as_user[f"collector-{host}"],
                MAILTALLY_STATE_DIR=str(tmp_path / host),
                MAILTALLY_COLLECTOR__HOST=host,
            )
        statistic = tmp_path / "site/statistic"
        wait_until(lambda: list(statistic.glob("*.qml.json")), what="a day file")
        wait_until(lambda: list(statistic.glob("snapshots/*")), what="a snapshot")
        told = ObservedSite(site).page(port)
        assert "mailtally_cluster_redis_memory_bytes" in told
        assert "mailtally_metrics_missing 0.0" in told
        reading = {**site.environment, "MAILTALLY_BROKER_URL": as_user["reader"]}
        for words in (("doctor",), ("report", "--format", "csv")):
            ended = command("mailtally", *words, settings=reading)
            assert ended.returncode in (0, 1), ended.stderr
            assert "permission" not in ended.stdout + ended.stderr
        assert not refused(admin)
        assert admin.hget(KEYS.quarantine_sums, "batches") is None


def test_a_host_that_was_taken_over_is_shut_out_by_removing_its_user(
    tmp_path: Path, guarded: OwnRedis, passwords: dict[str, str]
) -> None:
    aggregator = guarded.url("aggregator", passwords["aggregator"])
    with (
        guarded.client("admin", passwords["admin"]) as admin,
        Cluster(tmp_path / "site", Login(aggregator)) as site,
    ):
        site.start("aggregator")
        taken = site.start(
            "collector",
            MAILTALLY_BROKER_URL=guarded.url("collector-mail1", passwords["collector-mail1"]),
        )
        wait_until(lambda: admin.exists(KEYS.registration("mail1")), what="its registration")
        admin.acl_deluser("collector-mail1")
        wait_until(lambda: "WRONGPASS" in site.said(taken) or "invalid" in site.said(taken))
        assert passwords["collector-mail1"] not in site.said(taken)
        assert terminate(taken) == 0
        assert admin.llen(QUEUE) == 0
