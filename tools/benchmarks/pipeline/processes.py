"""The resource usage of a running site's processes, measured from outside."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODULES = ("mailtally_collector", "mailtally_aggregator", "mailtally_loader", "redis")


class Processes:
    """The descendants of this process at the time of creation."""

    def __init__(self) -> None:
        self._processes = {
            process: _role(process) for process in psutil.Process().children(recursive=True)
        }
        self._peaks: dict[psutil.Process, float] = defaultdict(float)
        self._cpu: dict[psutil.Process, float] = defaultdict(float)
        self._written: dict[psutil.Process, float] = defaultdict(float)

    def look(self) -> None:
        """Note the present usage of each; one that has ended keeps its last figures."""
        for process in self._processes:
            with suppress(psutil.NoSuchProcess), process.oneshot():
                self._peaks[process] = max(self._peaks[process], _most_memory(process))
                times = process.cpu_times()
                self._cpu[process] = times.user + times.system
                if sys.platform == "linux":  # macOS does not count
                    self._written[process] = process.io_counters().write_bytes

    def cpu(self) -> dict[str, float]:
        """Return processor seconds at the last measurement, by role."""
        return self._by_role(self._cpu)

    def peaks(self) -> dict[str, float]:
        """Return peak resident memory in bytes by role; shared pages count twice."""
        return self._by_role(self._peaks)

    def written(self) -> dict[str, float]:
        """Return bytes written to disk at the last measurement, by role."""
        return self._by_role(self._written)

    def of(self, role: str) -> list[int]:
        """Return the process ids of a role."""
        return [process.pid for process, its in self._processes.items() if its == role]

    def _by_role(self, values: Mapping[psutil.Process, float]) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for process, role in self._processes.items():
            sums[role] += values[process]
        return dict(sums)


def _most_memory(process: psutil.Process) -> int:
    """Return peak resident memory in bytes; except on Linux, the present one."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    resident: int = process.memory_info().rss
    return resident


def _role(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next((name.removeprefix("mailtally_") for name in _MODULES if name in words), "other")
