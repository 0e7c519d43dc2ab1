"""``python -m tests.fuzz``: damages what comes from outside until something breaks, or nothing.

Nothing may break a reader but by its own refusal: no other exception, no hang, no growth, and
no difference to the plain reference. A hang ends the process with a traceback; it is found again
with ``--seed`` and the block that was told last.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz import batches, day_files, envelopes, log_bytes
from tests.fuzz.run import Figures, FoundError, run

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = {
    target.name: target
    for module in (log_bytes, batches, envelopes, day_files)
    for target in module.TARGETS
}
#: A block that takes longer hangs; in seconds.
PATIENCE = 120
#: Address space that one target may take beyond what it begins with, in bytes.
ROOM = 4 * 2**30


def main() -> int:
    """Run the targets one after another; 1 if one of them broke."""
    options = _options()
    _limit_memory()
    for name in options.targets or TARGETS:
        try:
            figures = run(
                TARGETS[name],
                seed=options.seed,
                inputs=options.inputs,
                seconds=options.seconds,
                findings=options.findings,
                first_block=options.block,
                beat=_watchdog(name, options.findings),
            )
        except FoundError as found:
            sys.stderr.write(f"{found}\n")
            return 1
        finally:
            faulthandler.cancel_dump_traceback_later()
        sys.stdout.write(_row(figures))
        sys.stdout.flush()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)}"
    )
    parser.add_argument("--inputs", type=int, default=10_000_000, help="of each target")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each target, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--block", type=int, default=0, help="the block to begin with")
    parser.add_argument("--findings", type=Path, default=Path(".fuzz"))
    options = parser.parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    return options


def _watchdog(name: str, findings: Path) -> Callable[[int], None]:
    """Notes each block's number and ends the process where a block hangs."""
    findings.mkdir(parents=True, exist_ok=True)
    note = (findings / f"{name}.block").open("w", encoding="ascii")

    def beat(number: int) -> None:
        note.seek(0)
        note.write(f"{number}\n")
        note.flush()
        faulthandler.dump_traceback_later(PATIENCE, exit=True)

    return beat


def _limit_memory() -> None:
    """An input that asks for too much is told no, rather than the machine."""
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        pages = int(sizes.read_text("ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM,) * 2)


def _row(figures: Figures) -> str:
    ended = ", ".join(f"{how} {count}" for how, count in figures.ended.most_common())
    rate = figures.inputs / max(figures.seconds, 0.001)
    return (
        f"{figures.target:12} {figures.inputs:>10} inputs {figures.seconds:8.0f} s "
        f"{rate:9.0f}/s  grew {figures.growth / 2**20:4.0f} MiB  {ended}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
