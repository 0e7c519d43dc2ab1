"""While one group is committed the next is gathered: each still counts once, in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from mailtally_aggregator.policies import GroupLimits
from mailtally_shared.errors import Unavailable
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.lifecycle import Stop
from mailtally_shared.runtime.supervisor import Loop, Supervisor
from mailtally_shared.state.history import begin_history, redis_time
from mailtally_shared.state.read.totals import Totals
from tests.contract.test_intake import Pipe
from tests.support.records import NOON, FakeCollector, Record, domain_sums
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailtally.local.embedded_redis import EmbeddedRedis
    from mailtally_shared.calendar import Calendar
    from mailtally_shared.state.client import State
    from mailtally_shared.state.commit.batch import Batch
    from mailtally_shared.state.keys import StateKeys

DAY = date(2026, 2, 16)
ONE = [Record(domain="a.example", size=10), Record(domain="b.example", size=5)]
TWO = [Record(domain="a.example", size=7)]


@dataclass
class Applied:
    """The calls of a committer: which batches were merged ahead, and which were applied."""

    merged: list[list[int]] = field(default_factory=list)
    applied: list[list[int]] = field(default_factory=list)
    failures: list[Callable[[], object]] = field(default_factory=list)  # before a commit
    losses: list[Exception] = field(default_factory=list)  # of the answer to one


@pytest.fixture
def pipe(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> Iterator[Pipe]:
    """Each batch is a full group."""
    made = Pipe(
        state=state,
        keys=keys,
        calendar=calendar,
        url=empty_redis.broker_url,
        limits=GroupLimits(batches=1),
    )
    yield made
    made.close()


@pytest.fixture
def seen(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> Applied:
    seen, merged, apply = Applied(), pipe.committer.merged, pipe.committer.apply

    def noting_merged(batches: list[Batch], now: float) -> Any:  # noqa: ANN401 - as it is
        seen.merged.append([batch.header.seq for batch in batches])
        return merged(batches, now)

    def noting_apply(batches: list[Batch], *rest: Any) -> Any:  # noqa: ANN401 - as it is
        for fail in seen.failures[:1]:
            del seen.failures[0]
            fail()
        outcome = apply(batches, *rest)
        seen.applied.append([batch.header.seq for batch in batches])
        for error in seen.losses[:1]:
            del seen.losses[0]
            raise error
        return outcome

    monkeypatch.setattr(pipe.committer, "merged", noting_merged)
    monkeypatch.setattr(pipe.committer, "apply", noting_apply)
    return seen


def gather(pipe: Pipe, seen: Applied, groups: int) -> None:
    """Gather until this many groups were merged, without committing any."""

    def merged() -> bool:
        pipe.intake.gathering.turn(NOON)
        return len(seen.merged) >= groups

    wait_until(merged, what="merging")


def commit(pipe: Pipe) -> bool:
    return pipe.intake.committing.turn(NOON, 0.0)


def commit_all(pipe: Pipe) -> None:
    """Commit the group handed over, and the next one."""
    assert commit(pipe)
    wait_until(lambda: pipe.intake.gathering.turn(NOON) or not pipe.intake.handover.is_idle)
    assert commit(pipe)


def unavailable() -> None:
    raise Unavailable("Redis (the state) does not answer.")


def late_sums(pipe: Pipe) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in Totals(pipe.state, pipe.keys).read(DAY, pipe.keys.late).rows:
        sums[row.domain] += row.bytes
    return dict(sums)


def test_the_next_group_is_merged_before_the_last_one_is_committed(
    pipe: Pipe, seen: Applied
) -> None:
    for records in (ONE, TWO, TWO):
        pipe.send(pipe.mail1.batch(records))
    gather(pipe, seen, 2)
    assert (seen.merged, seen.applied) == ([[1], [2]], [])
    for _ in range(3):  # a third one is not begun: two are in memory at most
        pipe.intake.gathering.turn(NOON)
    assert (seen.merged, seen.applied) == ([[1], [2]], [])
    commit_all(pipe)
    assert seen.applied == [[1], [2]]
    pipe.drain()
    assert pipe.sums() == domain_sums(ONE + TWO + TWO)


def test_a_commit_that_fails_is_tried_again_before_the_next_group(
    pipe: Pipe, seen: Applied
) -> None:
    for records in (ONE, TWO):
        pipe.send(pipe.mail1.batch(records))
    gather(pipe, seen, 2)
    seen.failures += [unavailable] * 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            commit(pipe)
        pipe.intake.committing.reset()
        pipe.intake.gathering.turn(NOON)
    assert seen.applied == []
    commit_all(pipe)
    assert seen.applied == [[1], [2]]
    assert pipe.sums() == domain_sums(ONE + TWO)


def test_a_commit_whose_answer_is_lost_counts_once(pipe: Pipe, seen: Applied) -> None:
    for records in (ONE, TWO):
        pipe.send(pipe.mail1.batch(records))
    gather(pipe, seen, 2)
    seen.losses.append(Unavailable("Redis (the state) does not answer."))
    with pytest.raises(Unavailable):
        commit(pipe)
    commit_all(pipe)
    assert seen.applied == [[1], [1], [2]]
    assert pipe.sums() == domain_sums(ONE + TWO)
    assert pipe.state.hget(pipe.keys.ledger(pipe.mail1.id), "hwm") == b"2"


def test_a_day_that_closes_meanwhile_takes_neither_group_but_its_late_book_does(
    pipe: Pipe, seen: Applied
) -> None:
    for records in (ONE, TWO):
        pipe.send(pipe.mail1.batch(records))
    gather(pipe, seen, 2)
    pipe.state.set(pipe.keys.closed_before, (DAY + timedelta(1)).isoformat())
    commit_all(pipe)
    assert late_sums(pipe) == domain_sums(ONE + TWO)
    assert not pipe.state.exists(pipe.keys.totals.day(DAY))


def test_a_state_that_went_back_meanwhile_is_noticed_and_both_groups_count(
    pipe: Pipe, seen: Applied
) -> None:
    begin_history(pipe.state, pipe.keys)
    for _ in range(2):
        pipe.send(pipe.mail1.batch(ONE))
        pipe.drain()
    for records in (TWO, TWO):
        pipe.send(pipe.mail1.batch(records))
    gather(pipe, seen, 4)
    before = pipe.state.hget(pipe.keys.history, "id")
    pipe.state.hset(pipe.keys.history, "commits", 0)
    commit_all(pipe)
    assert pipe.state.hget(pipe.keys.history, "id") != before
    assert pipe.sums() == domain_sums(ONE * 2 + TWO * 2)


def test_a_batch_that_is_in_both_groups_counts_once(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> None:
    limits = GroupLimits(batches=2)
    pipe = Pipe(
        state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url, limits=limits
    )
    headers = [pipe.mail1.batch(records) for records in (ONE, TWO, TWO)]
    for header in (*headers[:2], *headers[1:]):
        pipe.send(header)
    wait_until(lambda: pipe.intake.gathering.turn(NOON) == 0, what="gathering")
    pipe.drain()
    assert pipe.sums() == domain_sums(ONE + TWO + TWO)
    assert pipe.intake.tally.outcomes == Counter(applied=3, known=1)
    pipe.close()


@pytest.mark.parametrize("failures", [0, 1])
def test_what_is_ahead_of_time_is_decided_when_it_is_committed(
    pipe: Pipe, seen: Applied, failures: int
) -> None:
    ahead = int(redis_time(pipe.state)) + 10 * 86_400
    pipe.send(pipe.mail1.batch([*ONE, Record(time=ahead)]))
    gather(pipe, seen, 1)
    seen.failures += [unavailable] * failures
    if failures:
        with pytest.raises(Unavailable):
            commit(pipe)
    assert pipe.intake.committing.turn(ahead, 0.0)  # a long outage later
    assert pipe.sums() == domain_sums(ONE)
    held = pipe.state.hget(pipe.keys.held_records, pipe.mail1.id)
    assert held == (None if failures else b"1")


def test_a_broker_that_was_lost_meanwhile_costs_no_batch_and_no_second_outage(
    pipe: Pipe, seen: Applied
) -> None:
    pipe.send(pipe.mail1.batch(ONE))
    gather(pipe, seen, 1)
    pipe.intake.gathering.reset()
    assert commit(pipe)
    pipe.send(pipe.mail1.batch(TWO))
    pipe.drain()
    assert pipe.sums() == domain_sums(ONE + TWO)


def test_a_stop_commits_what_is_gathered(
    state: State, keys: StateKeys, calendar: Calendar, empty_redis: EmbeddedRedis
) -> None:
    pipe = Pipe(state=state, keys=keys, calendar=calendar, url=empty_redis.broker_url)
    gathering = pipe.intake.gathering
    pipe.intake.handover.last = 3600.0  # a commit took long, so a backlog waits
    clock, watermark = {"clock": NOON}, NOON - 3600
    for records in (ONE, TWO):
        header = pipe.mail1.batch(records, watermark=watermark)
        pipe.send(header.model_copy(update=clock))
    taken = 0
    while taken < 2:
        taken += gathering.turn(NOON)
    assert pipe.intake.handover.is_idle
    gathering.last(NOON)
    pipe.intake.handover.close()
    pipe.intake.committing.last(NOON)
    assert pipe.sums() == domain_sums(ONE + TWO)
    pipe.close()


def test_two_threads_count_all_in_order_whatever_fails(
    state: State,
    keys: StateKeys,
    calendar: Calendar,
    empty_redis: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = Pipe(
        state=state,
        keys=keys,
        calendar=calendar,
        url=empty_redis.broker_url,
        limits=GroupLimits(batches=3),
    )
    order: list[tuple[str, int]] = []
    turns, apply = count(), pipe.committer.apply

    def failing(batches: list[Batch], *rest: Any) -> Any:  # noqa: ANN401 - as it is
        turn = next(turns)
        if turn % 3 == 1:
            unavailable()
        outcome = apply(batches, *rest)
        order.extend((batch.header.host, batch.header.seq) for batch in outcome.applied)
        if turn % 3 == 2:
            unavailable()
        return outcome

    monkeypatch.setattr(pipe.committer, "apply", failing)
    senders = [pipe.mail1, FakeCollector(state, keys, "mail2")]
    for number in range(40):
        pipe.send(senders[number % 2].batch(TWO))
    stop, intake = Stop(), pipe.intake

    def gather() -> float:
        if len(order) == 40:
            stop.request()
        intake.gathering.turn(NOON)
        return 0.0

    def commit() -> float:
        intake.committing.turn(NOON)
        return 0.0

    with Supervisor(stop, Health()) as supervisor:
        supervisor.start(Loop("committer", commit, wake=intake.handover.close))
        supervisor.run(Loop("intake", gather, reset=intake.gathering.reset))
    assert order == [(f"mail{1 + number % 2}", 1 + number // 2) for number in range(40)]
    assert pipe.sums() == domain_sums(TWO * 40)
    pipe.close()
