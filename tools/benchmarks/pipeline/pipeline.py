"""The whole pipeline on this machine: collectors → Redis → 2 aggregators → qml → SQLite.

Each log has a collector; with ``--together``, one collector reads all logs.
Real service processes on the embedded Redis, with its append-only file synced every second. By
default the backlog exists when the collectors start, and the clock starts with them. With
``--running`` the services are already running, the clock starts when the backlog appears, and no
day is written: this is the throughput without starts.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally.local.site import Site
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals
from tools.benchmarks.peers.answer import tell
from tools.benchmarks.pipeline.ledger import applied_records, collectors
from tools.benchmarks.pipeline.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailtally.local.children import Children
    from mailtally_shared.state.client import State

    Sum = tuple[int, str, int, int]

AGGREGATORS = 2
#: Seconds between two reads of the ledger, and reads between two measurements of the processes.
_LOOK, _EVERY = 0.005, 10
_TIMEOUT = 900.0
#: Processes that use less than this processor time within the second figure, in seconds, are idle.
_QUIET, _QUIET_FOR = 0.03, 0.5
_EPOCH = date(1970, 1, 1)
#: Settings without which days that ended long ago would be written at their first record.
NEVER = {f"MAILTALLY_AGGREGATOR__{name}": str(3650 * 86_400) for name in ("GRACE", "DEADLINE")}


@dataclass(slots=True)
class Observer:
    """A watcher of a site from outside, by its ledger."""

    state: State
    processes: Processes
    children: Children

    @classmethod
    def of(cls, site: Site) -> Observer:
        """Return a watcher of the processes running now, without later ones."""
        return cls(connect_state(site.state_url), Processes(), site.children)

    def wait(self, condition: Callable[[], bool], look: float = _LOOK) -> float:
        """Wait for ``condition``, and return the time in ``perf_counter`` seconds.

        Raises:
            MailtallyError: a service gave up.
            TimeoutError: it takes too long.
        """
        begin, looks = time.perf_counter(), 0
        while not condition():
            looks += 1
            if looks % _EVERY == 0:
                self.processes.look()
                self.children.watch(time.monotonic())
            if time.perf_counter() - begin > _TIMEOUT:
                raise TimeoutError(f"The pipeline did not finish within {_TIMEOUT:g} s.")
            time.sleep(look)
        now = time.perf_counter()
        self.processes.look()
        return now

    def wait_until_quiet(self) -> None:
        """Wait until all processes have started and are idle."""
        used = -1.0
        while (now_used := sum(self.processes.cpu().values())) - used > _QUIET:
            used = now_used
            time.sleep(_QUIET_FOR)
            self.processes.look()


def from_start(
    logs: Mapping[str, Sequence[Path]], records: int, directory: Path
) -> tuple[list[Sum], dict[str, object]]:
    """Measure from the start of the collectors, including day files and rows.

    The logs are those of each collector, by its name.
    """
    with _site(directory, _expected(logs)) as site:
        others = Processes()
        others.look()
        before = others.cpu()
        begin = time.perf_counter()
        children = [
            site.start_collector(list(map(str, these)), host=host, once=True)
            for host, these in logs.items()
        ]
        observer = Observer.of(site)
        reading = observer.wait(lambda: len(collectors(observer.state)) > 0)
        committed = observer.wait(lambda: applied_records(observer.state) == records)
        cpu = observer.processes.cpu()
        loaded = observer.wait(
            lambda: all(one.is_done for one in children) and site.progress().is_settled,
            look=0.1,  # it reads more than the ledger
        )
        sums = list(loaded_sums(site.database))
    return sums, {
        "seconds": committed - begin,
        **_usage(cpu, before, observer.processes),
        "reading_after_s": round(reading - begin, 3),
        "loaded_after_s": round(loaded - begin, 3),
        **wire(directory, records),
    }


def when_running(
    logs: Mapping[str, Sequence[Path]], records: int, directory: Path
) -> tuple[list[Sum], dict[str, object]]:
    """Measure from the appearance of the backlog with running services."""
    appearing: dict[Path, Path] = {}
    with _site(directory, NEVER) as site:
        for host, these in logs.items():
            places = {log: directory / "logs" / log.parent.name / "stats" for log in these}
            for place in places.values():
                place.parent.mkdir(parents=True)
            site.start_collector(list(map(str, places.values())), host=host)
            appearing |= places
        observer = Observer.of(site)
        observer.wait(lambda: len(collectors(observer.state)) == len(logs))
        observer.wait_until_quiet()
        before = observer.processes.cpu()
        begin = time.perf_counter()
        for log, place in appearing.items():
            os.link(log, place)
        committed = observer.wait(lambda: applied_records(observer.state) == records)
        cpu = observer.processes.cpu()
        sums = list(_live(observer.state))
    return sums, {
        "seconds": committed - begin,
        **_usage(cpu, before, observer.processes),
        **wire(directory, records),
    }


@contextmanager
def _site(directory: Path, settings: Mapping[str, str]) -> Iterator[Site]:
    with Site(directory, settings) as site:
        site.start_aggregators(AGGREGATORS)
        site.start_loader()
        Observer.of(site).wait_until_quiet()
        yield site


def _expected(hosts: Iterable[str]) -> dict[str, str]:
    return {"MAILTALLY_AGGREGATOR__EXPECTED_HOSTS": ",".join(hosts)}


def _usage(
    after: Mapping[str, float], before: Mapping[str, float], processes: Processes
) -> dict[str, object]:
    cpu = {role: seconds - before.get(role, 0.0) for role, seconds in after.items()}
    peaks = processes.peaks()
    return {
        "cpu": sum(cpu.values()),
        "peak": int(sum(peaks.values())),
        "started": 0.0,
        "cpu_s": {role: round(seconds, 2) for role, seconds in cpu.items()},
        "peak_mb": {role: round(size / 2**20) for role, size in peaks.items()},
    }


def wire(directory: Path, records: int) -> dict[str, object]:
    """Return what was sent, from the spools."""
    batches = size = 0
    for spool in directory.glob("collector*/state.sqlite"):
        with sqlite3.connect(spool) as connection:
            found = connection.execute("SELECT count(*), sum(bytes) FROM batches").fetchone()
        batches, size = batches + found[0], size + found[1]
    return {"batches": batches, "wire_bytes_per_record": round(size / records, 2)}


def loaded_sums(database: Path) -> Iterator[Sum]:
    """Return what is billed: day since 1970, domain, messages, bytes."""
    with sqlite3.connect(database) as connection:
        query = "SELECT day, domain, hits_all, bytes FROM mail_traffic_daily"
        for day, domain, messages, size in connection.execute(query):
            yield (date.fromisoformat(day) - _EPOCH).days, domain, messages, size


def _live(state: State) -> Iterator[Sum]:
    """Return the same from the live totals."""
    totals = Totals(state, StateKeys())
    for day in totals.days():
        by_domain: dict[str, list[int]] = {}
        for row in totals.read(day.day).rows:
            entry = by_domain.setdefault(row.domain, [0, 0])
            entry[0] += row.messages
            entry[1] += row.bytes
        for domain, (messages, size) in by_domain.items():
            yield (day.day - _EPOCH).days, domain, messages, size


def records_of(logs: Sequence[Path]) -> int:
    """Return the number of records in logs that were generated."""
    expected = logs[0].parent.parent / "expected"
    return sum(int(line.split("|")[2]) for line in expected.read_text("ascii").splitlines())


def _main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--running", action="store_true")
    arguments.add_argument("--together", action="store_true")
    arguments.add_argument("logs", nargs="+", type=Path)
    given = arguments.parse_args()
    by_collector = (
        {"mail.example.com": given.logs}
        if given.together
        else {log.parent.name: [log] for log in given.logs}
    )
    place = given.logs[0].parent.parent
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-", dir=place) as temp:
        drive = when_running if given.running else from_start
        tell(*drive(by_collector, records_of(given.logs), Path(temp)))


if __name__ == "__main__":
    _main()
