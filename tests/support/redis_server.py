"""A real Redis for the tests: one server a session, an empty one for each test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from mailtally.embedded_redis import EmbeddedRedis
from mailtally.redis_program import find_redis_program
from mailtally_shared.errors import MailtallyError
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def redis_program() -> Path:
    """A server program; without one the test is skipped, or fails in CI."""
    try:
        return find_redis_program().path
    except MailtallyError as error:
        missing("a Redis server", error)


@pytest.fixture(scope="session")
def redis_server(redis_program: Path) -> Iterator[EmbeddedRedis]:  # noqa: ARG001  # its skip
    """The session's server, with append-only file."""
    # Not pytest's tmp_path: its long names would not hold a socket.
    with (
        tempfile.TemporaryDirectory(prefix="mailtally-test-") as directory,
        EmbeddedRedis(Path(directory)) as server,
    ):
        yield server


@pytest.fixture
def empty_redis(redis_server: EmbeddedRedis) -> EmbeddedRedis:
    """The session's server with nothing in it."""
    with redis.Redis.from_url(redis_server.state_url) as client:
        client.flushall()
        client.script_flush()
    return redis_server


@pytest.fixture
def redis_client(empty_redis: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A client, answers as bytes, of the session's server with nothing in it."""
    with redis.Redis.from_url(empty_redis.state_url) as client:
        yield client
