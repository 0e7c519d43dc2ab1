"""Batches are sent once, and again only when they are lost or nothing moves."""

import random

from mailtally_collector.ship.ledger import Applied
from mailtally_collector.ship.window import Patience, Window

PATIENCE = Patience(overtaken=1.0, first=5.0, longest=60.0)
NOTHING = Applied(0, frozenset())


def window() -> Window:
    return Window(PATIENCE, random.Random(1))


def test_a_new_batch_is_sent_at_once_and_not_again_soon() -> None:
    w = window()
    assert w.to_send([1, 2], NOTHING, 0.0) == [1, 2]
    w.sent(1, 0.0)
    w.sent(2, 0.0)
    assert w.to_send([1, 2], NOTHING, 4.9) == []


def test_a_batch_that_later_ones_overtook_is_sent_again_soon() -> None:
    w = window()
    for seq in (1, 2, 3):
        w.sent(seq, 0.0)
    overtaken = Applied(0, frozenset({3}))
    w.settle(overtaken)
    assert w.to_send([1, 2], overtaken, 0.5) == []
    assert w.to_send([1, 2], overtaken, 1.4) == []
    assert w.to_send([1, 2], overtaken, 1.5) == [1, 2]


def test_a_batch_that_waits_long_in_the_queue_may_be_overtaken_for_a_moment() -> None:
    w = window()
    for seq in (1, 2):
        w.sent(seq, 0.0)
    assert w.to_send([1], Applied(0, frozenset({2})), 4.0) == []


def test_nothing_is_sent_again_while_others_are_applied() -> None:
    w = window()
    for seq in range(1, 20):
        w.sent(seq, 0.0)
    for applied in range(1, 19):
        now = float(applied)
        w.settle(Applied(applied, frozenset()))
        assert w.to_send([19], Applied(applied, frozenset()), now) == []
    assert w.to_send([19], Applied(18, frozenset()), 22.9) == []
    assert w.to_send([19], Applied(18, frozenset()), 23.0) == [19]


def test_the_time_between_two_sendings_grows_up_to_its_limit() -> None:
    w, now, pauses = window(), 0.0, []
    w.sent(1, now)
    for _ in range(8):
        step = now
        while not w.to_send([1], NOTHING, step):
            step += 0.5
        pauses.append(step - now)
        now = step
        w.sent(1, now)
    assert pauses[0] == 5.0
    assert max(pauses) <= 60.5
    assert min(pauses[4:]) >= 30.0
    assert w.resent == 8


def test_what_is_applied_is_forgotten() -> None:
    w = window()
    for seq in (1, 2, 3):
        w.sent(seq, 0.0)
    w.settle(Applied(1, frozenset({3})))
    w.forget()
    assert w.to_send([2], NOTHING, 0.1) == [2]
