"""All of a site count their days in one zone: the state's policy says which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest
from click.testing import CliRunner

from mailtally.__main__ import main
from mailtally_aggregator.days.charged_statuses import warn_of_unmatched
from mailtally_shared.days import ChargingPolicy
from mailtally_shared.errors import Refused
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import FORMAT
from mailtally_shared.state.policy import SitePolicy, adopt_policy, check_policy, read_policy
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys


def command(server: EmbeddedRedis, *arguments: str) -> Result:
    environment = {"MAILTALLY_STATE_URL": server.state_url}
    return CliRunner().invoke(main, ["policy", *arguments], env=environment)


def test_an_aggregator_with_another_zone_is_refused_and_told_both(
    state: State, keys: StateKeys
) -> None:
    adopt_policy(state, keys, "Europe/Berlin")
    adopt_policy(state, keys, "Europe/Berlin")
    with pytest.raises(Refused, match=r"Europe/Berlin.*MAILTALLY_TIMEZONE is UTC"):
        adopt_policy(state, keys, "UTC")
    with pytest.raises(Refused, match="Europe/Berlin"):
        check_policy(state, keys, "UTC")
    assert read_policy(state, keys) == SitePolicy(timezone="Europe/Berlin")


def test_commands_with_another_zone_are_refused_and_told_both(
    empty_redis: EmbeddedRedis, keys: StateKeys, state: State, tmp_path: Path
) -> None:
    adopt_policy(state, keys, "Europe/Berlin")
    state.set(keys.format, FORMAT)
    log = tmp_path / "stats"
    log.touch()
    environment = {
        "MAILTALLY_STATE_URL": empty_redis.state_url,
        "MAILTALLY_DATA_DIR": str(tmp_path / "data"),
        "MAILTALLY_TIMEZONE": "Asia/Tokyo",
    }
    for words in (
        ["doctor"],
        ["report"],
        ["rebuild", "--day", "2026-02-16", "--logs", str(log)],
    ):
        result = CliRunner().invoke(main, words, env=environment)
        assert result.exit_code == 1, words
        assert "counts its days in Europe/Berlin" in result.output, words
        assert "MAILTALLY_TIMEZONE is Asia/Tokyo" in result.output, words


def test_a_charged_status_that_no_record_can_have_is_warned_of_at_the_start(
    state: State, keys: StateKeys, calendar: Calendar, caplog: pytest.LogCaptureFixture
) -> None:
    records = [Record(status="greylisted")]
    header = FakeCollector(state, keys).batch(records)
    Committer(state, keys, calendar).apply([Batch(header, rows(records))], [], NOON)
    charging = ChargingPolicy(charged_statuses=("success", "greylisted", "sucess", "other"))
    warn_of_unmatched(state, keys, charging)
    (record,) = caplog.records
    assert "has 'sucess', which is not a known status" in record.message
    assert "did you mean success" in record.message
    caplog.clear()
    warn_of_unmatched(state, keys, ChargingPolicy())
    assert not caplog.records


def test_fields_of_a_newer_version_are_kept_when_the_policy_is_changed(
    state: State, keys: StateKeys, empty_redis: EmbeddedRedis
) -> None:
    state.set(keys.policy, '{"format": 1, "version": 1, "timezone": "UTC", "colour": "blue"}')
    check_policy(state, keys, "UTC")
    assert command(empty_redis, "--hits", "in-out").exit_code == 0
    assert json.loads(cast("bytes", state.get(keys.policy)))["colour"] == "blue"


def test_a_policy_of_another_version_is_refused(state: State, keys: StateKeys) -> None:
    state.set(keys.policy, '{"format": 9}')
    with pytest.raises(Refused, match="use the version that wrote it"):
        check_policy(state, keys, "UTC")


def test_the_zone_is_changed_only_while_nothing_is_at_work(
    state: State, keys: StateKeys, empty_redis: EmbeddedRedis
) -> None:
    assert "no site policy yet" in command(empty_redis).output
    adopt_policy(state, keys, "UTC")
    state.set(keys.writer_lease, "1")
    assert "An aggregator is running" in command(empty_redis, "--timezone", "Asia/Tokyo").output
    state.delete(keys.writer_lease)
    state.set(keys.payload("0" * 32, 1, "0" * 32), "payload")
    assert "1 batches are sent" in command(empty_redis, "--timezone", "Asia/Tokyo").output
    state.delete(keys.payload("0" * 32, 1, "0" * 32))
    assert command(empty_redis, "--timezone", "Nowhere/Land").exit_code == 2
    assert read_policy(state, keys) == SitePolicy(timezone="UTC")
    changed = command(empty_redis, "--timezone", "Asia/Tokyo")
    assert (changed.exit_code, read_policy(state, keys)) == (
        0,
        SitePolicy(version=2, timezone="Asia/Tokyo"),
    )


def test_an_aggregator_that_charges_otherwise_is_refused_and_told_both(
    state: State, keys: StateKeys
) -> None:
    charging = ChargingPolicy(charged_statuses=("success", "partial"))
    adopt_policy(state, keys, "UTC", charging)
    same = ChargingPolicy(charged_statuses=("partial", "success"))
    adopt_policy(state, keys, "UTC", same)
    check_policy(state, keys, "UTC")
    with pytest.raises(Refused, match=r"partial,success.*CHARGED_STATUSES is all"):
        adopt_policy(state, keys, "UTC", ChargingPolicy())
    with pytest.raises(Refused, match="mailtally policy --hits in-out"):
        check_policy(state, keys, "UTC", charging.model_copy(update={"hits": "in-out"}))
    other = charging.model_copy(update={"quantity": "transferred"})
    with pytest.raises(Refused, match=r"by bytes.*CHARGED_QUANTITY is transferred"):
        check_policy(state, keys, "UTC", other)


def test_the_charging_is_changed_only_while_no_aggregator_works(
    state: State, keys: StateKeys, empty_redis: EmbeddedRedis
) -> None:
    adopt_policy(state, keys, "UTC", ChargingPolicy())
    asked = ("--charged-statuses", "success, partial", "--hits", "in-out")
    state.set(keys.writer_lease, "1")
    assert "An aggregator is running" in command(empty_redis, *asked).output
    state.delete(keys.writer_lease)
    for _ in range(2):  # the second time it changes nothing
        assert "partial,success" in command(empty_redis, *asked).output
        charging = ChargingPolicy(charged_statuses=("success", "partial"), hits="in-out")
        assert read_policy(state, keys) == SitePolicy(version=2, timezone="UTC", charging=charging)
    check_policy(state, keys, "UTC", charging)


def test_an_aggregator_that_counts_hours_otherwise_is_refused_and_told_both(
    state: State, keys: StateKeys
) -> None:
    adopt_policy(state, keys, "UTC", hours=False)
    check_policy(state, keys, "UTC")
    check_policy(state, keys, "UTC", hours=False)
    with pytest.raises(Refused, match=r"has hours off.*MAILTALLY_HOURS is on"):
        check_policy(state, keys, "UTC", hours=True)
    with pytest.raises(Refused, match="mailtally policy --hours on"):
        adopt_policy(state, keys, "UTC")


def test_hours_are_switched_only_while_no_aggregator_works(
    state: State, keys: StateKeys, empty_redis: EmbeddedRedis
) -> None:
    adopt_policy(state, keys, "UTC")
    state.set(keys.writer_lease, "1")
    assert "An aggregator is running" in command(empty_redis, "--hours", "off").output
    state.delete(keys.writer_lease)
    for _ in range(2):  # the second time it changes nothing
        assert "Hours: off." in command(empty_redis, "--hours", "off").output
        assert read_policy(state, keys) == SitePolicy(version=2, timezone="UTC", hours=False)
    assert "Hours: on." in command(empty_redis, "--hours", "on").output
