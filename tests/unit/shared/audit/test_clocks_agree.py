"""Days are closed only while Redis, the day writer and the collectors agree on the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtally_aggregator.days.clock_watch import Steadiness
from mailtally_shared.audit.clocks import NOT_CONFIRMED, HostClock, check_clocks, judge
from mailtally_shared.audit.finding import Level
from mailtally_shared.state.read.books import Books, Ledger

NOON = 1_771_243_200.0
DAYS = 86_400.0
STEPS = (-400 * DAYS, -3600.0, -90.0, 90.0, 3600.0, 60 * DAYS)


def reports(*ahead: float, heard: float = NOON) -> list[HostClock]:
    return [HostClock(f"mail{n}", each, heard) for n, each in enumerate(ahead, 1)]


def test_clocks_within_a_minute_agree() -> None:
    assert judge(NOON + 20, NOON, reports(-30.0, 5.0)).agree
    assert judge(NOON, NOON, reports()).agree


@pytest.mark.parametrize("step", STEPS)
def test_each_clock_that_is_off_is_named_and_no_day_is_closed(step: float) -> None:
    writer = judge(NOON + step, NOON, reports(0.0, 1.0))
    redis = judge(NOON, NOON + step, reports(-step, -step, heard=NOON + step))
    collectors = judge(NOON, NOON, reports(step, step, 0.0))
    assert not any(found.agree for found in (writer, redis, collectors))
    assert list(writer.off()) == ["the day writer"]
    assert list(redis.off()) == ["Redis"]
    assert list(collectors.off()) == ["the median of the collectors", "mail1", "mail2"]


@pytest.mark.parametrize("step", STEPS)
def test_one_collector_of_three_stops_no_day_and_is_named(step: float) -> None:
    found = judge(NOON, NOON, reports(0.0, step, 2.0))
    assert found.agree
    assert list(found.off()) == ["mail2"]


def test_what_a_collector_said_long_ago_does_not_count() -> None:
    found = judge(NOON, NOON, reports(3600.0, heard=NOON - 901))
    assert (found.agree, found.heard) == (True, 0)


@given(
    writer=st.floats(-1e8, 1e8),
    redis=st.floats(-1e8, 1e8),
    hosts=st.lists(st.floats(-1e8, 1e8), max_size=5),
)
def test_whatever_the_clocks_show_two_minutes_apart_close_no_day(
    writer: float, redis: float, hosts: list[float]
) -> None:
    shown = [NOON + each for each in hosts]
    found = judge(
        NOON + writer,
        NOON + redis,
        [HostClock(f"m{n}", at - NOON - redis, NOON + redis) for n, at in enumerate(shown)],
    )
    if abs(writer - redis) > 120:
        assert not found.agree
    if found.agree and hosts:
        # The median is within reach: half of the hosts or more are not behind, and not ahead.
        assert 2 * sum(each >= redis - 61 for each in hosts) >= len(hosts)
        assert 2 * sum(each <= redis + 61 for each in hosts) >= len(hosts)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_noticed_and_forgotten_after_a_while(step: float) -> None:
    steadiness = Steadiness(NOON)
    steadiness.note(NOON + 1, NOON + 1, NOON + 1)
    steadiness.note(NOON + 2, NOON + 2 + step, NOON + 2)
    steadiness.note(NOON + 3, NOON + 3 + step, NOON + 3)
    assert steadiness.has_stepped(NOON + 100, 900)
    assert not steadiness.has_stepped(NOON + 902, 900)
    steadiness.note(NOON + 903, NOON + 903, NOON + 903)  # and right again
    assert steadiness.has_stepped(NOON + 904, 900)


def test_a_slow_drift_is_no_step() -> None:
    steadiness = Steadiness(0.0)
    for second in range(1000):
        steadiness.note(second, second * 1.1)
    assert not steadiness.has_stepped(1000, 900)


def books(ahead: int) -> Books:
    ledger = Ledger("c1", "mail1", clock=int(NOON) + ahead, state_clock=int(NOON))
    other = Ledger("c2", "mail2", clock=int(NOON), state_clock=int(NOON))
    third = Ledger("c3", "mail3", clock=int(NOON), state_clock=int(NOON))
    owners = {"mail1": "c1", "mail2": "c2", "mail3": "c3"}
    return Books(ledgers=(ledger, other, third), owners=owners)


def test_doctor_names_the_host_whose_clock_is_off() -> None:
    found = check_clocks(books(-3600), here=NOON, redis=NOON, stopped="")
    assert found.level is Level.WARNING
    assert "The clock of mail1 is 3,600 s behind." in found.sentence
    assert check_clocks(books(30), here=NOON, redis=NOON, stopped="").level is Level.OK


def test_doctor_fails_while_no_day_is_closed() -> None:
    found = check_clocks(books(0), here=NOON, redis=NOON + 60 * DAYS, stopped="")
    assert found.level is Level.FAILED
    said = check_clocks(books(0), here=NOON, redis=NOON, stopped="Redis is 60 s ahead.")
    assert (said.level, "Redis is 60 s ahead." in said.sentence) == (Level.FAILED, True)


def test_doctor_fails_no_site_whose_first_collector_is_still_starting() -> None:
    found = check_clocks(Books(), here=NOON, redis=NOON, stopped=NOT_CONFIRMED)
    assert found.level is Level.WARNING
    assert "NTP" not in found.sentence
    ahead = check_clocks(Books(), here=NOON, redis=NOON + 60 * DAYS, stopped=NOT_CONFIRMED)
    assert ahead.level is Level.FAILED
