"""Days wait for a mail host that is gone until it is retired, and again if it comes back."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from mailtally.commands.retire import retire_host
from mailtally_shared.schema import END_OF_TIME
from mailtally_shared.state.client import connect_state
from tests.support.directories import MemoryDirectory, start
from tests.support.hand_driven_site import HandDrivenSite
from tests.support.records import NOON, FakeCollector, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis

NEXT_NOON = NOON + 86_400
GONE = "mail2"


@pytest.fixture
def site(
    empty_redis: EmbeddedRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HandDrivenSite]:
    """One host that has read the day, and one that went before its end."""
    with connect_state(empty_redis.state_url) as state:
        made = HandDrivenSite(state, tmp_path, f"sqlite:///{tmp_path}/mailtally.sqlite")
        made.put_into_environment(empty_redis.state_url, monkeypatch)
        made.count([Record()], NEXT_NOON)
        yield made


@pytest.fixture
def gone(site: HandDrivenSite) -> FakeCollector:
    other = FakeCollector(site.state, site.keys, GONE)
    other.read_up_to(NOON)
    return other


def retire(*arguments: str) -> Result:
    return CliRunner().invoke(retire_host, arguments)


def written(site: HandDrivenSite) -> bool:
    site.write(NEXT_NOON)
    manifests = list(site.statistic_dir.glob("*.json"))
    return any(json.loads(path.read_text("utf-8"))["complete"] for path in manifests)


def test_the_day_is_written_complete_once_the_host_is_retired(
    site: HandDrivenSite, gone: FakeCollector
) -> None:
    assert gone.host == GONE
    assert not written(site)
    result = retire(GONE)
    assert result.output == (
        "Retired mail2; days no longer wait for it. It was read up to 2026-02-16 12:00:00 UTC.\n"
    )
    assert written(site)


def test_days_wait_for_it_again_when_its_collector_comes_back(
    site: HandDrivenSite, gone: FakeCollector
) -> None:
    retire(GONE)
    start(site.state, site.keys, MemoryDirectory(gone.id), GONE)
    assert site.state.sismember(site.keys.hosts, GONE)


def test_a_host_that_works_is_not_retired_by_mistake(
    site: HandDrivenSite, gone: FakeCollector
) -> None:
    gone.read_up_to(int(time.time()))
    assert "Stop it first" in retire(GONE).output
    assert site.state.sismember(site.keys.hosts, GONE)
    assert retire(GONE, "--even-if-alive").exit_code == 0
    assert not site.state.sismember(site.keys.hosts, GONE)


def test_a_host_that_was_read_to_its_end_may_go(gone: FakeCollector) -> None:
    gone.read_up_to(END_OF_TIME)
    assert "It was read to its end." in retire(GONE).output


def test_a_name_that_nobody_waits_for_is_an_error_that_names_the_others(
    site: HandDrivenSite,
) -> None:
    result = retire("mial2")
    assert result.exit_code == 1
    assert "Unknown host 'mial2'. Days wait for: mail1" in result.output
    assert site.state.sismember(site.keys.hosts, "mail1")


def test_one_is_told_where_the_settings_still_name_it(
    site: HandDrivenSite, gone: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.state.sismember(site.keys.hosts, gone.host)
    monkeypatch.setenv("MAILTALLY_AGGREGATOR__EXPECTED_HOSTS", f"mail1,{GONE}")
    assert "expected_hosts still names mail2" in retire(GONE).output
