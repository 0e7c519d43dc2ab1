"""Waits grow up to a cap, differ between clients, and end with success or a stop."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.runtime.backoff import Backoff, keep_trying


class Stoppable:
    """Stands in for ``Stop``: takes no time, and stops after so many waits."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.waits: list[float] = []
        self._stop_after = stop_after

    @property
    def requested(self) -> bool:
        return len(self.waits) >= self._stop_after

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.requested


class Flaky:
    """Fails so many times before it works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        if self.failures:
            self.failures -= 1
            raise Unavailable("Redis is away.")
        return "done"


def ignore(_error: Unavailable, _seconds: float) -> None:
    pass


@given(st.integers(0, 2000), st.floats(0.001, 10), st.floats(10, 3600))
def test_no_wait_is_beyond_its_ceiling_or_the_cap(failures: int, first: float, cap: float) -> None:
    backoff = Backoff(first, cap, random.Random(failures))
    for count in range(failures):
        assert 0 <= backoff.next() <= min(cap, first * 2.0 ** min(count, 64))
    assert backoff.failures == failures


def test_the_jitter_is_full() -> None:
    backoff = Backoff(1.0, 1.0, random.Random(1))
    waits = [backoff.next() for _ in range(1000)]
    assert min(waits) < 0.05
    assert max(waits) > 0.95


def test_after_a_success_it_begins_anew() -> None:
    backoff = Backoff(0.1, 100.0, random.Random(1))
    for _ in range(50):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 0.1


def test_it_keeps_trying_until_it_works_and_tells_each_time() -> None:
    told: list[tuple[str, float]] = []
    stop, backoff = Stoppable(), Backoff(rng=random.Random(1))
    answer = keep_trying(
        Flaky(3),
        stop=stop,
        backoff=backoff,
        tell=lambda *what: told.append((str(what[0]), what[1])),
    )
    assert answer == "done"
    assert [seconds for _, seconds in told] == stop.waits
    assert {sentence for sentence, _ in told} == {"Redis is away."}
    assert backoff.failures == 0


def test_a_stop_ends_the_attempts() -> None:
    stop = Stoppable(stop_after=2)
    assert keep_trying(Flaky(99), stop=stop, backoff=Backoff(), tell=ignore) is None
    assert len(stop.waits) == 2


def test_other_errors_are_not_tried_again() -> None:
    def refuse() -> None:
        raise Refused("Going on would count wrongly.")

    stop = Stoppable()
    with pytest.raises(Refused):
        keep_trying(refuse, stop=stop, backoff=Backoff(), tell=ignore)
    assert stop.waits == []
