"""The processes of a running site: what they use, seen from outside."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

import psutil

_MODULES = ("mailtally_collector", "mailtally_aggregator", "mailtally_loader", "redis")


class Processes:
    """All processes below this one, as they are when it is made."""

    def __init__(self) -> None:
        self._processes = {
            process: _role(process) for process in psutil.Process().children(recursive=True)
        }
        self._peaks: dict[psutil.Process, int] = defaultdict(int)
        self._cpu: dict[psutil.Process, float] = defaultdict(float)

    def look(self) -> None:
        """Take note of what each uses now; one that has ended keeps its last figures."""
        for process in self._processes:
            with suppress(psutil.NoSuchProcess), process.oneshot():
                self._peaks[process] = max(self._peaks[process], process.memory_info().rss)
                times = process.cpu_times()
                self._cpu[process] = times.user + times.system

    def cpu(self) -> dict[str, float]:
        """Processor seconds up to the last look, by role."""
        return self._by_role(self._cpu)

    def peaks(self) -> dict[str, float]:
        """Most resident memory in bytes, by role; pages that are shared count twice."""
        return self._by_role(self._peaks)

    def _by_role(
        self, values: dict[psutil.Process, int] | dict[psutil.Process, float]
    ) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for process, role in self._processes.items():
            sums[role] += values[process]
        return dict(sums)


def _role(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next((name.removeprefix("mailtally_") for name in _MODULES if name in words), "other")
