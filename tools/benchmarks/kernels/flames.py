"""Draw flame graphs of the services to docs/images.

Run ``python -m tools.benchmarks.kernels.flames``. It needs py-spy, and permission to trace other
processes: root, or ``kernel.yama.ptrace_scope=0``. It samples all busy threads, including machine
code, during a backlog: a collector and an aggregator on the same logs, then a loader on a day of
many domains.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailtally.local.site import Site
from mailtally_shared.days import DayFacts, write_day
from tools.benchmarks.capacity.domains import large_rows
from tools.benchmarks.kernels.flamegraph import svg, tree
from tools.benchmarks.logs import HOSTS
from tools.benchmarks.pipeline.ledger import applied_records, collectors
from tools.benchmarks.pipeline.pipeline import NEVER, Observer
from tools.benchmarks.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGES = Path(__file__).parents[3] / "docs" / "images"
_RATE = 400  # samples a second
_ATTACHING = 2.0  # seconds that py-spy takes to attach to a process


@click.command()
@click.option("--lines", type=click.IntRange(3), default=5_000_000, show_default=True)
@click.option("--day", type=click.IntRange(1), default=300_000, show_default=True)
def main(lines: int, day: int) -> None:
    """Draw a flame graph of each service."""
    if shutil.which(_py_spy()) is None:
        raise click.ClickException("py-spy is not installed: it is in requirements-dev.txt.")
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as place:
        folded = _backlog(Scale(Path(place), lines=lines), Path(place))
        folded |= _large_day(day, Path(place))
    IMAGES.mkdir(exist_ok=True)
    for service, stacks in folded.items():
        path = IMAGES / f"flame-{service}.svg"
        path.write_text(svg(tree(stacks.splitlines(), service)), "utf-8")
        click.echo(f"docs/images/{path.name}: {path.stat().st_size:,} bytes")


def _backlog(scale: Scale, place: Path) -> dict[str, str]:
    logs = scale.logs()
    # One collector reads all logs, so that it runs as long as the aggregator.
    appearing = {log: place / "appearing" / log.parent.name / "stats" for log in logs.paths}
    with Site(place / "data", NEVER) as site:
        site.start_aggregators(1)
        for target in appearing.values():
            target.parent.mkdir(parents=True)
        site.start_collector([str(target) for target in appearing.values()], host=HOSTS[0])
        observer = Observer.of(site)
        observer.wait(lambda: len(collectors(observer.state)) == 1)
        observer.wait_until_quiet()
        recorders = _record(observer, ("collector", "aggregator"), place)
        for log, target in appearing.items():
            os.link(log, target)
        observer.wait(lambda: applied_records(observer.state) == logs.lines)
        return _recorded(recorders)


def _large_day(domains: int, place: Path) -> dict[str, str]:
    facts = DayFacts(day=datetime.now(UTC).date(), timezone="UTC", revision=1, complete=True)
    with Site(place / "loading") as site:
        site.start_loader()
        observer = Observer.of(site)
        observer.wait_until_quiet()
        recorders = _record(observer, ("loader",), place)
        write_day(site.statistic_dir, facts, large_rows(domains, HOSTS[0]), now=time.time())
        observer.wait(lambda: site.progress().files_waiting == 0, look=0.1)
        return _recorded(recorders)


Recorders = dict[str, tuple["subprocess.Popen[bytes]", Path]]


def _record(observer: Observer, roles: tuple[str, ...], place: Path) -> Recorders:
    """Start sampling the first process of each role."""
    recorders: Recorders = {}
    for role in roles:
        output = place / f"{role}.folded"
        pid = str(observer.processes.of(role)[0])
        options = ("--format", "raw", "--native", "--rate", str(_RATE), "--duration", "unlimited")
        process = subprocess.Popen(
            [_py_spy(), "record", "--pid", pid, *options, "--output", str(output)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        recorders[role] = (process, output)
    time.sleep(_ATTACHING)
    return recorders


def _recorded(recorders: Mapping[str, tuple[subprocess.Popen[bytes], Path]]) -> dict[str, str]:
    """Stop sampling, and return the stacks by role."""
    for process, _ in recorders.values():
        process.send_signal(signal.SIGINT)
    found = {}
    for role, (process, output) in recorders.items():
        _, errors = process.communicate(timeout=60)
        if not output.exists():
            raise click.ClickException(f"py-spy found nothing: {errors.decode().strip()}")
        found[role] = output.read_text("utf-8")
    return found


def _py_spy() -> str:
    """Return the py-spy next to this interpreter."""
    return str(Path(sys.executable).with_name("py-spy"))


if __name__ == "__main__":
    main()
