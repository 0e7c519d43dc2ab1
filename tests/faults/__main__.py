"""``python -m tests.faults``: run seeds, tell how each went, and how to run one again."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.plan import Plan, make_plan
from tests.faults.scenario import Result, run_plan
from tests.faults.telling import summed_up, told
from tests.support.postgres import new_database, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from sqlalchemy import URL

    from tests.faults.plan import Database


def main() -> int:
    """Run what the command line asks for; 1 if any seed showed a difference."""
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    logging.basicConfig(level=logging.ERROR)
    results = []
    with ExitStack() as held:
        databases = Databases(held)
        for seed in _seeds(options):
            results.append(_run(make_plan(seed), databases, keep=options.keep))
            _say(told(results[-1]))
    _say(summed_up(results))
    return int(not results or any(result.differences for result in results))


class Databases:
    """Makes an empty database a seed; PostgreSQL is started when it is first needed."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held
        self._server: URL | None = None

    @contextmanager
    def new(self, kind: Database, directory: Path) -> Iterator[str]:
        """The URL of one of a kind."""
        if kind == "sqlite":
            yield f"sqlite:///{directory}/mailtally.sqlite"
            return
        self._server = self._server or self._held.enter_context(running_server())
        with new_database(self._server) as url:
            yield url


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(130)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one only, and show its plan")
    parser.add_argument("--first", type=int, help="begin with this seed, and go on by one")
    parser.add_argument("--seeds", type=int, help="run so many, one after the other")
    parser.add_argument("--minutes", type=float, help="run random ones for so long")
    parser.add_argument(
        "--keep", type=Path, help="keep what a seed leaves that failed, or stopped a log"
    )
    return parser.parse_args()


def _seeds(options: argparse.Namespace) -> Iterator[int]:
    if options.seed is not None:
        yield options.seed
    elif options.minutes is not None:
        end = time.monotonic() + 60 * options.minutes
        seeds = (
            count(options.first) if options.first else iter(partial(random.randrange, 2**31), -1)
        )
        yield from takewhile(lambda _: time.monotonic() < end, seeds)
    else:
        first = options.first or 1
        yield from range(first, first + (options.seeds or 1))


def _run(plan: Plan, databases: Databases, *, keep: Path | None) -> Result:
    with ExitStack() as held:
        place = Path(tempfile.mkdtemp(prefix="mailtally-faults-"))
        held.callback(shutil.rmtree, place, ignore_errors=True)
        url = held.enter_context(databases.new(plan.database, place))
        result = run_plan(plan, place / "site", url, place / "redis")
        if (result.differences or result.stopped) and keep is not None:
            shutil.copytree(place, keep / f"seed-{plan.seed}", dirs_exist_ok=True, ignore=_sockets)
    return result


def _sockets(directory: str, names: list[str]) -> list[str]:
    """What cannot be copied: sockets, and the pipe that a trouble puts among the logs."""
    return [
        name
        for name in names
        if not (Path(directory, name).is_file() or Path(directory, name).is_dir())
    ]


if __name__ == "__main__":
    sys.exit(main())
