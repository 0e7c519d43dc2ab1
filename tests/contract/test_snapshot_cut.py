"""A snapshot is copied in pieces while the state changes, and shows it at one moment."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtally_shared.audit.conservation import check_lines, check_records
from mailtally_shared.audit.finding import Level
from mailtally_shared.errors import BadBatch, BadFile, Refused, Unavailable
from mailtally_shared.state.client import State, connect_state, unavailable_errors
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.history import begin_history
from mailtally_shared.state.keys import FORMAT, StateKeys
from mailtally_shared.state.scripts import source
from mailtally_shared.state.snapshot import (
    GivenUp,
    copying,
    pieces,
    restore_snapshot,
    snapshots,
    take_snapshot,
)
from mailtally_shared.state.snapshot.crashes import CrashAt
from tests.architecture.source_tree import modules
from tests.support.records import NOON, FakeCollector, Record, rows
from tests.twin.on_redis import OnRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.wire.announcement import BatchHeader

    Act = Callable[[], object]

KEYS = StateKeys()
DAY = date(2026, 2, 16)
#: Few fields are a hash table already, so that a scan returns them in pieces.
LIMITS = ("hash-max-listpack-entries", "zset-max-listpack-entries", "set-max-listpack-entries")
#: Of a script that changes the state, in that it is recorded like one.
RUN = source("journal.lua") + "\nreturn redis.call(unpack(ARGV))"


@pytest.fixture(params=["empty_redis", "valkey_server"])
def state(request: pytest.FixtureRequest) -> Iterator[State]:
    """An open, empty state, on either server."""
    server: EmbeddedRedis = request.getfixturevalue(request.param)
    with connect_state(server.state_url) as client:
        former = {name: value for name in LIMITS for value in client.config_get(name).values()}
        known = {name: value for name, value in former.items() if client.config_get(name)}
        for name in known:
            client.config_set(name, 2)
        client.flushall()
        client.set(KEYS.format, FORMAT)
        yield client
        for name, value in known.items():
            client.config_set(name, value)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_FIRST", 2)
    monkeypatch.setattr(pieces, "_MOST", 3)
    monkeypatch.setattr(copying, "_TAKEN", 200)
    monkeypatch.setattr(copying, "_KEYS", 3)


def content(state: State) -> dict[str, object]:
    """Return all that the state has and that lasts."""
    client = cast("Any", state)
    reads: dict[bytes, Callable[[bytes], object]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"list": lambda key: client.lrange(key, 0, -1),
    }
    found = {}
    for key in client.keys(KEYS.everything_lasting[0]):
        if client.pttl(key) < 0 and b":payload:" not in key:
            found[key.decode()] = reads[client.type(key)](key)
    return found


class Meanwhile:
    """What happens between the pieces, in turn, and what the state was at the cut."""

    def __init__(self, state: State, acts: Iterator[Act], each: int) -> None:
        self._state, self._acts, self._each = state, acts, each
        self.at_cut: dict[str, object] = {}

    def happen(self) -> None:
        for _ in range(self._each):
            next(self._acts, lambda: None)()

    def read_pieces(self, state: State, keys: Sequence[bytes]) -> Iterator[list[list[Any]]]:
        for found in pieces.read_pieces(state, keys):
            yield found
            self.happen()

    def crash_point(self, point: str) -> None:
        if point == CrashAt.SNAPSHOT_CUT:
            self.at_cut = content(self._state)
        self.happen()


def taken(state: State, directory: Path, acts: Iterator[Act], each: int = 1) -> Meanwhile:
    """Take a snapshot while all that happens, and refill the emptied state from it."""
    meanwhile = Meanwhile(state, acts, each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "read_pieces", meanwhile.read_pieces)
        patch.setattr(copying, "crash_point", meanwhile.crash_point)
        path = take_snapshot(state, KEYS, directory, NOON)
    state.flushall()
    assert restore_snapshot(state, KEYS, path)
    return meanwhile


def key(name: str) -> str:
    return f"{KEYS.tag}:{name}"


MEMBERS = st.sampled_from([f"m{i}" for i in range(12)])
NUMBERS = st.integers(-5, 5)
HASHES, SETS = st.sampled_from([key("h1"), key("h2")]), st.sampled_from([key("s1"), key("s2")])
SORTED, LISTS = st.just(key("z")), st.sampled_from([key("l1"), key("l2")])
COMMANDS = st.one_of(
    st.tuples(st.just("HSET"), HASHES, MEMBERS, NUMBERS, MEMBERS, NUMBERS),
    st.tuples(st.just("HSETNX"), HASHES, MEMBERS, NUMBERS),
    st.tuples(st.just("HINCRBY"), HASHES, MEMBERS, NUMBERS),
    st.tuples(st.just("HDEL"), HASHES, MEMBERS),
    st.tuples(st.just("SADD"), SETS, MEMBERS, MEMBERS),
    st.tuples(st.just("SREM"), SETS, MEMBERS),
    st.tuples(st.just("ZADD"), SORTED, NUMBERS, MEMBERS),
    st.tuples(st.just("ZREM"), SORTED, MEMBERS),
    st.tuples(st.just("ZREMRANGEBYRANK"), SORTED, st.just(0), st.just(-9)),
    st.tuples(st.just("RPUSH"), LISTS, MEMBERS, MEMBERS),
    st.tuples(st.just("LTRIM"), LISTS, st.just(0), st.integers(0, 4)),
    st.tuples(st.just("SET"), st.just(key("t")), MEMBERS),
    st.tuples(st.sampled_from(["UNLINK", "DEL"]), HASHES | SETS | LISTS | SORTED),
)


@given(
    before=st.lists(COMMANDS, max_size=60),
    acts=st.lists(COMMANDS, max_size=80),
    each=st.integers(1, 4),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
def test_a_snapshot_is_the_state_at_its_cut_whatever_scripts_write_meanwhile(
    state: State,
    tmp_path_factory: pytest.TempPathFactory,
    before: list[tuple[str | int, ...]],
    acts: list[tuple[str | int, ...]],
    each: int,
) -> None:
    state.flushall()
    state.set(KEYS.format, FORMAT)
    script = state.register_script(RUN)

    def run(command: tuple[str | int, ...]) -> object:
        return script(keys=[KEYS.snapshot, KEYS.journal], args=list(command))

    for command in before:
        run(command)
    meanwhile = taken(
        state, tmp_path_factory.mktemp("s"), iter([partial(run, command) for command in acts]), each
    )
    assert content(state) == meanwhile.at_cut


class Site:
    """Collectors that send, and a day writer that writes and retires days."""

    def __init__(self, state: State, calendar: Calendar) -> None:
        self.real = OnRedis(state, KEYS, calendar)
        self.state = state
        self.senders = [self.real.collector(host) for host in ("mail1", "mail2")]
        self.sent: list[tuple[BatchHeader, list[Record]]] = []
        self.clock = count(NOON)
        self.numbers = count()

    def act(self, kind: int) -> None:
        sender = self.senders[kind % 2]
        match kind % 7:
            case 0 | 1 | 2:
                self.send(sender, kind)
            case 3:
                self.quarantine(sender)
            case 4:
                self.retire()
            case 5:
                self.speak(sender, kind)
            case _:
                self.senders.append(self.real.collector(f"new{next(self.numbers)}"))

    def send(self, sender: FakeCollector, kind: int) -> None:
        times = (NOON, NOON + 86_400, 4_102_444_800)  # the last is held
        names = [f"d{(kind + i) % 40}.example" for i in range(1 + kind % 9)]
        records = [Record(time=times[kind % 3], domain=name, size=kind) for name in names]
        header = sender.batch(records)
        self.sent.append((header, records))
        assert self.real.apply([Batch(header, rows(records))], [], NOON).applied

    def quarantine(self, sender: FakeCollector) -> None:
        header = sender.batch([Record()])
        self.real.quarantine(header, b"no payload", BadBatch("bad-payload", "broken"), NOON)

    def retire(self) -> None:
        for day in self.real.days()[:1]:
            self.real.begin(day.day)
            self.real.retire(day.day)

    def speak(self, sender: FakeCollector, kind: int) -> None:
        self.state.hset(KEYS.missing(sender.id), str(kind), "1-2")
        self.state.hset(KEYS.said(sender.id), "history", str(kind))

    def conserves(self) -> None:
        books = self.real.books()
        for finding in (check_lines(books.ledgers), check_records(books)):
            assert finding.level is Level.OK, finding.sentence

    def send_all_again(self) -> None:
        """Every batch is sent again, in the order of its number, as collectors do."""
        for header, records in self.sent:
            self.real.apply([Batch(header, rows(records))], [], NOON)


@given(acts=st.lists(st.integers(0, 500), min_size=1, max_size=60), before=st.integers(0, 30))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
def test_what_is_sent_again_after_a_refill_is_neither_lost_nor_counted_twice(
    state: State,
    calendar: Calendar,
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[int],
    before: int,
) -> None:
    state.flushall()
    state.set(KEYS.format, FORMAT)
    site = Site(state, calendar)
    for kind in range(before):
        site.act(kind)
    later = iter([partial(site.act, kind) for kind in acts])
    meanwhile = taken(state, tmp_path_factory.mktemp("s"), later)
    assert content(state) == meanwhile.at_cut
    site.conserves()
    begin_history(state, KEYS)
    site.real.restart()
    site.send_all_again()
    site.conserves()
    counted = {each.collector_id: each.records for each in site.real.books().ledgers}
    for sender in site.senders:
        own = [len(records) for header, records in site.sent if header.collector_id == sender.id]
        # A quarantined batch that came after the cut has the number of none that is sent again.
        assert counted.get(sender.id, 0) == sum(own)


def test_a_collector_that_speaks_without_end_keeps_no_snapshot_from_being_taken(
    state: State, calendar: Calendar, tmp_path: Path
) -> None:
    site = Site(state, calendar)
    site.send(site.senders[0], 8)

    def speak() -> Iterator[Act]:
        for number in count():
            yield partial(site.speak, site.senders[0], number % 5 + 1000 * number)

    taken(state, tmp_path, speak(), each=2)
    site.conserves()


def test_a_journal_without_room_ends_the_snapshot_and_leaves_earlier_ones(
    state: State, calendar: Calendar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(state, calendar)
    site.send(site.senders[0], 8)
    sound = take_snapshot(state, KEYS, tmp_path, NOON)
    monkeypatch.setattr(copying, "ROOM", 100)
    with pytest.raises(GivenUp):
        taken(state, tmp_path, iter([lambda: site.send(site.senders[0], 2)] * 9))
    assert list(tmp_path.iterdir()) == [sound]
    assert not state.exists(KEYS.snapshot, KEYS.journal)
    site.conserves()


def test_a_write_that_the_journal_does_not_know_ends_the_snapshot(
    state: State, tmp_path: Path
) -> None:
    script = state.register_script(RUN)

    def push_in_front() -> object:
        return script(keys=[KEYS.snapshot, KEYS.journal], args=["LPUSH", key("l"), "x"])

    with pytest.raises(GivenUp):
        taken(state, tmp_path, iter([push_in_front]))


def test_a_snapshot_that_another_process_began_ends_this_one(state: State, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pytest.raises(GivenUp):
        taken(state, tmp_path / "own", iter([lambda: take_snapshot(state, KEYS, other, NOON)]))
    assert len(snapshots(other)) == 1


def test_a_snapshot_takes_nothing_from_the_journal_of_one_that_began_later(
    state: State, tmp_path: Path
) -> None:
    later = copying._Copy(state, KEYS, lambda _: None, lambda: True)  # noqa: SLF001 - left unfinished
    with pytest.raises(GivenUp):
        taken(state, tmp_path, iter([later.begin]))
    assert state.exists(KEYS.snapshot)


def test_a_state_that_is_emptied_meanwhile_ends_the_snapshot(state: State, tmp_path: Path) -> None:
    with pytest.raises((GivenUp, Refused)):
        taken(state, tmp_path, iter([state.flushall]))
    assert not list(tmp_path.iterdir())


def test_what_an_interrupted_snapshot_leaves_expires(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = state.register_script(RUN)

    class Killed(BaseException):
        pass

    def die() -> None:
        script(keys=[KEYS.snapshot, KEYS.journal], args=["HSET", key("h"), "a", "1"])
        raise Killed

    monkeypatch.setattr(copying._Copy, "abandon", lambda _: None)  # noqa: SLF001 - a killed process does not
    with pytest.raises(Killed):
        taken(state, tmp_path, iter([die]))
    left = [KEYS.snapshot, KEYS.journal]
    assert all(0 < state.pttl(name) <= 2 * copying.LIFE for name in left)
    # The journal is never gone while scripts still believe that it has everything.
    assert state.pttl(KEYS.journal) >= state.pttl(KEYS.snapshot)
    assert take_snapshot(state, KEYS, tmp_path, NOON).exists()


def test_a_snapshot_of_another_site_is_refused(state: State, tmp_path: Path) -> None:
    path = take_snapshot(state, KEYS, tmp_path, NOON)
    state.flushall()
    with pytest.raises(BadFile, match="no snapshot of this site"):
        restore_snapshot(state, StateKeys("elsewhere"), path)
    assert state.dbsize() == 0


def test_a_snapshot_of_another_version_is_refused(state: State, tmp_path: Path) -> None:
    path = take_snapshot(state, KEYS, tmp_path, NOON)
    path.write_bytes(b"MTS1" + path.read_bytes()[4:])
    with pytest.raises(BadFile, match="another version"):
        restore_snapshot(state, KEYS, path)


def test_the_journal_knows_every_command_of_the_scripts() -> None:
    call = re.compile(r"redis\.p?call\('([A-Z]+)'")
    files = ("commit", "ledger", "sums", "held", "drop", "drop_held", "bring_back", "history")
    more = ("different", "quarantine", "settle", "sweep", "writer_steps")
    used = {name for file in files + more for name in call.findall(source(f"{file}.lua"))}
    known = source("journal.lua")
    assert {name for name in used if not re.search(rf"\b{name}\b", known)} == set()


def test_a_redis_that_restarts_meanwhile_ends_the_snapshot(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter([b"before", b"after"])
    monkeypatch.setattr(copying._Copy, "_run_id", lambda _: next(ids))  # noqa: SLF001 - a server's word
    with pytest.raises(GivenUp, match="failed over"):
        take_snapshot(state, KEYS, tmp_path, NOON)
    assert not list(tmp_path.iterdir())


def test_a_day_writer_that_was_overtaken_takes_no_snapshot(state: State, tmp_path: Path) -> None:
    with pytest.raises(GivenUp, match="another day writer"):
        take_snapshot(state, KEYS, tmp_path, NOON, lambda: False)
    assert not list(tmp_path.iterdir())


def test_no_script_changes_the_state_past_the_journal() -> None:
    """All that write have it in front, by their class, but for those that copy a snapshot."""
    places = {
        module.name for module in modules() if "register_script(" in module.path.read_text("utf-8")
    }
    assert places == {
        "mailtally_shared.state.scripts",
        "mailtally_shared.state.snapshot.copying",
        "mailtally_shared.state.hours.compaction",  # reads only
    }
    assert re.findall(r"call\('(\w+)'", source("sizes.lua")) == ["LRANGE"]


def test_a_connection_that_is_lost_while_it_watches_keys_is_a_server_away(state: State) -> None:
    with state.pipeline(transaction=True) as watched:
        watched.watch("{mailtally}:hosts")  # type: ignore[no-untyped-call]  # its stub has no types
        number = watched.client_id()
        state.client_kill_filter(_id=str(number))
        with pytest.raises(Unavailable, match="does not answer"), unavailable_errors():
            watched.get("{mailtally}:hosts")


def test_a_key_that_changed_while_it_was_watched_is_no_server_away(state: State) -> None:
    with state.pipeline(transaction=True) as watched:
        watched.watch("{mailtally}:hosts")  # type: ignore[no-untyped-call]  # its stub has no types
        state.sadd("{mailtally}:hosts", "mail1")
        watched.multi()
        watched.ping()
        with pytest.raises(redis.WatchError), unavailable_errors():
            watched.execute()
