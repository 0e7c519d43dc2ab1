"""The loops of a process run, wait for servers, are watched, and end together."""

from __future__ import annotations

import threading
from itertools import count, pairwise

import pytest

from mailtally_shared.errors import Refused, Unavailable
from mailtally_shared.runtime.health import Health
from mailtally_shared.runtime.lifecycle import Stop
from mailtally_shared.runtime.supervisor import Loop, Supervisor

PATIENCE = 20.0  # seconds; no test waits that long unless it fails


class Turns:
    """The turns of a loop: so many fail, then one works and stops the process."""

    def __init__(self, stop: Stop, failures: int = 0, reasons: int = 1) -> None:
        self._stop = stop
        self._left = failures
        self._reasons = reasons

    def __call__(self) -> float:
        if self._left:
            self._left -= 1
            raise Unavailable(f"Server {self._left % self._reasons} is away.")
        self._stop.request()
        return 0.0


@pytest.fixture
def stop() -> Stop:
    return Stop()


@pytest.fixture
def in_no_time(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    monkeypatch.setattr(stop, "wait", lambda _seconds: stop.requested)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records if hasattr(record, "event")]


@pytest.mark.usefixtures("in_no_time")
def test_a_wait_is_logged_once_and_its_end_too(
    stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        Supervisor(stop, Health()).insist(ended := Turns(Stop(), failures=50), "loader")
    assert ended() == 0.0
    assert events(caplog) == ["waiting", "resumed"]
    assert caplog.messages[0] == "Server 0 is away. Trying again."


@pytest.mark.usefixtures("in_no_time")
def test_a_reason_without_a_full_stop_gets_one(
    stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    def turn() -> None:
        stop.request()
        raise Unavailable("the database cannot be used: connection refused\n")

    Supervisor(stop, Health()).insist(turn)
    assert caplog.messages == ["the database cannot be used: connection refused. Trying again."]


@pytest.mark.usefixtures("in_no_time")
def test_each_reason_of_a_wait_is_logged(stop: Stop, caplog: pytest.LogCaptureFixture) -> None:
    Supervisor(stop, Health()).insist(Turns(stop, failures=50, reasons=2))
    assert sorted(caplog.messages) == [
        "Server 0 is away. Trying again.",
        "Server 1 is away. Trying again.",
    ]


@pytest.mark.usefixtures("in_no_time")
def test_a_long_wait_is_logged_ever_more_rarely(
    stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    clock = count(0.0, 0.5)  # each look takes half a second
    supervisor = Supervisor(stop, Health(), lambda: next(clock))
    supervisor.insist(Turns(stop, failures=10_000))
    waited = [record.__dict__["fields"]["seconds"] for record in caplog.records]
    pauses = [round(after - before) for before, after in pairwise(waited)]
    assert pauses[:5] == [10, 20, 40, 80, 160]
    assert max(pauses) <= 601
    assert events(caplog) == ["waiting"] * len(waited)


@pytest.mark.usefixtures("in_no_time")
def test_a_loop_that_waits_makes_the_process_not_ready_until_its_turn_works(stop: Stop) -> None:
    health, seen = Health(), []
    turns = Turns(stop, failures=1)
    loop = Loop("intake", turns, reset=lambda: seen.append(health.ready().reason))
    supervisor = Supervisor(stop, health)
    supervisor.insist(lambda: None)
    assert health.ready().reason == "starting"
    supervisor.insist(lambda: None, "shipper")
    assert health.ready().ok
    health.set_not_ready("Another part waits.", "shipper")
    Supervisor(Stop(), health).insist(lambda: None, "intake")
    assert health.ready().reason == "Another part waits."
    health.set_ready("shipper")
    supervisor.run(loop)
    assert seen == ["ready"]


def test_a_loop_in_a_thread_stops_with_the_process(stop: Stop) -> None:
    spooled, began, ended = threading.Event(), threading.Event(), []

    def turn() -> float:
        began.set()
        return PATIENCE

    loop = Loop(
        "shipper", turn, wait=spooled.wait, wake=spooled.set, last=lambda: ended.append("last")
    )
    with Supervisor(stop, Health()) as supervisor:
        supervisor.start(loop)
        assert began.wait(PATIENCE)
    assert ended == ["last"]
    assert stop.requested


def refuse() -> float:
    raise Refused("Going on would count wrongly.")


def test_an_error_in_a_thread_stops_the_process_and_is_its_error(stop: Stop) -> None:
    def work() -> None:
        with Supervisor(stop, Health()) as supervisor:
            supervisor.start(Loop("day-writer", refuse))
            supervisor.run(Loop("intake", lambda: PATIENCE))

    with pytest.raises(Refused):
        work()


def test_the_error_of_the_main_loop_comes_first(stop: Stop) -> None:
    def work() -> None:
        with Supervisor(stop, Health()) as supervisor:
            supervisor.start(Loop("day-writer", refuse))
            stop.wait(PATIENCE)
            raise Unavailable("The disk is full.")

    with pytest.raises(Unavailable):
        work()


def test_a_turn_that_takes_too_long_at_a_stop_is_cut_off(stop: Stop) -> None:
    asked, answer = threading.Event(), threading.Event()

    def ask() -> float:
        asked.set()
        answer.wait(PATIENCE)
        raise Refused("The connection was cut.")

    with Supervisor(stop, Health()) as supervisor:
        supervisor.start(Loop("day-writer", ask, cut=answer.set, grace=0.01))
        assert asked.wait(PATIENCE)
    assert answer.is_set()


@pytest.mark.parametrize("is_vital", [True, False])
def test_only_a_vital_loop_makes_the_process_not_ready(stop: Stop, *, is_vital: bool) -> None:
    health = Health()
    health.set_ready()
    failed = threading.Event()

    def turn() -> float:
        failed.set()
        raise Unavailable("The disk is full.")

    with Supervisor(stop, health) as supervisor:
        supervisor.start(Loop("rotator", turn, is_vital=is_vital))
        assert failed.wait(PATIENCE)
    assert health.ready().ok != is_vital


def test_only_the_main_thread_keeps_the_process_alive(stop: Stop) -> None:
    now = [0.0]
    health = Health(stale_after=30.0, clock=lambda: now[0])
    waits = threading.Event()

    def wait(seconds: float) -> None:
        waits.set()
        stop.wait(seconds)

    with Supervisor(stop, health) as supervisor:
        now[0] = 31.0
        supervisor.start(Loop("shipper", lambda: PATIENCE, wait=wait))
        assert waits.wait(PATIENCE)
        assert not health.alive().ok
        supervisor.insist(lambda: None)
        assert health.alive().ok
