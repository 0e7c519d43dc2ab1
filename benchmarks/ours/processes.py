"""The processes of a running site: what they use, seen from outside."""

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
    """All processes below this one, as they are when it is made."""

    def __init__(self) -> None:
        self._processes = {
            process: _role(process) for process in psutil.Process().children(recursive=True)
        }
        self._peaks: dict[psutil.Process, float] = defaultdict(float)
        self._cpu: dict[psutil.Process, float] = defaultdict(float)
        self._written: dict[psutil.Process, float] = defaultdict(float)

    def look(self) -> None:
        """Take note of what each uses now; one that has ended keeps its last figures."""
        for process in self._processes:
            with suppress(psutil.NoSuchProcess), process.oneshot():
                self._peaks[process] = max(self._peaks[process], _most_memory(process))
                times = process.cpu_times()
                self._cpu[process] = times.user + times.system
                if sys.platform == "linux":  # macOS does not count
                    self._written[process] = process.io_counters().write_bytes

    def cpu(self) -> dict[str, float]:
        """Processor seconds up to the last look, by role."""
        return self._by_role(self._cpu)

    def peaks(self) -> dict[str, float]:
        """Most resident memory in bytes, by role; pages that are shared count twice."""
        return self._by_role(self._peaks)

    def written(self) -> dict[str, float]:
        """Bytes sent to disks up to the last look, by role."""
        return self._by_role(self._written)

    def of(self, role: str) -> list[int]:
        """The ids of a role's processes."""
        return [process.pid for process, its in self._processes.items() if its == role]

    def _by_role(self, values: Mapping[psutil.Process, float]) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for process, role in self._processes.items():
            sums[role] += values[process]
        return dict(sums)


def _most_memory(process: psutil.Process) -> int:
    """The most resident memory so far, in bytes; elsewhere than on Linux, what is resident now."""
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
