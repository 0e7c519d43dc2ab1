"""Two threads share one group at a time: order, and who owns what."""

from __future__ import annotations

from threading import Thread

import pytest

from mailtally_aggregator.intake.group import Group
from mailtally_aggregator.intake.handover import Handover

PATIENCE = 30.0


def named(message: str) -> Group:
    return Group(messages=[message])


def test_a_second_group_is_not_taken_before_the_first_is_committed() -> None:
    handover = Handover()
    first, second = named("first"), named("second")
    assert handover.offer(first, 0.0)
    assert not handover.offer(second, 0.0)
    assert handover.take(0.0) is first
    assert not handover.offer(second, 0.0)
    handover.finish(0.5)
    assert handover.offer(second, 0.0)
    assert handover.take(0.0) is second


@pytest.mark.parametrize("idle", [True, False])
def test_it_is_idle_while_no_group_is_committed(*, idle: bool) -> None:
    handover = Handover()
    handover.offer(named("first"), 0.0)
    if idle:
        handover.finish(0.5)
    assert handover.is_idle is idle


def test_a_group_that_failed_is_taken_again() -> None:
    handover = Handover()
    group = named("first")
    handover.offer(group, 0.0)
    assert handover.take(0.0) is group
    assert handover.take(0.0) is group
    assert handover.finished() == []


def test_messages_are_acknowledged_once_their_group_is_committed() -> None:
    handover = Handover()
    assert handover.last > 0.0  # a backlog waits before the first commit as well
    handover.offer(named("first"), 0.0)
    assert handover.finished() == []
    handover.finish(0.5)
    assert handover.last == 0.5
    assert handover.finished() == ["first"]
    assert handover.finished() == []


def test_groups_are_committed_in_the_order_in_which_they_are_offered() -> None:
    handover, taken = Handover(), []

    def commit() -> None:
        while (group := handover.take(None)) is not None:
            taken.extend(group.messages)
            handover.finish(0.0)

    thread = Thread(target=commit)
    thread.start()
    names = [str(number) for number in range(200)]
    for name in names:
        assert handover.offer(named(name), PATIENCE)
    handover.close()
    thread.join(PATIENCE)
    assert taken == names
    assert handover.finished() == names


def test_the_end_of_the_other_half_ends_the_waiting() -> None:
    handover, found = Handover(), []
    thread = Thread(target=lambda: found.append(handover.take(None)))
    thread.start()
    handover.close()
    thread.join(PATIENCE)
    assert found == [None]
