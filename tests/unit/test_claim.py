"""Who counts for a host name, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_collector.claim import Claim, Owner, claim

OLD, NEW = "0" * 32, "f" * 32


@pytest.mark.parametrize(
    ("owner", "epoch", "decided"),
    [
        (None, 0, Claim(1, is_new=True)),
        (None, 7, Claim(7, is_new=True)),  # Redis forgot it
        (Owner(NEW, 3), 3, Claim(3)),
        (Owner(NEW, 3), 0, Claim(3)),  # it crashed before it noted its epoch
        (Owner(NEW, 3), 2, None),
        (Owner(OLD, 3), 0, Claim(4, is_new=True, predecessor=OLD)),
        (Owner(OLD, 3), 5, Claim(5, is_new=True, predecessor=OLD)),
        (Owner(OLD, 3), 3, None),
        (Owner(OLD, 3), 2, None),
    ],
)
def test_a_claim_is_granted_or_fenced(
    owner: Owner | None, epoch: int, decided: Claim | None
) -> None:
    assert claim(owner, NEW, epoch) == decided


@given(st.integers(1, 9), st.integers(0, 9))
def test_of_two_collectors_the_later_fences_the_earlier(first: int, second: int) -> None:
    later = claim(Owner(OLD, first), NEW, second)
    if later is not None:
        assert claim(Owner(NEW, later.epoch), OLD, first) is None
