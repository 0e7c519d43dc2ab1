"""Who counts for a host name when a collector starts, row by row of the table in the design."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.ship.claim import (
    Found,
    Incarnation,
    Owner,
    Remembered,
    Standing,
    is_heard_again,
    next_epoch,
    stand,
)

MINE, THEIRS = "a" * 32, "f" * 32
#: What the directory was registered as last, and what it was about to be registered as.
FIFTH, INTENT = Incarnation(5, "5" * 32), Incarnation(6, "6" * 32)
KNOWN = Remembered(MINE, FIFTH, INTENT, last_seq=10)
NEW = Remembered(MINE)


def mine(epoch: int, nonce: str = "c" * 32) -> Owner:
    return Owner(MINE, Incarnation(epoch, nonce))


def theirs(epoch: int) -> Owner:
    return Owner(THEIRS, Incarnation(epoch, "d" * 32))


@pytest.mark.parametrize(
    ("found", "known", "standing"),
    [
        # No collector has the name.
        (Found(), NEW, Standing.FIRST),
        (Found(), KNOWN, Standing.WENT_BACK),
        # The epoch and nonce that the directory remembers: not held up by its own sign of life.
        (Found(Owner(MINE, FIFTH), newest=10), KNOWN, Standing.RESUMED),
        (Found(Owner(MINE, FIFTH), life=90, newest=10), KNOWN, Standing.RESUMED),
        # The directory's own intent.
        (Found(Owner(MINE, INTENT), life=90), KNOWN, Standing.ADOPTED),
        (Found(Owner(MINE, INTENT)), Remembered(MINE, None, INTENT), Standing.ADOPTED),
        # A later epoch, whose owner was heard of.
        (Found(mine(7), life=0.5), KNOWN, Standing.AT_WORK),
        (Found(theirs(7), life=0.5), KNOWN, Standing.AT_WORK),
        (Found(theirs(7), life=0.5), NEW, Standing.AT_WORK),
        # A later epoch, whose owner is silent.
        (Found(mine(7)), KNOWN, Standing.OLD_COPY),
        (Found(theirs(7)), KNOWN, Standing.OLD_COPY),
        (Found(theirs(7)), NEW, Standing.DIRECTORY_LOST),
        # The epoch that the directory remembers, of another start.
        (Found(mine(5), life=0.5), KNOWN, Standing.AT_WORK),
        (Found(mine(5)), KNOWN, Standing.OLD_COPY),
        (Found(theirs(5)), KNOWN, Standing.OLD_COPY),
        # More batches than the directory ever made, or others.
        (Found(Owner(MINE, FIFTH), newest=11), KNOWN, Standing.OLD_COPY),
        (Found(Owner(MINE, FIFTH), newest=9, differs=True), KNOWN, Standing.OLD_COPY),
        (Found(Owner(MINE, FIFTH), life=90, newest=11), KNOWN, Standing.AT_WORK),
        (Found(mine(4), newest=11), KNOWN, Standing.OLD_COPY),
        (Found(None, newest=11), KNOWN, Standing.OLD_COPY),
        # An earlier epoch.
        (Found(mine(4), newest=8), KNOWN, Standing.WENT_BACK),
        (Found(theirs(4), life=0.5), KNOWN, Standing.WENT_BACK),
        # Fewer batches than were applied, under the epoch that the directory remembers.
        (Found(Owner(MINE, FIFTH), newest=3), KNOWN, Standing.RESUMED),
    ],
)
def test_a_directory_stands_to_the_state_as_the_table_says(
    found: Found, known: Remembered, standing: Standing
) -> None:
    assert stand(found, known) is standing


@pytest.mark.parametrize(
    ("found", "known", "epoch"),
    [
        (Found(), NEW, 1),
        (Found(theirs(3)), NEW, 4),
        (Found(Owner(MINE, FIFTH)), Remembered(MINE, FIFTH), 6),
        (Found(Owner(MINE, FIFTH)), KNOWN, 7),
        (Found(mine(2)), KNOWN, 7),
        (Found(), KNOWN, 7),
    ],
)
def test_the_next_epoch_is_above_every_one_that_is_known(
    found: Found, known: Remembered, epoch: int
) -> None:
    assert next_epoch(found, known) == epoch


epochs = st.integers(1, 9)


@given(epochs, epochs)
def test_of_two_copies_that_start_from_one_state_the_later_finds_the_other(
    remembered: int, found: int
) -> None:
    """Whatever both know: once one of them is registered, it is no start of the other's."""
    known = Remembered(MINE, Incarnation(remembered, "5" * 32))
    registered = Owner(MINE, Incarnation(next_epoch(Found(mine(found)), known), "b" * 32))
    assert stand(Found(registered, life=1), known) is Standing.AT_WORK
    assert stand(Found(registered), known) is Standing.OLD_COPY


@pytest.mark.parametrize(
    ("before", "now", "heard"),
    [
        (None, Found(mine(7), life=5), False),
        (Found(mine(7), life=5), Found(mine(7), life=4.9), False),
        (Found(mine(7), life=5), Found(mine(7), life=5), False),
        (Found(mine(7), life=4), Found(mine(7), life=5), True),
        (Found(mine(7), life=5), Found(theirs(8), life=4), True),
    ],
)
def test_an_owner_is_heard_again_by_a_sign_that_lasts_longer(
    before: Found | None, now: Found, *, heard: bool
) -> None:
    assert is_heard_again(before, now) is heard
