"""What time the Redis server has."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mailtally_shared.process.clock import redis_shift
from mailtally_shared.state.client import unavailable_errors

if TYPE_CHECKING:
    from mailtally_shared.state.client import State


def seconds_of(answer: object) -> float:
    """Return Unix seconds from what redis-py makes of an answer to TIME."""
    seconds, microseconds = cast("tuple[int, int]", answer)
    return seconds + microseconds / 1e6 + redis_shift()


def redis_time(state: State) -> float:
    """Return the Redis server's clock, in Unix seconds.

    Raises:
        Unavailable: Redis does not answer.
    """
    with unavailable_errors():
        return seconds_of(state.time())
