"""What the contract tests of the state share."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally_shared.calendar import Calendar
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import FORMAT, StateKeys
from tests.twin.on_redis import OnRedis
from tests.twin.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State
    from tests.support.records import FakeCollector
    from tests.twin.accounting import Accounting


@pytest.fixture
def keys() -> StateKeys:
    return StateKeys()


@pytest.fixture
def calendar() -> Calendar:
    return Calendar(ZoneInfo("UTC"))


@pytest.fixture
def state(empty_redis: EmbeddedRedis, keys: StateKeys) -> Iterator[State]:
    """A real Redis with an open, empty state in it."""
    with connect_state(empty_redis.state_url) as client:
        client.set(keys.format, FORMAT)
        yield client


@pytest.fixture(params=["server", "valkey", "twin"])
def accounting(
    request: pytest.FixtureRequest, keys: StateKeys, calendar: Calendar
) -> Iterator[Accounting]:
    """An open, empty state: on the session's server, on a Valkey, and in memory."""
    if request.param == "twin":
        yield Twin(calendar)
        return
    fixture = "empty_redis" if request.param == "server" else "valkey_server"
    server: EmbeddedRedis = request.getfixturevalue(fixture)
    with connect_state(server.state_url) as client:
        client.flushall()
        client.set(keys.format, FORMAT)
        yield OnRedis(client, keys, calendar)


@pytest.fixture
def mail1(accounting: Accounting) -> FakeCollector:
    """A collector of the host ``mail1``."""
    return accounting.collector()
