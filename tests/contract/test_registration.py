"""Which start of a collector counts for a host name, on a real Redis and with real directories."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_collector.ship.inheritance import Inherited
from mailtally_collector.ship.ledger import Applied, Displaced, Ledger
from mailtally_collector.spool.progress import Progress
from mailtally_collector.spool.spool import Spool
from mailtally_collector.tail.positions import Mark, Position, Span
from mailtally_shared.errors import Fenced, Refused, Unavailable
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import host_mark
from tests.support.directories import LIFE, MemoryDirectory, registrar, silence, start
from tests.support.records import NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from redis.client import Pipeline

    from mailtally_collector.ship.ledger import Registration
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

RECORDS = [Record()]


@pytest.fixture
def ledger(state: State, keys: StateKeys) -> Ledger:
    return Ledger(state, keys, LIFE)


class Cluster:
    """Applies batches in the name of starts."""

    def __init__(self, state: State, keys: StateKeys, calendar: Calendar) -> None:
        self.state, self.keys = state, keys
        self.committer = Committer(state, keys, calendar)

    def count(self, directory: MemoryDirectory, who: Registration, *records: Record) -> str:
        """Make the directory's next batch, deliver it, and say what became of it."""
        sender = FakeCollector.speaking_for(self.state, self.keys, who)
        seq = directory.remembered().last_seq + 1
        header = directory.batches[seq] = sender.batch(records or RECORDS, seq=seq)
        batch = Batch(header, rows(records or RECORDS))
        outcome = self.committer.apply([batch], [], NOON)
        lists = ("applied", "known", "different", "fenced", "outdated")
        return next(name for name in lists if getattr(outcome, name))


@pytest.fixture
def cluster(state: State, keys: StateKeys, calendar: Calendar) -> Cluster:
    return Cluster(state, keys, calendar)


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory.new("mail1")


# The ordinary course


def test_the_first_collector_of_a_host_gets_epoch_one(
    state: State, keys: StateKeys, directory: MemoryDirectory, ledger: Ledger
) -> None:
    mine = start(state, keys, directory)
    assert mine.epoch == 1
    assert ledger.inherited(directory.collector_id) is None
    assert ledger.applied(mine) == Applied(0, frozenset())


def test_a_restart_raises_the_epoch_at_once(
    state: State, keys: StateKeys, directory: MemoryDirectory, ledger: Ledger
) -> None:
    before = start(state, keys, directory)
    after = start(state, keys, directory)
    assert (after.epoch, after.collector_id) == (2, before.collector_id)
    assert after.nonce != before.nonce
    with pytest.raises(Displaced):
        ledger.applied(before)


