"""The resource usage of a process from its start to its end.

The kernel counts peak memory from before the program was loaded, so that a small program started by
a large process seems as large. Such a peak is distinguished from the program's own by polling the
process while it runs (Linux); for a larger one, the kernel's figure is used.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

#: ``ru_maxrss`` is in KiB, but in bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
#: Seconds between two measurements of a process's memory.
_LOOK = 0.01


@dataclass(frozen=True, slots=True)
class Usage:
    """Wall and processor seconds, peak memory in bytes, and the exit code.

    The processor time includes children that it waited for; the memory is that of the largest.
    """

    seconds: float
    cpu: float
    peak: int
    code: int


def usage_of(process: subprocess.Popen[str], begin: float) -> Usage:
    """Wait for the end of a child process.

    Args:
        process: the process, just started; nothing else waits for it.
        begin: its start in ``perf_counter`` seconds.
    """
    ours = _own_peak()
    looks = _Looks(process.pid)
    looks.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    looks.finish()
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * _MAXRSS_UNIT
    return Usage(
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=looks.peak if looks.peak and peak <= ours else peak,
        code=process.returncode,
    )


def said(file: IO[str]) -> str:
    """Return everything written to a file by a process that shares it."""
    file.seek(0)
    return file.read()


def _own_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


class _Looks(threading.Thread):
    """A poller of a process's peak memory in bytes; 0 without ``/proc``."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{process}/status")
        self._ended = threading.Event()
        self.peak = peak_so_far(self._status)

    def run(self) -> None:
        while not self._ended.wait(_LOOK):
            self.peak = max(self.peak, peak_so_far(self._status))

    def finish(self) -> None:
        self._ended.set()
        self.join()


def peak_so_far(status: Path) -> int:
    """Return the bytes in a ``/proc/…/status``; 0 if there is none or the process has ended."""
    try:
        lines = status.read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
