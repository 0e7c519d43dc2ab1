"""Which of Redis's refusals pass by themselves."""

from __future__ import annotations

import pytest
import redis

from mailtally_shared.errors import Unavailable
from mailtally_shared.queue import broker_errors, connect_broker
from mailtally_shared.state.client import unavailable_errors

FULL = "MISCONF Errors writing to the AOF file: No space left on device"


@pytest.mark.parametrize(
    "message",
    [
        FULL,
        f"Command # 1 (SET key payload) of pipeline caused error: {FULL}",
        f"Error running script (call to f_9c32): @user_script:12: @user_script: 12: -{FULL}.",
    ],
    ids=["command", "pipeline", "script of Redis 6"],
)
def test_a_full_disk_of_redis_is_waited_for_wherever_it_is_told(message: str) -> None:
    with pytest.raises(Unavailable) as caught, unavailable_errors():
        raise redis.ResponseError(message)
    assert str(caught.value) == f"Redis (the state) cannot work now: {FULL}."


def test_a_refusal_of_the_broker_is_not_told_as_silence() -> None:
    connection = connect_broker("redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable) as caught, broker_errors(connection):
        raise redis.ResponseError(FULL)
    assert str(caught.value) == f"The broker cannot work now: {FULL}."


def test_a_mistake_of_ours_is_not_waited_for() -> None:
    with pytest.raises(redis.ResponseError), unavailable_errors():
        raise redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind")
