"""Where figures were taken: they mean little without it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

_PACKAGES = ("numba", "numpy", "polars", "kombu", "redis", "hiredis", "zstandard")


def facts() -> dict[str, object]:
    """The machine, its load at the moment, and the versions of what takes part."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "mawk": _first_line("mawk", "-W", "version"),
        "redis": _first_line("redis-server", "--version"),
        "commit": _first_line("git", "describe", "--always", "--dirty"),
    }


def processor() -> str:
    """The name of its model, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _first_line(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return next(iter(done.stdout.splitlines()), None)
