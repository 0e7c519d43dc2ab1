"""What each user of Redis may do, and may not: deploy/redis/make-acl on a real server."""

from __future__ import annotations

import secrets
import subprocess
from typing import TYPE_CHECKING

import pytest
import redis

from mailtally_collector.ship.ledger import Ledger
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.client import connect_state, unavailable_errors
from mailtally_shared.state.keys import FORMAT, StateKeys, host_mark
from mailtally_shared.state.read.books_read import read_books
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.wire.queue import QUEUE
from tests.architecture.source_tree import ROOT
from tests.support.directories import MemoryDirectory, start
from tests.support.own_redis import OwnRedis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAKE_ACL = ROOT / "deploy/redis/make-acl"
USERS = ("admin", "aggregator", "reader", "health", "collector-mail1", "collector-mail2")
KEYS = StateKeys()
MINE, THEIRS = (host_mark(host) + "0" * 20 for host in ("mail1", "mail2"))


def make_acl(directory: Path, passwords: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    directory.mkdir(exist_ok=True)
    for user, password in passwords.items():
        (directory / user).write_text(password + "\n")
    words = ["sh", str(MAKE_ACL), str(directory)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def passwords() -> dict[str, str]:
    return {user: secrets.token_hex(16) for user in USERS}


@pytest.fixture(scope="module")
def server(
    passwords: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnRedis]:
    directory = tmp_path_factory.mktemp("acl")
    made = make_acl(directory / "secrets", passwords)
    assert made.returncode == 0, made.stderr
    (directory / "users.acl").write_text(made.stdout)
    with OwnRedis(directory, ("--aclfile", str(directory / "users.acl"))) as running:
        yield running


@pytest.fixture
def admin(server: OwnRedis, passwords: dict[str, str]) -> Iterator[redis.Redis]:
    with server.client("admin", passwords["admin"]) as client:
        client.flushall()
        client.set(KEYS.format, FORMAT)
        yield client


@pytest.fixture
def mail1(
    admin: redis.Redis,  # noqa: ARG001 - the state is open
    server: OwnRedis,
    passwords: dict[str, str],
) -> Iterator[redis.Redis]:
    with server.client("collector-mail1", passwords["collector-mail1"]) as client:
        yield client


def assert_refused(client: redis.Redis, *command: object) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)  # type: ignore[no-untyped-call]  # its stub has no types


def test_without_a_password_nobody_gets_in(server: OwnRedis) -> None:
    with redis.Redis(port=server.port) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()


NOT_A_COLLECTORS: list[tuple[object, ...]] = [
    # others' payloads, and reading even its own
    ("GET", KEYS.payload(MINE, 1, "0")),
    ("SET", KEYS.payload(THEIRS, 1, "0"), "x"),
    ("SET", KEYS.payload(MINE, 1, "0"), "x", "GET"),
    ("DEL", KEYS.payload(MINE, 1, "0")),
    # others' ledgers and host names, and what only aggregators write of its own
    ("HGET", KEYS.ledger(THEIRS), "hwm"),
    ("HSET", KEYS.ledger(THEIRS), "hwm", 9),
    ("DEL", KEYS.ledger(MINE)),
    ("HGETALL", KEYS.ledger(THEIRS)),
    ("HSET", KEYS.ledger(MINE), "hwm", 9),
    ("HSETNX", KEYS.ledger(MINE), "x", 9),
    ("HSET", KEYS.said(THEIRS), "passed", 9),
    ("HGETALL", KEYS.said(MINE)),
    ("HDEL", KEYS.said(MINE), "passed"),
    ("HSET", KEYS.missing(THEIRS), "1", "1"),
    ("SET", KEYS.alive(THEIRS, "0" * 32), "1"),
    ("HSET", KEYS.ahead(MINE), "7", "x"),
    ("HSET", KEYS.checksums(MINE), "7", "x"),
    ("HMGET", KEYS.checksums(THEIRS), "7"),
    ("SET", KEYS.alive(THEIRS, "0"), "1"),
    ("DEL", KEYS.alive(MINE, "0")),
    ("HMGET", KEYS.registration("mail2"), "id"),
    ("HSET", KEYS.registration("mail2"), "id", MINE),
    ("DEL", KEYS.registration("mail1")),
    # who counts at all
    ("SET", KEYS.format, "2"),
    ("DEL", KEYS.format),
    ("SMEMBERS", KEYS.hosts),
    ("SREM", KEYS.hosts, "mail2"),
    ("SMEMBERS", KEYS.collectors),
    # the totals, the days, the quarantine, the day writer's office
    ("ZRANGE", KEYS.totals.days, 0, -1),
    ("HINCRBY", "{mailtally}:totals:2026-02-16:h", "x", 1),
    ("HSET", "{mailtally}:day:2026-02-16", "bytes", 0),
    ("HGETALL", KEYS.quarantine),
    ("SET", KEYS.closed_before, "2027-01-01"),
    ("SET", KEYS.writer_lease, "1"),
    # others' announcements
    ("LRANGE", QUEUE, 0, -1),
    ("RPOP", QUEUE),
    ("BRPOP", QUEUE, 1),
    ("DEL", QUEUE),
    ("LPUSH", f"{QUEUE}.unacked", "x"),
    ("HGETALL", f"{QUEUE}.unacked"),
    ("LPUSH", "another.queue", "x"),
    # the server: scripts, looking around, its settings
    ("EVAL", "return 1", 0),
    ("EVALSHA", "0" * 40, 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("FUNCTION", "LIST"),
    ("KEYS", "*"),
    ("SCAN", 0),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("INFO",),
    ("MONITOR",),
    ("SUBSCRIBE", "x"),
    ("CLIENT", "LIST"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("SHUTDOWN",),
    ("REPLICAOF", "192.0.2.1", 6379),
    ("SWAPDB", 0, 1),
]


@pytest.mark.parametrize("command", NOT_A_COLLECTORS, ids=lambda words: " ".join(map(str, words)))
def test_a_collector_has_no_right_to(mail1: redis.Redis, command: tuple[object, ...]) -> None:
    assert_refused(mail1, *command)


def test_a_collector_has_what_it_needs_and_finds_its_predecessors_ledger(
    mail1: redis.Redis, admin: redis.Redis
) -> None:
    former = host_mark("mail1") + "f" * 20
    admin.hset(KEYS.registration("mail1"), mapping={"id": former, "epoch": 1, "nonce": "1"})
    admin.hset(KEYS.ledger(former), "progress", "{}")
    ledger = Ledger(mail1, KEYS)
    registration = start(mail1, KEYS, MemoryDirectory(MINE))
    assert ledger.applied(registration).hwm == 0
    ledger.show_life(registration)
    assert ledger.checksums(MINE, [1]) == [None]
    ledger.note_rival("mail1", "a copy", 1.0)
    inherited = ledger.inherited(MINE)
    assert inherited is not None
    assert inherited.at_hwm == "{}"
    ledger.acknowledge(registration, "a" * 32)
    ledger.give_up(registration, [(1, 4)], {1: "1-4"})
    applied = ledger.applied(registration)
    assert (applied.hwm, applied.acknowledged) == (4, "a" * 32)


@pytest.mark.parametrize("user", ["reader", "aggregator"])
def test_who_counts_and_who_reports_may_read_what_collectors_said(
    mail1: redis.Redis, server: OwnRedis, passwords: dict[str, str], user: str
) -> None:
    start(mail1, KEYS, MemoryDirectory(MINE))
    with server.client(user, passwords[user]) as reading:
        assert Totals(reading, KEYS).watermarks() == {"mail1": 0.0}
        assert read_books(reading, KEYS).owners == {"mail1": MINE}


def test_a_collector_cannot_register_under_another_hosts_name(mail1: redis.Redis) -> None:
    with pytest.raises(Unavailable, match="cannot work now"):
        start(mail1, KEYS, MemoryDirectory.new("mail2"), "mail2")


NOT_A_READERS: list[tuple[object, ...]] = [
    ("SET", KEYS.format, "2"),
    ("HINCRBY", "{mailtally}:totals:2026-02-16:h", "x", 1),
    ("DEL", KEYS.ledger(MINE)),
    ("LPUSH", QUEUE, "x"),
    ("RPOP", QUEUE),
    ("EVAL", "return redis.call('DEL', KEYS[1])", 1, KEYS.format),
    ("FLUSHALL",),
    ("CONFIG", "GET", "*"),
    ("GET", "of.another.program"),
]


@pytest.mark.parametrize("command", NOT_A_READERS, ids=lambda words: " ".join(map(str, words)))
def test_who_reads_reports_has_no_right_to(
    admin: redis.Redis,  # noqa: ARG001 - the state is open
    server: OwnRedis,
    passwords: dict[str, str],
    command: tuple[object, ...],
) -> None:
    with server.client("reader", passwords["reader"]) as reader:
        assert reader.get(KEYS.format) == FORMAT.encode()
        assert_refused(reader, *command)


NOT_AN_AGGREGATORS: list[tuple[object, ...]] = [
    ("GET", "of.another.program"),
    ("EVAL", "return redis.call('GET', 'of.another.program')", 0),
    ("FLUSHALL",),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("ACL", "SETUSER", "aggregator", "allkeys"),
    ("SHUTDOWN",),
    ("MONITOR",),
]


@pytest.mark.parametrize("command", NOT_AN_AGGREGATORS, ids=lambda words: " ".join(map(str, words)))
def test_an_aggregator_has_no_right_to(
    admin: redis.Redis,
    server: OwnRedis,
    passwords: dict[str, str],
    command: tuple[object, ...],
) -> None:
    admin.set("of.another.program", "x")
    with (
        server.client("aggregator", passwords["aggregator"]) as aggregator,
        pytest.raises(redis.ResponseError, match=r"(?i)permission|can't access"),
    ):
        aggregator.execute_command(*command)


def test_who_asks_for_health_may_ask_nothing_else(
    admin: redis.Redis,  # noqa: ARG001 - the state is open
    server: OwnRedis,
    passwords: dict[str, str],
) -> None:
    with server.client("health", passwords["health"]) as health:
        assert health.ping()
        assert_refused(health, "GET", KEYS.format)
        assert_refused(health, "INFO")


def test_a_wrong_password_is_waited_for_in_one_sentence_without_it(server: OwnRedis) -> None:
    wrong = secrets.token_hex(16)
    with (
        connect_state(server.url("aggregator", wrong)) as client,
        pytest.raises(Unavailable, match="invalid username-password pair") as told,
        unavailable_errors(),
    ):
        client.ping()
    assert wrong not in str(told.value)


def test_the_file_has_no_password_but_its_hash(tmp_path: Path, passwords: dict[str, str]) -> None:
    made = make_acl(tmp_path / "secrets", passwords)
    assert not any(password in made.stdout for password in passwords.values())
    assert len([line for line in made.stdout.splitlines() if " #" in line]) == len(USERS)


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("aggregator", "x6%y", "shorter than 16"),
        ("aggregator", "", "shorter than 16"),
        ("aggregator", "change-me-change-me-change-me", "is an example"),
        ("collector-MAIL*", "0123456789abcdef", "names no host"),
        ("somebody", "0123456789abcdef", "no user there is"),
    ],
)
def test_a_password_that_protects_nothing_makes_no_file(
    tmp_path: Path, user: str, password: str, said: str
) -> None:
    made = make_acl(tmp_path / "secrets", {user: password})
    assert made.returncode == 1
    assert said in made.stderr
    assert not password or password not in made.stderr
