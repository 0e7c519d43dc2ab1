"""The embedded Redis keeps its data, its privacy, and to itself."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import kombu
import psutil
import pytest
import redis

from mailtally.local import redis_program
from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally.local.redis_program import RedisProgram, find_redis_program
from mailtally_shared.errors import MailtallyError, Refused
from mailtally_shared.runtime.urls import redis_url
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("redis_program")

#: Starts a server in argv[1], writes a key, prints the server's pid, and stays.
OWNER = """
import pathlib, sys, threading, redis
from mailtally.local.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(pathlib.Path(sys.argv[1]))
server.start()
client = redis.Redis.from_url(server.state_url)
client.set("key", "kept")
print(server.pid, server._watcher.pid, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory with a short name, so that a socket fits into it."""
    with tempfile.TemporaryDirectory(prefix="mailtally-test-") as directory:
        yield Path(directory)


def connect(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.state_url, decode_responses=True)


def start_owner(data_dir: Path) -> tuple[subprocess.Popen[str], int, int]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    server, watcher = owner.stdout.readline().split()
    return owner, int(server), int(watcher)


def fill(client: redis.Redis) -> None:
    for number in range(1000):
        client.set(f"key {number}", "x" * 100_000)


def kill_hard(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_second_start_finds_what_the_first_one_held(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    with server:
        connect(server).set("key", "value")
    with server:
        assert connect(server).get("key") == "value"


@pytest.mark.parametrize("path", list(redis_program.candidates()), ids=str)
def test_every_program_on_this_machine_keeps_its_data(
    path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_program, "candidates", lambda: iter([path]))
    server = EmbeddedRedis(data_dir)
    with server:
        connect(server).set("key", "value")
    with server:
        assert connect(server).get("key") == "value"


def test_both_urls_lead_to_the_same_server(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        with kombu.Connection(server.broker_url) as connection:
            connection.default_channel.client.set("key", "by kombu")
        assert connect(server).get("key") == "by kombu"
        assert redis_url(server.broker_url) == server.state_url


def test_a_path_with_blanks_and_signs_works(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir / "a b%20?#") as server:
        with kombu.Connection(server.broker_url) as connection:
            connection.default_channel.client.set("key", "value")
        assert connect(server).get("key") == "value"


def test_nobody_else_gets_in(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as server:
        folder = data_dir / "redis"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "redis.sock").stat().st_mode) == 0o700
        assert server.pid is not None
        families = {end.family for end in psutil.Process(server.pid).net_connections("all")}
        assert families <= {socket.AF_UNIX}


def test_it_refuses_writes_rather_than_evict_or_grow(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir, max_memory=4 << 20) as server:
        client = connect(server)
        client.set("first", "kept")
        with pytest.raises(redis.OutOfMemoryError):
            fill(client)
        assert client.get("first") == "kept"


def test_a_path_too_long_for_a_socket_works_and_leaves_nothing_behind(data_dir: Path) -> None:
    deep = data_dir / ("d" * 120)
    server = EmbeddedRedis(deep)
    with server:
        connect(server).set("key", "value")
        elsewhere = (deep / "redis" / "socket").readlink()
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
    assert not elsewhere.exists()
    with server:
        assert connect(server).get("key") == "value"


def test_a_second_owner_is_refused_and_the_first_goes_on(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir) as first:
        with pytest.raises(Refused, match="Another mailtally uses"):
            EmbeddedRedis(data_dir).start()
        assert connect(first).ping()


def test_the_server_ends_with_an_owner_that_was_killed(data_dir: Path) -> None:
    owner, server_pid, _ = start_owner(data_dir)
    kill_hard(owner)
    wait_until(lambda: is_gone(server_pid), what="the end of the server")
    with EmbeddedRedis(data_dir) as server:
        assert connect(server).get("key") == "kept"


def test_a_left_over_server_is_stopped_before_the_next_one_starts(data_dir: Path) -> None:
    owner, left_over, watcher = start_owner(data_dir)
    os.kill(watcher, signal.SIGKILL)  # nobody is there to stop the server
    kill_hard(owner)
    assert not is_gone(left_over)
    with EmbeddedRedis(data_dir) as server:
        assert is_gone(left_over)
        assert server.pid != left_over
        assert connect(server).get("key") == "kept"


def test_a_server_that_was_killed_is_started_anew(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    with server:
        connect(server).set("key", "value")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.pid is None, what="the server's death")
    with server:
        assert connect(server).ping()


def test_stop_may_be_called_at_any_time(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert server.pid is None


def test_the_watcher_and_the_server_are_gone_after_stop(data_dir: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    EmbeddedRedis(data_dir).stop()
    with EmbeddedRedis(data_dir):
        pass
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_server_that_cannot_start_says_why_and_frees_the_directory(data_dir: Path) -> None:
    (data_dir / "redis").mkdir()
    (data_dir / "redis" / "appendonlydir").write_text("in the way of the folder")
    (data_dir / "redis" / "appendonly.aof").mkdir()
    server = EmbeddedRedis(data_dir)
    with pytest.raises(MailtallyError):
        server.start()
    (data_dir / "redis" / "appendonlydir").unlink()
    (data_dir / "redis" / "appendonly.aof").rmdir()
    with server:
        assert connect(server).ping()


def test_an_older_program_does_not_overlook_newer_data(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_dir / "redis" / "appendonlydir").mkdir(parents=True)
    older = RedisProgram(Path("/usr/bin/redis-server"), (6, 2))
    monkeypatch.setattr(redis_program, "_program", lambda _: older)
    with pytest.raises(Refused, match=r"written by Redis 7\.0"):
        EmbeddedRedis(data_dir).start()


@pytest.mark.parametrize(
    ("wrote", "expected"),
    [
        (None, "older"),
        (("Redis", (6, 2)), "older"),
        (("Redis", (7, 2)), "valkey"),
        (("Redis", (8, 0)), "newer"),
        (("Valkey", (9, 0)), "valkey"),
    ],
)
def test_an_older_program_in_front_does_not_shadow_the_one_that_can_load_the_data(
    monkeypatch: pytest.MonkeyPatch,
    wrote: tuple[str, tuple[int, int]] | None,
    expected: str,
) -> None:
    found = {
        "older": RedisProgram(Path("older"), (7, 0)),
        "valkey": RedisProgram(Path("valkey"), (9, 1), "Valkey"),
        "newer": RedisProgram(Path("newer"), (8, 2)),
    }
    monkeypatch.setattr(redis_program, "candidates", lambda: map(Path, found))
    monkeypatch.setattr(redis_program, "_program", lambda path: found[path.name])
    writer = wrote and RedisProgram(Path("gone"), wrote[1], wrote[0])
    assert find_redis_program(writer).path.name == expected


def test_the_server_that_wrote_the_data_is_noted(data_dir: Path) -> None:
    with EmbeddedRedis(data_dir):
        pass
    name, version = (data_dir / "redis" / "server-version").read_text("ascii").split()
    program = find_redis_program()
    assert (name, version) == (program.name, ".".join(map(str, program.version)))


def test_a_program_that_does_not_work_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = find_redis_program()
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(redis_program, "candidates", lambda: iter([broken, good.path]))
    assert find_redis_program() == good


def test_without_any_program_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_program, "candidates", lambda: iter([]))
    with pytest.raises(MailtallyError, match="install the package redis-server"):
        find_redis_program()


def test_a_script_torn_by_a_power_failure_is_gone_whole_also_after_further_starts(
    data_dir: Path,
) -> None:
    add = "for i = 1, 5 do redis.call('INCRBY', 'k' .. i, ARGV[1]) end"
    for number in (1, 10):
        with EmbeddedRedis(data_dir) as server, redis.Redis.from_url(server.state_url) as client:
            client.eval(add, 0, number)
    redis_dir = data_dir / "redis"
    files = [*redis_dir.glob("appendonlydir/*.incr.aof"), redis_dir / "appendonly.aof"]
    with next(path for path in files if path.exists()).open("r+b") as file:
        file.truncate(file.seek(0, 2) - 40)
    for number in (100, 1000):
        with EmbeddedRedis(data_dir) as server, redis.Redis.from_url(server.state_url) as client:
            client.eval(add, 0, number)
    with EmbeddedRedis(data_dir) as server, redis.Redis.from_url(server.state_url) as client:
        assert {int(client.get(f"k{i}") or 0) for i in range(1, 6)} == {1101}
