"""``mailtally up --once``: logs to rows in SQLite on one machine, from its start to its exit."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.benchmarks.peers.answer import tell
from tools.benchmarks.pipeline.pipeline import loaded_sums, records_of, wire


def run(logs: list[Path], directory: Path) -> None:
    """Run it in an empty directory, and tell what it counted."""
    options = [word for log in logs for word in ("--logs", str(log))]
    command = [sys.executable, "-m", "mailtally", "up", "--once", "--data", str(directory)]
    begin = time.perf_counter()
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    # It waits for its children, so that theirs is included.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "started": 0.0}
    sums = list(loaded_sums(directory / "mailtally.sqlite"))
    tell(sums, {**figures, **wire(directory, records_of(logs))})


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    place = given[0].parent.parent
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-", dir=place) as temp:
        run(given, Path(temp))
