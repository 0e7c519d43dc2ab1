"""A collector in a minimal environment: its size on a mail host, and the resources it uses."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally.samples.sample_logs import write_log
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from tools.benchmarks.pipeline.ledger import applied_records, collectors
from tools.benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tools.benchmarks.scale import Scale

_ROOT = Path(__file__).parents[3]
_CONSTRAINTS = str(_ROOT / "constraints.txt")
_PROJECTS = tuple(str(_ROOT / name) for name in ("shared", "kernel", "services/collector"))
#: Packages of every environment.
_OURS_NOT = ("pip", "setuptools")
_MB = 2**20
_DAY = 86_400
#: Seconds until a collector counts as idle, and seconds for which it is then watched.
_SETTLING, _WATCHED = 5.0, 10.0
_TIMEOUT, _LOOK, _MOMENT = 300.0, 0.02, 0.002
_WHOLE = "{:,.0f}"
#: Title, value, and its format.
Figure = tuple[str, float, str]


@dataclass(frozen=True, slots=True)
class BareEnvironment:
    """A virtual environment with the collector and no other service."""

    directory: Path

    @property
    def python(self) -> Path:
        """Return the path of its interpreter."""
        return self.directory / "bin" / "python"

    @property
    def collector(self) -> Path:
        """Return the path of its ``mailtally-collector``."""
        return self.directory / "bin" / "mailtally-collector"

    def sizes(self) -> dict[str, int]:
        """Return the bytes on disk of each installed package's directory or file."""
        (packages,) = self.directory.glob("lib/python3*/site-packages")
        return {entry.name: _size(entry) for entry in packages.iterdir()}


def install(directory: Path) -> BareEnvironment:
    """Create the environment.

    Raises:
        subprocess.CalledProcessError: pip failed; its output is in ``stderr``.
    """
    venv.create(directory, with_pip=True)
    environment = BareEnvironment(directory)
    pip = (str(environment.python), "-m", "pip", "install", "--quiet", "-c", _CONSTRAINTS)
    # The constraints also apply to the build environment.
    pinned = {"PIP_CONSTRAINT": _CONSTRAINTS, "PIP_BUILD_CONSTRAINT": _CONSTRAINTS}
    subprocess.run(
        [*pip, *_PROJECTS], env={**os.environ, **pinned}, check=True, capture_output=True, text=True
    )
    return environment


def measure(scale: Scale) -> dict[str, Any]:
    """Install a collector, let it read a log and idle, and return the resources used.

    It is started twice: the first start compiles the parser, later ones load it.
    """
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as temp:
        place = Path(temp)
        environment = install(place / "bare")
        log = place / "stats"
        lines, today = scale.lines, int(time.time()) // _DAY * _DAY
        write_log(log, host="mail.example.com", lines=lines, start=today - _DAY, end=today, seed=1)
        installed = _installed(environment.sizes()) / _MB
        first, later = (
            list(_at_work(environment, place / start, log, lines)) for start in ("first", "later")
        )
    at_work = [
        (title, form.format(value), form.format(later_value))
        for (title, value, form), (_, later_value, _) in zip(first, later, strict=True)
    ]
    on_disk = [("a collector alone", ""), ("installed packages, MB", f"{installed:,.0f}")]
    ready, busy = (value for _, value, _ in first[:2])
    figures = {"installed_mb": installed, "ready_s": ready, "busy_mb": busy}
    return {"lines": lines, **figures, "on_disk": on_disk, "at_work": at_work}


def shown(found: dict[str, Any]) -> str:
    """Return two tables: its size on disk, and the resources used."""
    head = (f"reading {found['lines']:,} lines", "first start", "later")
    return f"{aligned(found['on_disk'])}\n\n{aligned([head, *found['at_work']])}"


def _installed(sizes: Mapping[str, int]) -> int:
    """Return the bytes of all packages but those that every environment has."""
    return sum(size for name, size in sizes.items() if not name.startswith(_OURS_NOT))


def _at_work(
    environment: BareEnvironment, data_dir: Path, log: Path, lines: int
) -> Iterator[Figure]:
    """Yield the seconds until it is registered, its memory at most, and figures while idle."""
    with EmbeddedRedis(data_dir) as server, ExitStack() as stack:
        settings = {
            "MAILTALLY_DATA_DIR": str(data_dir),
            "MAILTALLY_LOG_LEVEL": "warning",
            "MAILTALLY_BROKER_URL": server.broker_url,
            "MAILTALLY_LOGS": str(log),
        }
        aggregator = (sys.executable, "-m", "mailtally_aggregator", "run")
        stack.enter_context(_running(aggregator, settings))
        _await_open(server)
        collector, begin = (str(environment.collector), "run"), time.perf_counter()
        process = stack.enter_context(_running(collector, settings))
        yield "registered after, s", _registered(server) - begin, "{:.2f}"
        yield "memory at most, MB", _busiest(process, server, lines) / _MB, _WHOLE
        time.sleep(_SETTLING)
        yield from _idle(process)


def _await_open(server: EmbeddedRedis) -> None:
    """Wait until an aggregator has opened the state."""
    with connect_state(server.state_url) as state:
        _wait(lambda: bool(state.exists(StateKeys().format)))


def _registered(server: EmbeddedRedis) -> float:
    """Wait until a collector has registered; return the time in ``perf_counter`` seconds."""
    with connect_state(server.state_url) as state:
        _wait(lambda: bool(collectors(state)), _MOMENT)
    return time.perf_counter()


def _wait(condition: Callable[[], bool], look: float = _LOOK) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The collector or its aggregator did not start.")
        time.sleep(look)


def _busiest(process: psutil.Process, server: EmbeddedRedis, lines: int) -> int:
    """Return the peak memory in bytes until all lines are in the totals."""
    deadline, most = time.monotonic() + _TIMEOUT, 0
    with connect_state(server.state_url) as state:
        while applied_records(state) < lines:
            most = max(most, process.memory_info().rss)
            if time.monotonic() > deadline:
                raise TimeoutError("The collector did not reach the end of its log.")
            time.sleep(_LOOK)
    return most


def _idle(process: psutil.Process) -> Iterator[Figure]:
    memory = process.memory_full_info()
    yield "memory idle, MB", memory.rss / _MB, _WHOLE
    yield "of it shared with no other process, MB", memory.uss / _MB, _WHOLE
    before = process.cpu_times(), process.io_counters().write_bytes
    time.sleep(_WATCHED)
    after = process.cpu_times(), process.io_counters().write_bytes
    used = sum(after[0][:2]) - sum(before[0][:2])
    yield "processor idle, of a core", used / _WATCHED, "{:.2%}"
    yield "written to disk idle, bytes/s", (after[1] - before[1]) / _WATCHED, _WHOLE


@contextmanager
def _running(command: Sequence[str], settings: Mapping[str, str]) -> Iterator[psutil.Process]:
    environment = {**os.environ, **settings}
    process = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _size(entry: Path) -> int:
    if entry.is_file():
        return entry.stat().st_size
    return sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
