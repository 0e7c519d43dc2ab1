"""The cluster of docker-compose.yml bills exactly what its hosts wrote, whatever befalls it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.architecture.source_tree import ROOT
from tests.compose.engine import engine
from tests.compose.stack import Stack
from tests.compose.traffic import Traffic
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(1500)

LINES = 300_000
PATIENCE = 180.0
OURS = ("collector", "collector2", "collector3", "aggregator", "loader")


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """Everything up, with three aggregators."""
    compose = engine()
    failed = request.session.testsfailed
    with Stack(compose, tmp_path_factory.mktemp("stack")) as made:
        made.run("build")  # one after the other: they share their first layers
        made.up(aggregators=3)
        try:
            yield made
        finally:
            if request.session.testsfailed > failed:
                sys.stdout.write(made.run("logs", "--no-color", "--tail", "60"))


@pytest.fixture(scope="module")
def traffic(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    return Traffic(tmp_path_factory.mktemp("sources") / "hosts", stack.logs, LINES)


def counted(stack: Stack, traffic: Traffic) -> None:
    wait_until(lambda: stack.lines() == traffic.written, PATIENCE, "counting all that was written")


def under_way(stack: Stack, traffic: Traffic) -> None:
    """Write more, and return while it is being counted."""
    before = traffic.written
    traffic.write()
    wait_until(lambda: stack.lines() > before, PATIENCE, "counting some of what was written")


def analyzed(stack: Stack, out: Path) -> dict[str, bytes]:
    """The day's files as ``mailtally analyze`` makes them of the same logs."""
    logs = map(str, sorted(stack.logs.glob("*/stats*")))
    subprocess.run(
        [sys.executable, "-m", "mailtally", "analyze", *logs, "--out", str(out)],
        env={**os.environ, "MAILTALLY_DATA_DIR": str(out)},
        check=True,
        timeout=PATIENCE,
    )
    return {path.name: path.read_bytes() for path in out.glob("*.qml.*") if path.suffix != ".json"}


def test_everything_comes_up_healthy(stack: Stack) -> None:
    wait_until(stack.is_healthy, PATIENCE, "health of every container")
    assert len(stack.containers("aggregator")) == 3


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_with_no_more_rights_than_it_needs(stack: Stack, service: str) -> None:
    for container in stack.containers(service):
        host = container["HostConfig"]
        assert container["Config"]["User"] == "mailtally"
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Init"]


def test_a_collector_cannot_even_find_the_database(stack: Stack) -> None:
    found = "import socket; print(socket.gethostbyname('{}'))"
    assert stack.run("exec", "-T", "collector", "python", "-c", found.format("redis"))
    assert not stack.run(
        "exec", "-T", "collector", "python", "-c", found.format("postgres"), check=False
    )


def test_what_was_written_is_billed_to_the_byte_through_kills_restarts_and_scaling(
    stack: Stack, traffic: Traffic, tmp_path: Path
) -> None:
    under_way(stack, traffic)
    stack.kill("aggregator")
    under_way(stack, traffic)
    stack.run("restart", "redis")
    counted(stack, traffic)
    traffic.rotate()
    under_way(stack, traffic)
    stack.up(aggregators=1)
    assert len(stack.containers("aggregator")) == 1
    under_way(stack, traffic)
    stack.up(aggregators=4)
    assert len(stack.containers("aggregator")) == 4
    traffic.write()
    counted(stack, traffic)
    expected = traffic.sums()
    wait_until(lambda: stack.billed() == expected, PATIENCE, "billing all that was written")
    files = analyzed(stack, tmp_path)
    wait_until(
        lambda: files.items() <= stack.archived().items(), PATIENCE, "the archive of the day"
    )


def test_the_operators_command_finds_that_everything_adds_up(stack: Stack) -> None:
    stack.run("build", "console")
    said = stack.run("run", "--rm", "-T", "console", "doctor")
    assert "FAILED" not in said
    assert "records = messages" in said
    assert stack.run("run", "--rm", "-T", "console", "quarantine", "list") == ""


def test_every_profile_is_valid(stack: Stack) -> None:
    profiles = [
        word for name in ("console", "monitoring", "rabbitmq") for word in ("--profile", name)
    ]
    rabbitmq = ("-f", str(ROOT / "deploy/rabbitmq/docker-compose.yml"))
    said = stack.run(*rabbitmq, *profiles, "config", "--services")
    assert {"console", "rabbitmq", "prometheus", "grafana"} <= set(said.split())
