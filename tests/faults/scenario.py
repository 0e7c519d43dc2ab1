"""One seed: a site under traffic and faults, then quiet, then the oracle."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from mailtally_shared.state.keys import StateKeys
from tests.faults import oracle
from tests.faults.examined import Finding, is_named, judged, read_findings
from tests.faults.injector import Injector
from tests.faults.plan import TICK, TICKS
from tests.faults.site import COLLECTORS, HOSTS, SERVICES, Site
from tests.faults.traffic import Traffic, Truth
from tests.faults.troubles import drawn
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from tests.faults.plan import Plan

#: Seconds that the site may take to recover and to work everything off.
_PATIENCE = 90.0
#: Seconds in which nothing more may change.
_QUIET = 0.7
_MOST_LINES = 25  # of one log in one tick
_FRESH = "fresh.example"
#: Seconds without a change after which all that is read is counted; rotated files wait for 10.
_STILL = 12.0
#: What collector and doctor say of a log that waits for a person.
_STOPPED = "is stopped: "
_BILL_LOOK = 10  # ticks between two looks at what is billed
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
    stopped: list[str] = field(default_factory=list)  # logs that wait for a person, as doctor says
    differences: list[str] = field(default_factory=list)


def run_plan(plan: Plan, directory: Path, database_url: str, socket_directory: Path) -> Result:
    """Run a plan in an empty directory."""
    seed, began = plan.seed, time.monotonic()
    result, truth = Result(plan), Truth()
    traffic = Traffic(random.Random(f"traffic {seed}"), truth)
    with Site(directory, database_url, plan.fsync, socket_directory) as site:
        for name in SERVICES:
            site.start(name)
        injector = Injector(site, traffic, random.Random(f"injector {seed}"))
        try:
            _await(site, lambda: _is_open(site), "the opening of the state")
            watch = _BillWatch(site.database_url)
            _under_fault(site, traffic, injector, plan, watch)
            healed = time.monotonic()
            injector.heal_all()
            _await_truth_or_stop(site, truth)
            result.recovery = time.monotonic() - healed
            watch.look()
            result.differences += watch.lowered
            if _is_right(oracle.live(site), truth) and not _stopped(site):
                _await_truth(site, truth)
                _check_end(site, traffic, result, injector.in_vain)
            else:
                _check_stopped(site, truth, result)
        except AssertionError as error:
            result.differences += [*oracle.differences(site, truth), str(error)]
        result.restarts = site.restarts
    result.lines, result.seconds = truth.lines, time.monotonic() - began
    return result


def _is_open(site: Site) -> bool:
    with site.redis.client() as client:
        return bool(client.exists(StateKeys().format))


class _BillWatch:
    """Looks now and then whether a revision lowered what was billed."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._before: oracle.Sums = {}
        self.lowered: list[str] = []

    def look(self) -> None:
        """Compare with the look before."""
        now = oracle.billed(self._url)
        self.lowered += oracle.lowered(self._before, now)
        self._before |= now


def _under_fault(
    site: Site, traffic: Traffic, injector: Injector, plan: Plan, watch: _BillWatch
) -> None:
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
        if tick % _BILL_LOOK == 0:
            watch.look()
        time.sleep(max(0.0, due - time.monotonic()))
    for host in HOSTS:
        site.logs[host].write(b"")


def _await(site: Site, condition: Callable[[], bool], what: str) -> None:
    def tended() -> bool:
        site.tend()
        time.sleep(0.02)
        return condition()

    wait_until(tended, _PATIENCE, what)


def _is_right(found: oracle.Sums, truth: Truth) -> bool:
    return truth.certain(found) == truth.sums()


def _await_truth(site: Site, truth: Truth) -> None:
    _await(site, lambda: _is_right(oracle.live(site), truth), "counting every line once")
    billed = partial(oracle.billed, site.database_url)
    _await(site, lambda: _is_right(billed(), truth), "billing every line")


def _await_truth_or_stop(site: Site, truth: Truth) -> None:
    """Wait for every line to be counted, or for a log to be stopped and all others to be read."""
    since, before = time.monotonic(), oracle.Sums()

    def is_over() -> bool:
        nonlocal since, before
        found = oracle.live(site)
        if found != before:
            since, before = time.monotonic(), found
        is_still = time.monotonic() - since > _STILL and bool(_stopped(site))
        return is_still or _is_right(found, truth)

    _await(site, is_over, "counting every line once")


def _stopped(site: Site) -> list[str]:
    """The sentences of collectors on logs that they do not read on."""
    logs = (site.processes[name].log for name in COLLECTORS)
    lines = (line for log in logs for line in log.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if _STOPPED in line]


def _check_stopped(site: Site, truth: Truth, result: Result) -> None:
    """A log waits for a person: the doctor must fail for it, and nothing be counted twice."""
    result.stopped = _stopped(site)
    result.differences += oracle.too_much(oracle.live(site), truth)
    alarms = [finding for finding in _findings(site) if finding.level == "FAILED"]
    if not any(_STOPPED in alarm.sentence for alarm in alarms):
        result.differences.append("A log is not read on, and the doctor does not fail for it.")


def _check_end(site: Site, traffic: Traffic, result: Result, in_vain: Collection[str]) -> None:
    """Everything is right; it must stay so, and go on."""
    for host in HOSTS:
        site.logs[host].write(traffic.record(f"{host}.example.net", _FRESH))
    _await_truth(site, traffic.truth)
    _await(site, lambda: _is_settled(site), "archiving every day as it is")
    time.sleep(_QUIET)
    result.differences += oracle.differences(site, traffic.truth)
    result.differences += _doctors_differences(site, result.plan, in_vain)
    for name in SERVICES:
        site.stop(name)
    for name in SERVICES:
        process = site.processes[name]
        # Where another one was quick to refill the state, it may be on its way out still.
        if (code := process.wait()) and not process.last_words().startswith(_EMPTIED):
            result.differences.append(f"{name} ended with {code} when it was asked to stop.")


def _doctors_differences(site: Site, plan: Plan, in_vain: Collection[str]) -> Iterator[str]:
    """Where what the doctor says is not what the plan explains, and what it overlooks."""
    yield from judged(_findings(site), plan, in_vain)
    rng = random.Random(f"trouble {plan.seed}")
    trouble, host = drawn(rng), rng.choice(HOSTS)
    trouble.begin(site.directory / "logs" / host)
    try:
        _await(site, lambda: is_named(trouble, _findings(site)), f"a word on {trouble.name}")
    except AssertionError as error:
        yield str(error)


def _findings(site: Site) -> list[Finding]:
    doctor = site.command("doctor", "--deep", "--format", "json")
    doctor.log.unlink(missing_ok=True)
    doctor.start()
    doctor.wait()
    return read_findings(doctor.log.read_text("utf-8", "replace"))


def _is_settled(site: Site) -> bool:
    """Whether all is archived, and no collector is still to be started after a clone's end."""
    is_shipped = site.is_at_work and oracle.is_shipped(site)
    is_archived = oracle.is_written(site) and not any(site.statistic_dir.glob("*.qml.txt"))
    return is_shipped and is_archived
