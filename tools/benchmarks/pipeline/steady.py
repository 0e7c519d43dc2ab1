"""The part ``freshness``: the delay of each line while three hosts log at a steady rate.

Delays are computed without identifying lines: for each host it is known how many lines were
written, and how many the ledger had, at which time. The ledger is read every 10 ms, which is a load
on Redis, too. The processor time is that of all processes but this one.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mailtally.local.site import Site
from mailtally.samples.sample_logs import write_log
from mailtally_shared.state.keys import StateKeys
from tools.benchmarks.logs import HOSTS
from tools.benchmarks.pipeline.ledger import collectors
from tools.benchmarks.pipeline.pipeline import Observer, wire

if TYPE_CHECKING:
    from io import FileIO

    from numpy.typing import NDArray

    from mailtally_shared.state.client import State
    from tools.benchmarks.scale import Scale

RATE = 20_000  # lines a second, of all hosts together
_TICK = 0.01  # seconds
_PATIENCE = 30.0  # seconds to wait for the last line
#: Seconds of warm-up whose lines are not counted.
_SETTLING = 3.0


@dataclass(slots=True)
class Feed:
    """The growing log of a host.

    Attributes:
        data: all bytes to be written.
        ends: the end of each line, shape ``(lines,)``.
        log: the path of the log.
        written: times in seconds, and lines written by then.
        counted: times in seconds, and lines in the totals by then.
    """

    data: bytes
    ends: NDArray[np.int64]
    log: FileIO
    written: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    counted: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])

    def grow(self, lines: int, now: float) -> None:
        """Write until the log has this number of lines."""
        begin, end = self._offset(self.written[-1][1]), self._offset(lines)
        if end > begin:
            self.log.write(self.data[begin:end])
            self.written.append((now, lines))

    @property
    def is_counted(self) -> bool:
        """Return whether everything written is in the totals."""
        return self.counted[-1][1] >= self.written[-1][1]

    def delays(self) -> NDArray[np.float64]:
        """Return the delay in seconds of each line written after the warm-up."""
        lines = np.arange(1, self.written[-1][1] + 1)
        written, counted = (_moments(log, lines) for log in (self.written, self.counted))
        return (counted - written)[written > _SETTLING]

    def _offset(self, lines: int) -> int:
        return int(self.ends[lines - 1]) if lines else 0


def _moments(log: list[tuple[float, int]], lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the time of each line, by a record of counts."""
    times, counts = (np.array(column) for column in zip(*log, strict=True))
    found: NDArray[np.float64] = times[np.searchsorted(counts, lines)]
    return found


def measure(scale: Scale) -> dict[str, Any]:
    """Measure delays and processor time while the hosts log."""
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        feeds = [_feed(Path(temp), host, int(RATE * scale.seconds) // len(HOSTS)) for host in HOSTS]
        with Site(Path(temp) / "data") as site:
            site.start_aggregators(2)
            site.start_loader()
            for host, feed in zip(HOSTS, feeds, strict=True):
                site.start_collector([str(feed.log.name)], host=host)
            observer = Observer.of(site)
            observer.wait(lambda: len(collectors(observer.state)) == len(HOSTS))
            observer.wait_until_quiet()
            seconds, cpu = _drive(feeds, observer)
            travelled = wire(site.data_dir, sum(len(feed.ends) for feed in feeds))
    measured = {"rate": RATE, "seconds": seconds, **_figures(feeds)}
    return {**measured, **travelled, "cores": cpu}


def _figures(feeds: list[Feed]) -> dict[str, float]:
    delays = np.concatenate([feed.delays() for feed in feeds])
    percentiles = {f"p{p}_s": float(np.percentile(delays, p)) for p in (50, 90, 99)}
    return {"lines": len(delays), **percentiles, "max_s": float(delays.max())}


def shown(found: dict[str, Any]) -> str:
    """Return two sentences with the figures."""
    delays = ", ".join(f"{p} {found[f'{p}_s'] * 1000:.0f}" for p in ("p50", "p90", "p99", "max"))
    cores = ", ".join(f"{role} {share:.1%}" for role, share in found["cores"].items())
    return (
        f"{found['rate']:,} lines/s over {len(HOSTS)} hosts for {found['seconds']:.0f} s, "
        f"delay in ms: {delays}.\nOf one core: {sum(found['cores'].values()):.1%} ({cores})."
    )


def _feed(place: Path, host: str, lines: int) -> Feed:
    ready, log = place / f"{host}.ready", place / host
    now = int(time.time())
    end = now + max(1, lines * len(HOSTS) // RATE)
    write_log(ready, host=host, lines=lines, start=now, end=end, seed=len(host))
    data = ready.read_bytes()
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    return Feed(data, ends.astype(np.int64), log.open("wb", buffering=0))


def _drive(feeds: list[Feed], observer: Observer) -> tuple[float, dict[str, float]]:
    """Write everything at the rate, reading the ledger; return seconds, and cores by role."""
    keys = StateKeys()
    owners = [observer.state.hget(keys.registration(host), "id") for host in HOSTS]
    ledgers = [keys.ledger(cast("bytes", owner).decode("ascii")) for owner in owners]
    lines = len(feeds[0].ends)
    observer.processes.look()
    before, begin = observer.processes.cpu(), time.perf_counter()
    now = 0.0
    while now < lines * len(feeds) / RATE + _PATIENCE:
        now = time.perf_counter() - begin
        due = min(lines, int(now * RATE / len(feeds)))
        for feed in feeds:
            feed.grow(due, now)
        _look(feeds, ledgers, observer.state, begin)
        if due == lines and all(feed.is_counted for feed in feeds):
            break
        time.sleep(_TICK)
    else:
        raise TimeoutError("The lines were not counted in time.")
    observer.processes.look()
    after = observer.processes.cpu()
    return now, {role: (after[role] - before[role]) / now for role in after}


def _look(feeds: list[Feed], ledgers: list[str], state: State, begin: float) -> None:
    pipeline = state.pipeline(transaction=False)
    for ledger in ledgers:
        pipeline.hget(ledger, "records")
    found = pipeline.execute()
    now = time.perf_counter() - begin
    for feed, records in zip(feeds, found, strict=True):
        if int(records or 0) > feed.counted[-1][1]:
            feed.counted.append((now, int(records)))
