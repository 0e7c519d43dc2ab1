"""``python -m tools.benchmarks``: the command line of the benchmarks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import click

from tools.benchmarks.machine import facts
from tools.benchmarks.parts import PARTS as KEPT
from tools.benchmarks.parts import keep, kept, publish
from tools.benchmarks.peers.contenders import CONTENDERS
from tools.benchmarks.scale import Scale
from tools.benchmarks.targets import judged, verdicts_table

NAMES = tuple(contender.name for contender in CONTENDERS)
#: The module of each part, which has ``measure`` and ``shown``. It is imported only for its part,
#: because the parent of the contenders must stay small.
PARTS = {
    "peers": "tools.benchmarks.peers.comparing",
    "slopes": "tools.benchmarks.peers.slopes",
    "stages": "tools.benchmarks.pipeline.stages",
    "freshness": "tools.benchmarks.pipeline.steady",
    "idle": "tools.benchmarks.pipeline.idle",
    "memory": "tools.benchmarks.pipeline.memory",
    "day": "tools.benchmarks.capacity.large_day",
    "growth": "tools.benchmarks.capacity.growth",
    "starting": "tools.benchmarks.capacity.starting",
    "hours": "tools.benchmarks.capacity.hours",
    "collector": "tools.benchmarks.pipeline.bare_collector",
}
#: The part that installs packages runs only if named.
_OF_ALL = tuple(name for name in PARTS if name != "collector")
#: Sizes with which everything runs within minutes. The figures are meaningless.
_SMALL = ("--lines", "60000", "--repeat", "1", "--seconds", "5", "--day", "5000")


@click.command()
@click.argument("what", type=click.Choice(["all", *PARTS, "table"]), default="all")
@click.option("--lines", type=click.IntRange(3), default=5_000_000, show_default=True)
@click.option("--domains", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=40.0, show_default=True)
@click.option("--day", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--longest", type=click.IntRange(300), default=100_000_000, show_default=True)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(NAMES),
    help="Contender to run; may be given more than once.",
)
@click.option(
    "--place", type=click.Path(path_type=Path), help="Directory for generated logs, which are kept."
)
@click.option("--kept", "store", type=click.Path(path_type=Path), default=KEPT, hidden=True)
@click.option(
    "--small", is_flag=True, help="Only check that everything runs; the figures are meaningless."
)
def main(what: str, place: Path | None, store: Path, *, small: bool, **sizes: object) -> None:
    """Measure a part, or all of them, and compare the figures with the targets."""
    if small:
        _small()
        return
    with ExitStack() as stack:
        if place is None and what != "table":
            temp = tempfile.TemporaryDirectory(prefix="mailtally-bench-")
            place = Path(stack.enter_context(temp))
        if what == "all":
            _all(place)
        elif place and what != "table":
            _one(what, Scale(place, **sizes), store)  # type: ignore[arg-type]  # click's, as declared
    if what in {"all", "table"}:
        _table(store)


def _small() -> None:
    """Run on a small scale, and keep the figures apart from real ones."""
    given = [word for word in sys.argv[1:] if word != "--small"]
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as store:
        code = _again([*given, *_SMALL, "--longest", "120000", "--kept", store])
    raise SystemExit(code)


def _all(place: Path | None) -> None:
    """Run each part in a new process, so that it is small."""
    given = [word for word in sys.argv[1:] if word != "all"]
    for part in _OF_ALL:
        click.echo(f"\n=== {part}")
        if _again([part, *given, "--place", str(place)]):
            click.echo(f"{part} failed and is missing in the table.", err=True)


def _again(arguments: list[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tools.benchmarks", *arguments], check=False
    ).returncode


def _one(part: str, scale: Scale, store: Path) -> None:
    module = import_module(PARTS[part])
    machine = facts()  # before the runs, so that the load average is that of other work
    found = module.measure(scale)
    keep(store, part, found, machine)
    click.echo(module.shown(found))


def _table(store: Path) -> None:
    """Show the figures against the targets; write real ones to a tracked file."""
    parts = kept(store)
    verdicts = judged(parts)
    click.echo(f"\n{verdicts_table(verdicts)}")
    if store == KEPT:
        path = publish(parts, [verdict.spelled() for verdict in verdicts])
        click.echo(f"Written to tools/benchmarks/results/{path.name}.", err=True)


if __name__ == "__main__":
    main()
