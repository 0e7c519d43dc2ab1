"""One seed: a site under traffic and faults, then quiet, then the oracle."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally_shared.state.keys import StateKeys
from tests.faults import oracle
from tests.faults.injector import Injector
from tests.faults.plan import TICK, TICKS
from tests.faults.site import HOSTS, SERVICES, Site
from tests.faults.traffic import Traffic, Truth
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.plan import Plan

#: Seconds that the site may take to recover and to work everything off.
_PATIENCE = 90.0
#: Seconds in which nothing more may change.
_QUIET = 0.7
_MOST_LINES = 25  # of one log in one tick
_FRESH = "fresh.example"
#: An aggregator's last words when it has found the state emptied and wants to be restarted.
_EMPTIED = "The state in Redis was emptied."


@dataclass(slots=True)
class Result:
    """What came of a seed."""

    plan: Plan
    lines: int = 0
    restarts: list[str] = field(default_factory=list)
    seconds: float = 0.0
    recovery: float = 0.0  # seconds from the last healing until everything was right
    differences: list[str] = field(default_factory=list)


def run_plan(plan: Plan, directory: Path, database_url: str, socket_directory: Path) -> Result:
    """Run a plan in an empty directory."""
    seed, began = plan.seed, time.monotonic()
    result, truth = Result(plan), Truth()
    traffic = Traffic(random.Random(f"traffic {seed}"), truth)
    with Site(directory, database_url, plan.fsync, socket_directory) as site:
        for name in SERVICES:
            site.start(name)
        injector = Injector(site, random.Random(f"injector {seed}"))
        try:
            _await(site, lambda: _is_open(site), "the opening of the state")
            _under_fault(site, traffic, injector, plan)
            healed = time.monotonic()
            injector.heal_all()
            _await_truth(site, truth)
            result.recovery = time.monotonic() - healed
            _check_end(site, traffic, result)
        except AssertionError as error:
            result.differences += [*oracle.differences(site, truth), str(error)]
        result.restarts = site.restarts
    result.lines, result.seconds = truth.lines, time.monotonic() - began
    return result


def _is_open(site: Site) -> bool:
    with site.redis.client() as client:
        return bool(client.exists(StateKeys().format))


def _under_fault(site: Site, traffic: Traffic, injector: Injector, plan: Plan) -> None:
    rng = random.Random(f"writing {plan.seed}")
    for tick in range(TICKS):
        due = time.monotonic() + TICK
        for fault in plan.faults:
            if fault.at == tick:
                injector.begin(fault)
            if fault.lasts and fault.at + fault.lasts == tick:
                injector.end(fault)
        for host in HOSTS:
            lines = traffic.lines(rng.randrange(_MOST_LINES), f"{host}.example.net")
            site.logs[host].write(lines, cut=rng.choice((0, 0, 0, 5, 30)))
        site.redis.watch_file()
        site.tend()
        time.sleep(max(0.0, due - time.monotonic()))
    for host in HOSTS:
        site.logs[host].write(b"")


def _await(site: Site, condition: Callable[[], bool], what: str) -> None:
    def tended() -> bool:
        site.tend()
        time.sleep(0.02)
        return condition()

    wait_until(tended, _PATIENCE, what)


def _await_truth(site: Site, truth: Truth) -> None:
    expected = truth.sums()
    _await(site, lambda: oracle.live(site) == expected, "counting every line once")
    _await(site, lambda: oracle.billed(site.database_url) == expected, "billing every line")


def _check_end(site: Site, traffic: Traffic, result: Result) -> None:
    """Everything is right; it must stay so, and go on."""
    for host in HOSTS:
        site.logs[host].write(traffic.record(f"{host}.example.net", _FRESH))
    _await_truth(site, traffic.truth)
    _await(site, lambda: _is_settled(site), "archiving every day as it is")
    time.sleep(_QUIET)
    result.differences += oracle.differences(site, traffic.truth)
    doctor = site.command("doctor", "--deep")
    doctor.start()
    if doctor.wait():
        result.differences.append(f"The doctor finds something amiss; see {doctor.log}.")
    for name in SERVICES:
        site.stop(name)
    for name in SERVICES:
        process = site.processes[name]
        # Where another one was quick to refill the state, it may be on its way out still.
        if (code := process.wait()) and not process.last_words().startswith(_EMPTIED):
            result.differences.append(f"{name} ended with {code} when it was asked to stop.")


def _is_settled(site: Site) -> bool:
    return oracle.is_written(site) and not any(site.statistic_dir.glob("*.qml.txt"))
