"""Names that a collector's password can put into Redis are shown nowhere as they are."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any, cast

import pytest

from mailtally_shared.audit.collectors import check_collectors, check_foreign_names
from mailtally_shared.audit.finding import Level
from mailtally_shared.errors import Unavailable
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.history import begin_history
from mailtally_shared.state.keys import host_mark
from mailtally_shared.state.read.books_read import MOST_FORMER, read_books
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.read.went_back import days_of_hours, missing_days, unheard_hosts
from mailtally_shared.state.sweep import sweep
from mailtally_shared.state.untrusted import text
from tests.support.cluster import command
from tests.support.directories import MemoryDirectory, silence, start
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

HOSTILE = ("\x1b[2J\x1b]0;owned\x07", "\u202email", "a\nb", "=cmd()", "UPPER", "x" * 256, "a,b", "")


def spoil(state: State, keys: StateKeys) -> FakeCollector:
    """What one collector's password allows, besides its own work."""
    honest = FakeCollector(state, keys, "mail1")
    state.hset(keys.ledger(honest.id), mapping={"host": "mail1", "hwm": 1, "lines": 5})
    state.sadd(keys.hosts, *(name.encode() for name in HOSTILE), b"\xff\xfe")
    state.sadd(keys.hosts, *(f"never-registered-{n}" for n in range(2000)))
    state.sadd(keys.collectors, *(name.encode() for name in HOSTILE), "f" * 32)
    return honest


def test_names_that_nobody_registered_are_ignored_and_counted(
    state: State, keys: StateKeys
) -> None:
    spoil(state, keys)
    assert set(Totals(state, keys).watermarks()) == {"mail1"}
    books = read_books(state, keys)
    assert set(books.owners) == {"mail1"}
    assert [ledger.host for ledger in books.ledgers] == ["mail1"]
    assert books.foreign == 2 * len(HOSTILE) + 1 + 2000 + 1
    finding = check_foreign_names(books)
    assert finding.level is Level.WARNING
    assert "2,018 names" in finding.sentence


def test_no_day_waits_for_what_a_name_that_nobody_registered_will_send(
    state: State, keys: StateKeys
) -> None:
    honest = spoil(state, keys)
    now = begin_history(state, keys)
    assert unheard_hosts(state, keys) == ("mail1",)
    state.hset(keys.said(honest.id), "history", now.history)
    assert unheard_hosts(state, keys) == ()


def test_very_many_of_them_are_swept_out_and_those_of_collectors_stay(
    state: State, keys: StateKeys
) -> None:
    honest = spoil(state, keys)
    state.sadd(keys.hosts, *(f"{'x' * 20_000_000}{n}" for n in range(2)))
    starting = FakeCollector(state, keys, "mail2")
    state.hset(keys.said(starting.id), "host", "mail2")
    state.sadd(keys.collectors, *(f"{n:032x}" for n in range(3000)), b"\xff" * 10**6)
    for spoken in range(100):
        state.hset(keys.said(f"{spoken:032x}"), "host", ("mail1", "mail2" * 100)[spoken % 2])
    with pytest.raises(Unavailable, match="someone with a collector's password fills it"):
        read_books(state, keys)
    sweep(state, keys)
    assert state.smembers(keys.hosts) == {b"mail1", b"mail2"}
    assert state.smembers(keys.collectors) == {honest.id.encode(), starting.id.encode()}
    assert read_books(state, keys).foreign == 0


def lose_a_directory(state: State, keys: StateKeys, host: str = "mail1") -> str:
    """Start a collector whose state directory is lost before anything was applied; its id."""
    lost = start(state, keys, MemoryDirectory.new(host), host)
    silence(state, keys)
    return lost.collector_id


