"""What the contract tests of the state share."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailtally_shared.calendar import Calendar
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import FORMAT, StateKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailtally.embedded_redis import EmbeddedRedis
    from mailtally_shared.state.client import State


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
