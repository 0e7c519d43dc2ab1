"""The part ``starting``: how long an operator waits for a command, next to ``python -c pass``.

Whole processes in turns, on a small site (1,000 lines) that is up. Medians count; the ratios to the
floor compare machines.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from mailtally.samples.sample_logs import write_log
from tools.benchmarks.figures import spread
from tools.benchmarks.table import aligned
from tools.benchmarks.usage import Usage, usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.benchmarks.scale import Scale

LINES = 1000
_START = 1_771_200_000
_DAY = 86_400
_FLOOR = "python -c pass"
_MAILTALLY = str(Path(sys.executable).with_name("mailtally"))
#: Seconds until the site of the first run is complete.
_PATIENCE = 120.0


def measure(scale: Scale) -> dict[str, Any]:
    """Time each command as often as asked."""
    with tempfile.TemporaryDirectory(dir=scale.place) as temp:
        place = Path(temp)
        log = place / "stats"
        host = "mail.example.com"
        write_log(log, host=host, lines=LINES, start=_START, end=_START + _DAY, seed=1)
        once = place / "once"
        _run(_up_once(log, once))  # compiles the parser, which later starts do not
        with _site_up(log, place / "site") as site:
            times = _in_turns(_commands(log, place, site), scale.repeat)
    seconds = {name: [one.seconds for one in runs] for name, runs in times.items()}
    floor = median(seconds[_FLOOR])
    return {
        "lines": LINES,
        "seconds": {name: median(these) for name, these in seconds.items()},
        "spreads": {name: spread(these) for name, these in seconds.items()},
        "ratios": {name: median(these) / floor for name, these in seconds.items()},
        "cpu_s": {name: median(one.cpu for one in runs) for name, runs in times.items()},
    }


def shown(found: dict[str, Any]) -> str:
    """Return a table with a line per command."""
    rows = [
        (
            name,
            f"{seconds:.3f}",
            f"{found['spreads'][name]:.0%}",
            f"{found['ratios'][name]:.1f}",
            f"{found['cpu_s'][name]:.3f}",
        )
        for name, seconds in found["seconds"].items()
    ]
    head = (f"{found['lines']:,} lines", "s", "spread", "to the floor", "CPU s")
    return aligned([head, *rows])


def _commands(log: Path, place: Path, site: Path) -> Mapping[str, list[str]]:
    """Return the commands by name; ``{new}`` is a new directory each time."""
    return {
        _FLOOR: [sys.executable, "-c", "pass"],
        "--help": [_MAILTALLY, "--help"],
        "report --help": [_MAILTALLY, "report", "--help"],
        "report": [_MAILTALLY, "report", "--data", str(site)],
        "doctor": [_MAILTALLY, "doctor", "--data", str(site)],
        "up --once": _up_once(log, place / "{new}"),
    }


def _up_once(log: Path, data: Path) -> list[str]:
    return [_MAILTALLY, "up", "--once", "--logs", str(log), "--data", str(data)]


@contextmanager
def _site_up(log: Path, site: Path) -> Iterator[Path]:
    """Have a site up whose lines are counted, written and loaded."""
    _run(_up_once(log, site))
    up = subprocess.Popen(
        [_MAILTALLY, "up", "--logs", str(log), "--data", str(site)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    try:
        deadline = time.monotonic() + _PATIENCE
        report = [_MAILTALLY, "report", "--data", str(site)]
        while b"is not running" in _told(report) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield site
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait()


def _environment() -> dict[str, str]:
    """Return an environment in which compiled modules are kept, as after an installation."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _told(command: list[str]) -> bytes:
    return subprocess.run(command, check=False, capture_output=True, env=_environment()).stderr


def _in_turns(commands: Mapping[str, list[str]], repeat: int) -> dict[str, list[Usage]]:
    times: dict[str, list[Usage]] = {name: [] for name in commands}
    for turn in range(repeat):
        for name, command in commands.items():
            times[name].append(_run([word.replace("{new}", f"new-{turn}") for word in command]))
            os.sync()
    return times


def _run(command: list[str]) -> Usage:
    silent, began = subprocess.DEVNULL, time.perf_counter()
    process = subprocess.Popen(command, stdout=silent, stderr=silent, text=True, env=_environment())
    usage = usage_of(process, began)
    if usage.code:
        raise RuntimeError(f"{' '.join(command)} ended with {usage.code}")
    return usage