@pytest.mark.parametrize("times", [1, 3])
def test_a_collector_that_is_succeeded_before_anything_was_applied_is_no_alarm(
    state: State, keys: StateKeys, calendar: Calendar, times: int
) -> None:
    begin_history(state, keys)
    lost = [lose_a_directory(state, keys) for _ in range(times)]
    heir = start(state, keys, MemoryDirectory.new("mail1"))
    speaker = FakeCollector.speaking_for(state, keys, heir)
    batch = Batch(speaker.batch([Record()]), rows([Record()]))
    assert Committer(state, keys, calendar).apply([batch], [], NOON).applied
    books = read_books(state, keys)
    assert check_foreign_names(books).level is Level.OK
    assert {ledger.collector_id for ledger in books.ledgers} == {*lost, heir.collector_id}
    assert {ledger.host for ledger in books.ledgers} == {"mail1"}
    assert books.owners == {"mail1": heir.collector_id}


def test_a_host_that_is_retired_before_anything_was_applied_is_no_alarm(
    state: State, keys: StateKeys
) -> None:
    begin_history(state, keys)
    lose_a_directory(state, keys)
    state.srem(keys.hosts, "mail1")
    assert check_foreign_names(read_books(state, keys)).level is Level.OK


def test_ids_that_a_host_makes_up_without_end_are_an_alarm(state: State, keys: StateKeys) -> None:
    begin_history(state, keys)
    lose_a_directory(state, keys, "mail2")
    start(state, keys, MemoryDirectory.new("mail1"))
    for n in range(MOST_FORMER + 7):
        made_up = f"{host_mark('mail1')}{n:020x}"
        state.sadd(keys.collectors, made_up)
        state.hset(keys.said(made_up), "host", "mail1")
    assert read_books(state, keys).foreign == 7


def test_an_id_that_names_another_host_than_its_own_is_an_alarm(
    state: State, keys: StateKeys
) -> None:
    begin_history(state, keys)
    start(state, keys, MemoryDirectory.new("mail1"))
    made_up = host_mark("mail2") + "0" * 20
    state.sadd(keys.collectors, made_up)
    for claimed in ("mail1", "\x1b[2J", ""):
        state.hset(keys.said(made_up), "host", claimed)
        assert check_foreign_names(read_books(state, keys)).level is Level.WARNING


def test_lost_hours_of_a_collector_that_is_succeeded_outlast_a_sweep(
    state: State, keys: StateKeys, calendar: Calendar
) -> None:
    begin_history(state, keys)
    lost = lose_a_directory(state, keys)
    state.hset(keys.missing(lost), "490000", "1-4")
    start(state, keys, MemoryDirectory.new("mail1"))
    heir = start(state, keys, MemoryDirectory.new("mail2"), "mail2")
    mark = host_mark("mail2")
    for n in range(3000):
        made_up = f"{'f' * 12 if n % 2 else mark}{n:020x}"
        state.sadd(keys.collectors, made_up)
        state.hset(keys.said(made_up), "host", "mail2")
        state.hset(keys.missing(made_up), "1", "1")
    sweep(state, keys)
    left = {text(cast("bytes", each)) for each in state.smembers(keys.collectors)}
    assert {lost, heir.collector_id} <= left
    assert not any(each.startswith("f" * 12) for each in left)
    assert len(left) < 100
    assert days_of_hours([490_000], calendar) <= missing_days(state, keys, calendar).keys()
    (of_it,) = [each for each in read_books(state, keys).ledgers if each.collector_id == lost]
    assert of_it.lost_hours == (490_000,)


def test_few_of_them_are_let_lie(state: State, keys: StateKeys) -> None:
    state.sadd(keys.hosts, "never-registered")
    sweep(state, keys)
    assert state.smembers(keys.hosts) == {b"never-registered"}


HUGE = "9" * 10**7