def test_what_a_former_start_announced_is_left_to_the_present_one(
    state: State, keys: StateKeys, directory: MemoryDirectory, cluster: Cluster
) -> None:
    before = start(state, keys, directory)
    after = start(state, keys, directory)
    assert cluster.count(directory.copy(), before) == "outdated"
    assert cluster.count(directory, after) == "applied"


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_start_that_was_interrupted_after_any_step_is_finished_by_the_next_one(
    state: State, keys: StateKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Also when the next ones are interrupted, and of a directory that has a predecessor."""
    start(state, keys, MemoryDirectory.new("mail1"))
    silence(state, keys)
    left = [steps, steps, 99]

    def crash(_point: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise InterruptedError

    monkeypatch.setattr("mailtally_collector.ship.registrar.crash_point", crash)
    with Spool.open(tmp_path, host_mark("mail1")) as spool:
        for _ in range(2):
            try:
                start(state, keys, spool)
            except InterruptedError:
                left.pop(0)
        left[:] = [99]
        mine = start(state, keys, spool)
        assert spool.identity.remembered().registered is not None
        assert Ledger(state, keys).applied(mine) == Applied(0, frozenset())
    owner = keys.registration("mail1")
    assert state.hget(owner, "nonce") == mine.nonce.encode()
    assert state.hget(keys.said(mine.collector_id), "predecessor")


def test_a_start_withdraws_the_word_that_the_input_has_ended(
    ledger: Ledger, state: State, keys: StateKeys, directory: MemoryDirectory
) -> None:
    mine = start(state, keys, directory)
    word: dict[Any, Any] = {"nonce": mine.nonce, "watermark": 253402214400}
    state.hset(keys.ledger(mine.collector_id), mapping=word)
    assert ledger.applied(mine).watermark == 253402214400
    assert ledger.applied(start(state, keys, directory)).watermark == 0


def test_a_state_that_no_aggregator_opened_is_waited_for(
    state: State, keys: StateKeys, directory: MemoryDirectory
) -> None:
    state.flushall()
    with pytest.raises(Unavailable, match="aggregator"):
        start(state, keys, directory)
    assert state.dbsize() == 0


def test_what_is_applied_is_seen(
    ledger: Ledger, state: State, keys: StateKeys, directory: MemoryDirectory, cluster: Cluster
) -> None:
    mine = start(state, keys, directory)
    for last in (0, 1, 3):
        skipped = directory.copy()
        skipped.batches = {last: directory.batches[last]} if last in directory.batches else {}
        if last:
            skipped.batches = {last: next(iter(directory.batches.values()))}
        cluster.count(skipped, mine)
        directory.batches |= skipped.batches
    assert ledger.applied(mine) == Applied(2, frozenset({4}))


def test_a_directory_of_another_host_name_is_refused(
    state: State, keys: StateKeys, directory: MemoryDirectory
) -> None:
    with pytest.raises(Refused, match="MAILTALLY_COLLECTOR__HOST"):
        start(state, keys, directory, "mail2")


# A directory that was lost


def test_a_new_directory_takes_over_from_a_silent_owner(
    state: State, keys: StateKeys, directory: MemoryDirectory, ledger: Ledger
) -> None:
    before = start(state, keys, directory)
    silence(state, keys)
    after = start(state, keys, MemoryDirectory.new("mail1"))
    assert after.epoch == before.epoch + 1
    with pytest.raises(Displaced):
        ledger.applied(before)
    with pytest.raises(Fenced, match="mail1"):
        registrar(state, keys, directory, "mail1", "one").renew()


def test_a_successor_inherits_positions_and_what_was_applied_beyond_a_gap(
    state: State, keys: StateKeys, cluster: Cluster, ledger: Ledger
) -> None:
    sender = FakeCollector(state, keys)
    for seq in (1, 2, 5):
        header = sender.batch(RECORDS, seq=seq)
        cluster.committer.apply([Batch(header, rows(RECORDS))], [], NOON)
    new = MemoryDirectory.new("mail1")
    start(state, keys, new)
    inherited = ledger.inherited(new.collector_id)
    assert inherited is not None
    assert inherited.at_hwm == '{"note":2}'
    assert inherited.ahead == ('{"note":5}',)


def test_an_inheritance_passes_through_successors_that_applied_nothing(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory, ledger: Ledger
) -> None:
    cluster.count(directory, start(state, keys, directory))
    for _ in range(2):
        silence(state, keys)
        last = start(state, keys, MemoryDirectory.new("mail1"))
    inherited = ledger.inherited(last.collector_id)
    assert inherited is not None
    assert inherited.at_hwm == '{"note":1}'


def test_a_successor_that_applied_only_beyond_a_gap_hands_on_what_it_inherited(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory, ledger: Ledger
) -> None:
    """Its own first batches are read again, and nothing that was counted before them."""
    mine = start(state, keys, directory)
    for _ in range(2):
        cluster.count(directory, mine)
    silence(state, keys)
    second = start(state, keys, MemoryDirectory.new("mail1"))
    sender = FakeCollector.speaking_for(state, keys, second)
    beyond = Batch(sender.batch(RECORDS, seq=3), rows(RECORDS))
    assert cluster.committer.apply([beyond], [], NOON).applied
    silence(state, keys)
    third = start(state, keys, MemoryDirectory.new("mail1"))
    inherited = ledger.inherited(third.collector_id)
    assert inherited == Inherited('{"note":2}', ('{"note":3}',))


def test_of_two_that_register_at_the_same_moment_one_finds_the_other(
    state: State, keys: StateKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = MemoryDirectory.new("mail1"), MemoryDirectory.new("mail1")
    queue = Ledger._queue  # noqa: SLF001 - between the last look and the writing comes the other one
    overtaken: list[Ledger] = []

    def be_overtaken(self: Ledger, pipeline: Pipeline, *args: object) -> None:
        if not overtaken:
            overtaken.append(self)
            start(state, keys, second)
        queue(self, pipeline, *args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(Ledger, "_queue", be_overtaken)
    with pytest.raises(Unavailable, match="just now"):
        start(state, keys, first)
    with pytest.raises(Unavailable, match="moment ago"):
        start(state, keys, first)
    assert state.hget(keys.registration("mail1"), "id") == second.collector_id.encode()


# Two at work


def test_a_copy_waits_until_the_owner_is_heard_again_and_stops_naming_both_machines(
    state: State, keys: StateKeys, directory: MemoryDirectory, ledger: Ledger
) -> None:
    copy = directory.copy()
    mine = start(state, keys, directory, machine="the original")
    state.pexpire(keys.alive(mine.collector_id, mine.nonce), 30_000)
    newcomer = registrar(state, keys, copy, "mail1", "the copy")
    for _ in range(3):
        with pytest.raises(Unavailable, match="the original"):
            newcomer.start()
    ledger.show_life(mine)
    with pytest.raises(Fenced, match=r"the original.*the copy"):
        newcomer.start()
    assert state.hget(keys.registration("mail1"), "rival") == b"the copy"
    assert ledger.applied(mine) == Applied(0, frozenset())


def test_a_copy_takes_over_once_the_owner_is_silent(
    state: State, keys: StateKeys, directory: MemoryDirectory
) -> None:
    copy = directory.copy()
    start(state, keys, directory)
    newcomer = registrar(state, keys, copy, "mail1", "the copy")
    with pytest.raises(Unavailable):
        newcomer.start()
    silence(state, keys)
    assert newcomer.start().epoch == 2


@pytest.mark.parametrize("first", ["original", "clone"])
def test_of_a_clone_and_its_original_the_one_that_starts_later_is_stopped_or_stops_the_other(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory, first: str
) -> None:
    """In either order: what one of them counts the other never counts under the same number."""
    cluster.count(directory, start(state, keys, directory))
    clone = directory.copy()
    early, late = (directory, clone) if first == "original" else (clone, directory)
    silence(state, keys)
    running = start(state, keys, early, machine="early")
    assert cluster.count(early, running, Record(size=1)) == "applied"
    with pytest.raises(Unavailable, match="early"):
        start(state, keys, late, machine="late")
    assert cluster.count(early, running, Record(size=2)) == "applied"


def test_a_clone_of_a_collector_at_work_overtakes_it_and_the_original_learns_that(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory, ledger: Ledger
) -> None:
    original = start(state, keys, directory, machine="the original")
    clone = directory.copy()
    overtaking = start(state, keys, clone, machine="the clone")
    assert cluster.count(directory, original) == "outdated"
    with pytest.raises(Displaced):
        ledger.applied(original)
    with pytest.raises(Fenced, match=r"the clone.*the original"):
        registrar(state, keys, directory, "mail1", "the original").renew()
    assert cluster.count(clone, overtaking) == "applied"


def test_two_that_run_from_one_memory_are_told_apart_by_their_batches(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory
) -> None:
    """A machine cloned while it runs: id, epoch and nonce are the same."""
    mine = start(state, keys, directory)
    twin = directory.copy()
    assert cluster.count(directory, mine, Record(size=1)) == "applied"
    assert cluster.count(twin, mine, Record(size=2)) == "different"
    assert cluster.count(twin, mine, Record(size=3)) == "applied"
    silence(state, keys)
    assert start(state, keys, twin).collector_id != mine.collector_id


# Old copies


def test_an_old_copy_gets_a_fresh_identity_and_the_ledgers_positions(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory, ledger: Ledger
) -> None:
    mine = start(state, keys, directory)
    cluster.count(directory, mine)
    backup = directory.copy()
    cluster.count(directory, mine)
    silence(state, keys)
    restored = start(state, keys, backup)
    assert restored.collector_id != mine.collector_id
    assert restored.epoch == mine.epoch + 1
    inherited = ledger.inherited(restored.collector_id)
    assert inherited is not None
    assert inherited.at_hwm == '{"note":2}'
    assert cluster.count(backup, restored) == "applied"
    assert cluster.count(directory, mine) == "fenced"


def test_an_old_copy_is_known_by_what_is_applied_beyond_a_gap(
    state: State, keys: StateKeys, cluster: Cluster, directory: MemoryDirectory
) -> None:
    mine = start(state, keys, directory)
    backup = directory.copy()
    sender = FakeCollector.speaking_for(state, keys, mine)
    beyond = Batch(sender.batch(RECORDS, seq=3), rows(RECORDS))
    assert cluster.committer.apply([beyond], [], NOON).applied
    silence(state, keys)
    assert start(state, keys, backup).collector_id != mine.collector_id


def test_an_old_copy_starts_over_in_its_own_place(
    state: State, keys: StateKeys, cluster: Cluster, tmp_path: Path
) -> None:
    with Spool.open(tmp_path / "first", host_mark("mail1")) as spool:
        before = start(state, keys, spool)
    shutil.copytree(tmp_path / "first", tmp_path / "backup")
    shadow = MemoryDirectory(before.collector_id)
    cluster.count(shadow, before)
    silence(state, keys)
    with Spool.open(tmp_path / "backup", host_mark("mail1")) as spool:
        after = start(state, keys, spool)
        assert spool.collector_id == after.collector_id != before.collector_id
        assert (spool.next_seq, spool.positions(), spool.counters()) == (1, [], {})
    with Spool.open(tmp_path / "backup", host_mark("mail1")) as spool:
        assert start(state, keys, spool).collector_id == after.collector_id


def spool_log(spool: Spool, sender: FakeCollector, key: str) -> Batch:
    """Make the next batch of a real state directory: all of one more log."""
    log = Position(key, f"/var/log/{key}", 1, 1, offset=100, trail=(Mark(100, key),))
    note = Progress((*spool.positions(), log), (Span(key, 0, 100),))
    header = sender.batch(RECORDS, seq=spool.next_seq)
    header = header.model_copy(update={"progress": note.to_json()})
    spool.commit(header.model_dump_json(), b"", note.positions, rejects=0, counters={}, now=NOON)
    return Batch(header, rows(RECORDS))


@pytest.mark.parametrize("is_first_applied", [True, False])
def test_an_old_copy_knows_no_log_that_only_its_dropped_batches_had_begun(
    state: State, keys: StateKeys, cluster: Cluster, tmp_path: Path, *, is_first_applied: bool
) -> None:
    """Its positions cover them, but what was read and not counted is read again."""
    with Spool.open(tmp_path / "first", host_mark("mail1")) as spool:
        mine = start(state, keys, spool)
        sender = FakeCollector.speaking_for(state, keys, mine)
        first = spool_log(spool, sender, "old")
        if is_first_applied:
            assert cluster.committer.apply([first], [], NOON).applied
        spool_log(spool, sender, "new")
    shutil.copytree(tmp_path / "first", tmp_path / "backup")
    with Spool.open(tmp_path / "first", host_mark("mail1")) as spool:
        start(state, keys, spool)
    silence(state, keys)
    with Spool.open(tmp_path / "backup", host_mark("mail1")) as spool:
        assert start(state, keys, spool).collector_id != mine.collector_id
        read = {position.file_key: position.offset for position in spool.positions()}
    assert read == ({"old": 100} if is_first_applied else {"old": 0, "new": 0})


# A state that went back


def test_a_state_that_forgot_the_collector_learns_it_again_above_its_epoch(
    state: State, keys: StateKeys, directory: MemoryDirectory, ledger: Ledger
) -> None:
    mine = start(state, keys, directory)
    state.delete(keys.registration("mail1"), keys.ledger(mine.collector_id))
    again = registrar(state, keys, directory, "mail1", "one").renew()
    assert (again.collector_id, again.epoch) == (mine.collector_id, mine.epoch + 1)
    assert ledger.applied(again) == Applied(0, frozenset())


def test_a_predecessor_that_came_back_with_the_state_is_overtaken_again(
    state: State, keys: StateKeys, directory: MemoryDirectory
) -> None:
    start(state, keys, directory)
    former = state.hgetall(keys.registration("mail1"))
    silence(state, keys)
    successor = MemoryDirectory.new("mail1")
    mine = start(state, keys, successor)
    state.hset(keys.registration("mail1"), mapping=former)  # type: ignore[arg-type]  # bytes will do
    again = registrar(state, keys, successor, "mail1", "one").renew()
    assert (again.collector_id, again.epoch) == (mine.collector_id, mine.epoch + 1)


@pytest.mark.parametrize("at", ["intent-noted", "registered"])
def test_a_failover_to_a_replica_that_is_behind_may_come_in_the_middle_of_a_start(
    state: State,
    keys: StateKeys,
    directory: MemoryDirectory,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
) -> None:
    start(state, keys, directory)
    behind = state.hgetall(keys.registration("mail1"))
    start(state, keys, directory)

    def fail_over(point: str) -> None:
        if point == f"collector-{at}":
            monkeypatch.undo()
            state.delete(keys.registration("mail1"))
            state.hset(keys.registration("mail1"), mapping=behind)  # type: ignore[arg-type]  # bytes will do

    monkeypatch.setattr("mailtally_collector.ship.registrar.crash_point", fail_over)
    if at == "intent-noted":
        with pytest.raises(Unavailable):
            start(state, keys, directory)
        mine = start(state, keys, directory)
    else:
        start(state, keys, directory)
        mine = registrar(state, keys, directory, "mail1", "one").renew()
    assert mine.epoch == 4
    assert state.hget(keys.registration("mail1"), "nonce") == mine.nonce.encode()
