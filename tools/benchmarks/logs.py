"""The logs that all contenders read: three days, Zipf domains, five services, seeded.

There are two sets: a cluster of three mail hosts, and one machine with four logs.

Run as a program, so that the process that measures the others stays small: a child's peak
memory counts from its parent's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.benchmarks.peers.answer import spelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailtally.samples.sample_logs import Truth

HOSTS = ("mail1.example.com", "mail2.example.com", "mail3.example.com")
#: The host that each log names, by the log's folder.
CLUSTER = {host: host for host in HOSTS}
MACHINE = {f"log{number}": "mail.example.com" for number in range(1, 5)}
LAYOUTS = {"cluster": CLUSTER, "machine": MACHINE}
DAYS = 3
_DAY = 86_400
_AT_ONCE = 2**20  # bytes copied at once


@dataclass(frozen=True, slots=True)
class Logs:
    """Generated logs below one directory; ``layout`` is one of ``LAYOUTS``."""

    directory: Path
    lines: int
    layout: str = "cluster"

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return the paths of the logs, in the order of the layout."""
        return tuple(self.directory / folder / "stats" for folder in LAYOUTS[self.layout])

    @property
    def size(self) -> int:
        """Return the size of all logs in bytes."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def expected(self) -> Path:
        """Return the file with the correct answer."""
        return self.directory / "expected"

    def expected_sums(self) -> frozenset[str]:
        """Return the lines of the correct answer."""
        return frozenset(self.expected.read_text("ascii").splitlines())


def make_logs(
    directory: Path, *, lines: int, domains: int = 1000, seed: int = 1, layout: str = "cluster"
) -> Logs:
    """Generate logs, in a process of its own, unless they exist.

    Args:
        directory: directory for the logs only; it is created if needed.
        lines: lines of all logs together.
        domains: domains charged in each log.
        seed: seed of the random numbers.
        layout: which logs there are, one of ``LAYOUTS``.
    """
    logs = Logs(directory, lines, layout)
    if not logs.expected.exists():
        directory.mkdir(parents=True, exist_ok=True)
        arguments = map(str, (directory, lines, domains, seed, layout))
        subprocess.run([sys.executable, "-m", "tools.benchmarks.logs", *arguments], check=True)
    return logs


def repeated(logs: Logs, times: int) -> Logs:
    """Return logs that repeat the lines ``times`` times, generated on first use.

    Longer logs of the same kind: nothing else differs that could change the cost per line.
    """
    directory = logs.directory.with_name(f"{logs.directory.name}-x{times}")
    longer = Logs(directory, logs.lines * times, logs.layout)
    if not longer.expected.exists():
        for path, original in zip(longer.paths, logs.paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as log:
                for _ in range(times):
                    with original.open("rb") as lines:
                        shutil.copyfileobj(lines, log, _AT_ONCE)
        longer.expected.write_text(spelled(_multiplied(logs, times)), "ascii")
    return longer


def _multiplied(logs: Logs, times: int) -> Iterable[tuple[int, str, int, int]]:
    for line in sorted(logs.expected_sums()):
        day, domain, messages, size = line.split("|")
        yield int(day), domain, int(messages) * times, int(size) * times


def _write(logs: Logs, domains: int, seed: int) -> None:
    from mailtally.samples.sample_logs import write_log  # noqa: PLC0415 - imports numpy; see above

    today = int(datetime.now(UTC).timestamp()) // _DAY * _DAY
    hosts = LAYOUTS[logs.layout].values()
    share, rest = divmod(logs.lines, len(hosts))
    truths = []
    for number, (path, host) in enumerate(zip(logs.paths, hosts, strict=True)):
        path.parent.mkdir(exist_ok=True)
        truths.append(
            write_log(
                path,
                host=host,
                lines=share + (rest if number == 0 else 0),
                start=today - DAYS * _DAY,
                end=today,
                seed=seed + number,
                domains=domains,
            )
        )
    logs.expected.write_text(spelled(_sums(truths)), "ascii")


def _sums(truths: Iterable[Truth]) -> Iterable[tuple[int, str, int, int]]:
    import numpy as np  # noqa: PLC0415 - see above

    sums: dict[tuple[int, str], tuple[int, int]] = {}
    for truth in truths:
        days = truth.time // _DAY
        for day in np.unique(days).tolist():
            domain = truth.domain[days == day]
            messages = np.bincount(domain)
            sizes = np.zeros(len(messages), np.int64)
            np.add.at(sizes, domain, truth.size[days == day])
            for code in np.flatnonzero(messages).tolist():
                key = (day, truth.domains[code])
                known = sums.get(key, (0, 0))
                sums[key] = (known[0] + int(messages[code]), known[1] + int(sizes[code]))
    return ((*key, *quantities) for key, quantities in sums.items())


if __name__ == "__main__":
    made = Logs(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[5])
    _write(made, int(sys.argv[3]), int(sys.argv[4]))