def test_what_a_collector_says_at_length_is_left_where_it_is(
    state: State, keys: StateKeys, calendar: Calendar
) -> None:
    begin_history(state, keys)
    for host in ("mail1", "mail2"):
        FakeCollector(state, keys, host).read_up_to(NOON)
    liar = FakeCollector(state, keys, "mail3")
    huge: dict[Any, Any] = dict.fromkeys(
        ("id", "epoch", "nonce", "machine", "rival", "rival_at"), HUGE
    )
    state.hset(keys.registration("mail3"), mapping=huge)
    state.hset(keys.said(liar.id), mapping=dict.fromkeys(("passed", "history", "x"), HUGE))
    state.hset(keys.missing(liar.id), mapping={HUGE + HUGE: HUGE})
    tracemalloc.start()
    marks = Totals(state, keys).watermarks()
    books = read_books(state, keys)
    days = missing_days(state, keys, calendar)
    unheard = unheard_hosts(state, keys)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(HUGE) / 4
    assert marks == {"mail1": NOON, "mail2": NOON, "mail3": 0.0}
    assert books.owners["mail3"] == books.registered["mail3"].machine == "(too long)"
    assert (days, unheard) == ({}, ("mail1", "mail2", "mail3"))


def test_a_ledger_counts_for_no_host_but_its_own(state: State, keys: StateKeys) -> None:
    spoil(state, keys)
    liar = FakeCollector(state, keys, "mail2")
    state.hset(keys.ledger(liar.id), mapping={"host": "mail1", "lines": 1000})
    former = host_mark("mail3") + "0" * 20
    for claimed in ("mail1", "mail3"):
        state.sadd(keys.collectors, former)
        state.hset(keys.ledger(former), mapping={"host": claimed, "lines": 7})
        of_host = {ledger.collector_id: ledger.host for ledger in read_books(state, keys).ledgers}
        assert of_host[liar.id] == "mail2"
        assert of_host[former] == ("mail3" if claimed == "mail3" else "a former collector")


def test_reasons_that_are_none_count_as_others(state: State, keys: StateKeys) -> None:
    honest = spoil(state, keys)
    ledger = keys.ledger(honest.id)
    state.hset(ledger, mapping={f"malformed:{name}": 1 for name in HOSTILE})
    state.hset(ledger, mapping={"malformed:bad-bytes": 2})
    (found,) = read_books(state, keys).ledgers
    assert found.malformed == {"bad-bytes": 2, "other": len(HOSTILE)}
    shown = list(check_collectors(read_books(state, keys), [], 900.0, NOON))
    assert all(finding.sentence.isprintable() for finding in shown)


@pytest.mark.parametrize(
    "words",
    [
        ("doctor",),
        ("doctor", "--format", "json"),
        ("report",),
        ("report", "--format", "csv"),
        ("report", "--format", "json"),
        ("quarantine", "list"),
        ("quarantine", "list", "--format", "json"),
        ("retire-host", "\x1b[2J"),
        ("retire-host", "mail1"),
    ],
    ids=" ".join,
)
def test_no_command_shows_a_hostile_name_as_it_is(
    words: tuple[str, ...],
    state: State,
    keys: StateKeys,
    empty_redis: EmbeddedRedis,
    tmp_path: Path,
) -> None:
    honest = spoil(state, keys)
    ledger = keys.ledger(honest.id)
    state.hset(ledger, mapping={"malformed:\x1b[2J": 1, "status": "\x1b[2J", "host": "\x1b[2J"})
    settings = {
        "MAILTALLY_BROKER_URL": empty_redis.broker_url,
        "MAILTALLY_STATE_URL": empty_redis.state_url,
        "MAILTALLY_DATABASE_URL": f"sqlite:///{tmp_path}/billing.db",
        "MAILTALLY_DATA_DIR": str(tmp_path),
    }
    shown = command("mailtally", *words, settings=settings)
    assert len(shown.stdout) + len(shown.stderr) < 20_000
    for line in (shown.stdout + shown.stderr).split("\n"):
        assert line.isprintable(), line
    if "json" in words and shown.stdout:
        json.loads(shown.stdout)
