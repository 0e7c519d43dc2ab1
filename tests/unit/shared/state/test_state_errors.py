"""Which of Redis's refusals pass by themselves."""

from __future__ import annotations

import pytest
import redis
from amqp import exceptions as amqp

from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.state.client import unavailable_errors
from mailtally_shared.wire.queue import broker_errors, connect_broker

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


@pytest.mark.parametrize(
    "error",
    [
        redis.ResponseError("MISCONF Errors writing to the AOF file"),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica."),
        redis.ResponseError("READONLY You can't write against a read only replica."),
        redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        redis.exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.exceptions.MasterDownError("Link with MASTER is down"),
        redis.exceptions.ClusterDownError("The cluster is down"),
        redis.exceptions.TryAgainError("Multiple keys request during rehashing of slot"),
        redis.exceptions.NoPermissionError("this user has no permissions to run the 'get' command"),
        redis.exceptions.AuthenticationError("invalid username-password pair or user is disabled."),
        redis.ResponseError("NOAUTH Authentication required."),
        redis.ResponseError("WRONGPASS invalid username-password pair or user is disabled."),
        redis.ResponseError("NOREPLICAS Not enough good replicas to write."),
        redis.ResponseError("BUSY Redis is busy running a script."),
        redis.ResponseError("max number of clients reached"),
        redis.exceptions.MaxConnectionsError("Too many connections"),
        redis.exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1 400 Bad Request'"),
        redis.ConnectionError("Error -2 connecting to nowhere.invalid:6379. Name not known."),
        redis.ConnectionError("Error 1 connecting: [SSL: CERTIFICATE_VERIFY_FAILED]"),
        redis.TimeoutError("Timeout reading from socket"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:40],
)
def test_what_a_redis_may_do_any_day_is_waited_for(error: Exception) -> None:
    broker = connect_broker("redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable, match="Redis"), unavailable_errors():
        raise error
    with pytest.raises(Unavailable, match="broker"), broker_errors(broker):
        raise error


@pytest.mark.parametrize(
    ("error", "what_to_do"),
    [
        (redis.exceptions.MovedError("866 127.0.0.1:7001"), "one server"),
        (redis.exceptions.AskError("866 127.0.0.1:7001"), "one server"),
        (redis.ResponseError("MOVED 866 127.0.0.1:7001"), "one server"),
        (redis.ResponseError("SELECT is not allowed in cluster mode"), "one server"),
        (redis.ResponseError("DB index is out of range"), "name another"),
    ],
    ids=str,
)
def test_a_redis_that_no_waiting_makes_usable_is_refused(error: Exception, what_to_do: str) -> None:
    broker = connect_broker("redis://127.0.0.1:1/0")
    with pytest.raises(Refused, match=what_to_do), unavailable_errors():
        raise error
    with pytest.raises(Refused, match=what_to_do), broker_errors(broker):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        amqp.AccessRefused("ACCESS_REFUSED - Login was refused", (0, 0), "403", 403),
        amqp.ResourceLocked("RESOURCE_LOCKED - cannot obtain exclusive access"),
        amqp.PreconditionFailed("PRECONDITION_FAILED - delivery acknowledgement timed out"),
        amqp.ConnectionForced("CONNECTION_FORCED - broker forced connection closure"),
        amqp.NotAllowed("NOT_ALLOWED - vhost mailtally not found"),
        amqp.NotFound("NOT_FOUND - no queue 'mailtally.batches'"),
        amqp.ResourceError("RESOURCE_ERROR"),
        ConnectionRefusedError(111, "Connection refused"),
        OSError("Server unexpectedly closed connection"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_rabbitmq_may_do_any_day_is_waited_for(error: Exception) -> None:
    with pytest.raises(Unavailable), broker_errors(connect_broker("amqp://127.0.0.1:1//")):
        raise error


def test_a_queue_of_another_kind_is_refused_with_what_to_do() -> None:
    error = amqp.PreconditionFailed(
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'mailtally.batches'"
    )
    refused = pytest.raises(Refused, match="delete it")
    with refused, broker_errors(connect_broker("amqp://127.0.0.1:1//")):
        raise error
