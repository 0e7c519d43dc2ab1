"""Facts about the machine of a benchmark."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

#: What tells processors of one name apart.
_KIND = ("cpu family", "model", "stepping")
_PACKAGES = ("numpy", "polars", "kombu", "redis", "hiredis", "zstandard")


def facts() -> dict[str, object]:
    """Return the machine, its present load, and the versions of the software."""
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
    """Return the model of the processor, if known; hypervisors give many the same name."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    first = info.read_text("utf-8").partition("\n\n")[0]
    lines = (line.replace("\t", "").partition(":") for line in first.splitlines())
    known = {key: value.strip() for key, _, value in lines}
    name = known.get("model name", platform.processor())
    kind = [f"{key.removeprefix('cpu ')} {known[key]}" for key in _KIND if key in known]
    return f"{name} ({', '.join(kind)})" if kind else name


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
