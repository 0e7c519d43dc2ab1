"""How soon a line that was written to a log is in the live totals.

``python -m benchmarks.freshness [LINES]``: each line is appended when the one
before it was seen, after a pause of random length, so that it meets the
pipeline in any phase. Prints the percentiles of the delays.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mailtally.report.live import live_days
from mailtally.site import Site
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys

_LONGEST_PAUSE = 0.5  # seconds
_POLL = 0.002  # seconds
_PATIENCE = 30.0  # seconds


def measure(lines: int, seed: int = 1) -> list[float]:
    """The delay of each line, in seconds."""
    pauses = random.Random(seed)  # noqa: S311 - phases, no secrets
    delays = []
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "stats"
        log.touch()
        with Site(Path(directory) / "data") as site:
            site.start_aggregators(1)
            site.start_loader()
            site.start_collector([str(log)])
            with connect_state(site.state_url) as state, log.open("ab", buffering=0) as writer:
                for number in range(lines + 1):
                    writer.write(_line(number))
                    delay = _wait_for(state, number + 1)
                    if number:  # the first one waits for the programs to start
                        delays.append(delay)
                    time.sleep(pauses.uniform(0, _LONGEST_PAUSE))
    return delays


def main() -> None:
    """Measure and print."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    delays = np.array(measure(lines)) * 1000
    shown = ", ".join(f"p{p} {np.percentile(delays, p):.0f}" for p in (50, 90, 99))
    print(f"{lines} lines, delay in ms: min {delays.min():.0f}, {shown}, max {delays.max():.0f}")


def _line(number: int) -> bytes:
    now = int(time.time())
    addresses = "a@example.org|b@example.com"
    return f"Jan  1 00:00:00 mail in[1]: {now}|{addresses}|{number}|success\n".encode()


def _wait_for(state: State, messages: int) -> float:
    began = time.perf_counter()
    while time.perf_counter() - began < _PATIENCE:
        if sum(day.messages for day in live_days(state, StateKeys())) >= messages:
            return time.perf_counter() - began
        time.sleep(_POLL)
    raise TimeoutError(f"line {messages} was not counted within {_PATIENCE} s")


if __name__ == "__main__":
    main()
