"""``python -m benchmarks``: wires the measurements together."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import click

from benchmarks.contenders import CONTENDERS
from benchmarks.machine import facts
from benchmarks.parts import PARTS as KEPT
from benchmarks.parts import keep, kept, publish
from benchmarks.scale import Scale
from benchmarks.targets import judged, verdicts_table

NAMES = tuple(contender.name for contender in CONTENDERS)
#: Each part's module, which has ``measure`` and ``shown``. It is imported only for its part: the
#: parent of what is compared has to be small.
PARTS = {
    "peers": "benchmarks.comparing",
    "stages": "benchmarks.stages",
    "freshness": "benchmarks.steady",
    "idle": "benchmarks.idle",
    "memory": "benchmarks.memory",
    "day": "benchmarks.large_day",
    "growth": "benchmarks.growth",
    "collector": "benchmarks.bare_collector",
}
#: The one that installs packages is asked for by name.
_OF_ALL = tuple(name for name in PARTS if name != "collector")
#: What shows within minutes that everything runs. Its figures mean nothing.
_SMALL = ("--lines", "60000", "--repeat", "1", "--seconds", "5", "--day", "5000")


@click.command()
@click.argument("what", type=click.Choice(["all", *PARTS, "table"]), default="all")
@click.option("--lines", type=click.IntRange(3), default=5_000_000, show_default=True)
@click.option("--domains", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=40.0, show_default=True)
@click.option("--day", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--longest", type=click.IntRange(300), default=100_000_000, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="May be given repeatedly.")
@click.option("--place", type=click.Path(path_type=Path), help="Where logs are made, and kept.")
@click.option("--kept", "store", type=click.Path(path_type=Path), default=KEPT, hidden=True)
@click.option("--small", is_flag=True, help="Does everything run? The figures mean nothing.")
def main(what: str, place: Path | None, store: Path, *, small: bool, **sizes: object) -> None:
    """Measure a part, or all of them, and hold what was found against the targets."""
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
    """The same again on a small scale, its figures kept where nobody takes them for real ones."""
    given = [word for word in sys.argv[1:] if word != "--small"]
    with tempfile.TemporaryDirectory(prefix="mailtally-bench-") as store:
        code = _again([*given, *_SMALL, "--longest", "120000", "--kept", store])
    raise SystemExit(code)


def _all(place: Path | None) -> None:
    """Each part in a process of its own, which is small and new."""
    given = [word for word in sys.argv[1:] if word != "all"]
    for part in _OF_ALL:
        click.echo(f"\n=== {part}")
        if _again([part, *given, "--place", str(place)]):
            click.echo(f"{part} failed: the table goes without it.", err=True)


def _again(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], check=False).returncode


def _one(part: str, scale: Scale, store: Path) -> None:
    module = import_module(PARTS[part])
    machine = facts()  # before the runs: the load average is that of other work
    found = module.measure(scale)
    keep(store, part, found, machine)
    click.echo(module.shown(found))


def _table(store: Path) -> None:
    """What was found against the targets; real figures become a file to be tracked."""
    parts = kept(store)
    verdicts = judged(parts)
    click.echo(f"\n{verdicts_table(verdicts)}")
    if store == KEPT:
        path = publish(parts, [verdict.spelled() for verdict in verdicts])
        click.echo(f"Kept in benchmarks/results/{path.name}.", err=True)


if __name__ == "__main__":
    main()
