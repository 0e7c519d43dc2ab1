"""The delay from writing a line to a log until it is in the live totals.

``python -m tools.benchmarks.pipeline.freshness [LINES]``: each line is appended when the previous
one was seen, after a random pause, so that it meets the pipeline in any phase. Prints the
percentiles of the delays.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mailtally.local.site import Site
from mailtally_shared.state.client import State, connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals

_LONGEST_PAUSE = 0.5  # seconds
_POLL = 0.002  # seconds
_PATIENCE = 30.0  # seconds


def measure(lines: int, seed: int = 1) -> list[float]:
    """Return the delay of each line in seconds."""
    pauses = random.Random(seed)
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
                    if number:  # the first one includes the start of the programs
                        delays.append(delay)
                    time.sleep(pauses.uniform(0, _LONGEST_PAUSE))
    return delays


def main() -> None:
    """Measure and print the delays."""
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
        if sum(day.messages for day in Totals(state, StateKeys()).days()) >= messages:
            return time.perf_counter() - began
        time.sleep(_POLL)
    raise TimeoutError(f"line {messages} was not counted within {_PATIENCE} s")


if __name__ == "__main__":
    main()
