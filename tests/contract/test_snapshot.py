"""A state that came back empty is refilled, or refused; it is never counted into silently."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from redis.client import Pipeline

from mailtally_aggregator.opening import SNAPSHOTS, open_state
from mailtally_collector.ship.claim import Incarnation, Owner
from mailtally_collector.ship.ledger import Applied, Ledger
from mailtally_shared.errors import BadFile, Refused, Unavailable
from mailtally_shared.state.commit.batch import Batch
from mailtally_shared.state.commit.commit import Committer
from mailtally_shared.state.keys import FORMAT
from mailtally_shared.state.read.totals import Totals
from mailtally_shared.state.snapshot import KEPT, restore_snapshot, snapshots, take_snapshot
from tests.models.agreement import by_hour
from tests.support.day_sets import put_set
from tests.support.records import NONCE, NOON, FakeCollector, Record, rows

if TYPE_CHECKING:
    from pathlib import Path

    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
RECORDS = [Record(size=10), Record(domain="b.example", size=5, attempts=3)]


@pytest.fixture
def filled(state: State, keys: StateKeys, calendar: Calendar) -> FakeCollector:
    sender = FakeCollector(state, keys)
    batch = Batch(sender.batch(RECORDS), rows(RECORDS))
    Committer(state, keys, calendar).apply([batch], [], NOON)
    return sender


def everything(state: State, keys: StateKeys) -> tuple[object, ...]:
    """What is counted of the day, by hour as well."""
    found = Totals(state, keys).read(DAY)
    return found.changes, list(found.rows), by_hour(found)


def test_an_emptied_state_is_refilled_from_the_newest_snapshot(
    filled: FakeCollector, state: State, keys: StateKeys, tmp_path: Path
) -> None:
    before = everything(state, keys)
    filled.batch(RECORDS)  # a payload under way is no part of a snapshot, nor a sign of life
    state.set(keys.alive(filled.id, NONCE), "1", ex=60)
    take_snapshot(state, keys, tmp_path / SNAPSHOTS, NOON)
    state.flushall()
    open_state(state, keys, tmp_path)
    assert everything(state, keys) == before
    found, seen = Ledger(state, keys).look("mail1", filled.id)
    assert found.owner == Owner(filled.id, Incarnation(1, NONCE))
    assert (seen, found.life) == (Applied(1, frozenset()), 0.0)
    assert not state.exists(keys.alive(filled.id, NONCE))  # it would never expire again
    assert not state.keys("*payload*")


def test_a_damaged_snapshot_is_passed_over_for_an_older_one(
    filled: FakeCollector,  # noqa: ARG001 - it fills the state
    state: State,
    keys: StateKeys,
    tmp_path: Path,
) -> None:
    take_snapshot(state, keys, tmp_path / SNAPSHOTS, NOON)
    newer = take_snapshot(state, keys, tmp_path / SNAPSHOTS, NOON + 60)
    newer.write_bytes(newer.read_bytes()[:-1])
    with pytest.raises(BadFile):
        restore_snapshot(state, keys, newer)
    state.flushall()
    open_state(state, keys, tmp_path)
    assert len(Totals(state, keys).days()) == 1


def test_an_empty_state_where_something_was_counted_is_refused(
    state: State, keys: StateKeys, tmp_path: Path
) -> None:
    put_set(tmp_path, {"example.com": 1})
    state.flushall()
    with pytest.raises(Refused, match="--accept-empty-state"):
        open_state(state, keys, tmp_path)
    open_state(state, keys, tmp_path, accept_empty=True)
    assert state.get(keys.format) == FORMAT.encode()


def test_records_of_days_that_have_files_are_late_after_a_beginning_at_zero(
    state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path
) -> None:
    put_set(tmp_path, {"example.com": 5000}, day=DAY)
    state.flushall()
    open_state(state, keys, tmp_path, accept_empty=True)
    sender = FakeCollector(state, keys)
    batch = Batch(sender.batch(RECORDS), rows(RECORDS))
    assert Committer(state, keys, calendar).apply([batch], [], NOON).applied
    assert Totals(state, keys).days() == []
    assert Totals(state, keys).read(DAY, keys.late).messages == 2


def test_a_new_site_begins_with_an_empty_state(
    state: State, keys: StateKeys, tmp_path: Path
) -> None:
    state.flushall()
    open_state(state, keys, tmp_path / "not-there-yet")
    assert state.get(keys.format) == FORMAT.encode()


@pytest.mark.parametrize("other", ["1", "2", "5"])
def test_a_state_of_another_format_is_refused(
    state: State, keys: StateKeys, tmp_path: Path, other: str
) -> None:
    state.set(keys.format, other)
    with pytest.raises(Refused, match="run the version of mailtally that wrote it"):
        open_state(state, keys, tmp_path)


def test_a_snapshot_of_another_format_is_not_counted_into(
    state: State, keys: StateKeys, tmp_path: Path
) -> None:
    state.set(keys.format, "1")
    take_snapshot(state, keys, tmp_path / SNAPSHOTS, NOON)
    state.flushall()
    for _start in range(2):
        with pytest.raises(Refused, match="run the version of mailtally that wrote it"):
            open_state(state, keys, tmp_path)


def test_the_oldest_snapshots_are_dropped(state: State, keys: StateKeys, tmp_path: Path) -> None:
    paths = [take_snapshot(state, keys, tmp_path, NOON + i) for i in range(KEPT + 2)]
    assert snapshots(tmp_path) == paths[: -KEPT - 1 : -1]


def test_a_snapshot_is_readable_by_its_owner_only(
    state: State, keys: StateKeys, tmp_path: Path
) -> None:
    assert take_snapshot(state, keys, tmp_path, NOON).stat().st_mode & 0o777 == 0o600


def test_an_emptied_state_pushes_no_sound_snapshot_out(
    filled: FakeCollector,  # noqa: ARG001 - it fills the state
    state: State,
    keys: StateKeys,
    tmp_path: Path,
) -> None:
    sound = take_snapshot(state, keys, tmp_path, NOON)
    state.flushall()
    with pytest.raises(Refused, match="emptied"):
        take_snapshot(state, keys, tmp_path, NOON + 1)
    assert snapshots(tmp_path) == [sound]


def test_a_second_aggregator_does_not_refill_over_what_the_first_has_counted(
    filled: FakeCollector, state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path
) -> None:
    path = take_snapshot(state, keys, tmp_path, NOON)
    state.flushall()
    assert restore_snapshot(state, keys, path)
    later = [Record(time=NOON + 86_400)]
    batch = Batch(filled.batch(later), rows(later))
    Committer(state, keys, calendar).apply([batch], [], NOON)
    assert restore_snapshot(state, keys, path) == 0
    assert Ledger(state, keys).look("mail1", filled.id)[1].hwm == 2


def test_a_connection_that_is_lost_while_refilling_is_waited_for(
    filled: FakeCollector,
    state: State,
    keys: StateKeys,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert filled
    path = take_snapshot(state, keys, tmp_path, NOON)
    state.flushall()
    multi = Pipeline.multi

    def cut_before(pipeline: Pipeline) -> None:
        state.client_kill_filter(_type="normal", skipme=True)
        multi(pipeline)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "multi", cut_before)
        with pytest.raises(Unavailable):
            restore_snapshot(state, keys, path)
    assert not state.exists(keys.format)
    assert restore_snapshot(state, keys, path)


def test_what_is_left_of_a_torn_state_is_not_counted_beside_a_snapshot(
    filled: FakeCollector, state: State, keys: StateKeys, calendar: Calendar, tmp_path: Path
) -> None:
    path = take_snapshot(state, keys, tmp_path, NOON)
    later = [Record(time=NOON + 86_400, size=7)]
    batch = Batch(filled.batch(later), rows(later))
    committer = Committer(state, keys, calendar)
    committer.apply([batch], [], NOON)
    state.delete(keys.format)
    restore_snapshot(state, keys, path)
    assert committer.apply([batch], [], NOON).applied
    assert Totals(state, keys).read(date(2026, 2, 17)).bytes == 7


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random"])
def test_a_redis_that_may_drop_keys_is_refused(
    state: State, keys: StateKeys, tmp_path: Path, policy: str
) -> None:
    former = state.config_get("maxmemory*")
    state.config_set("maxmemory-policy", policy)
    state.config_set("maxmemory", 2**30)
    try:
        with pytest.raises(Refused, match="noeviction"):
            open_state(state, keys, tmp_path)
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            state.config_set(name, former[name] or "")
