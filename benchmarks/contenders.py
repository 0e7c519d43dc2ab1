"""Who takes part: the floor, the peers, and mailtally at three stages."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_AWK = Path(__file__).parent / "peers" / "sums.awk"


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads the logs named as its last arguments.

    Attributes:
        name: short, for ``--only`` and the results.
        title: for the table.
        command: program and first arguments.
        sums: it answers with the sums, which are then compared.
        module: the Python package that it needs, if any.
    """

    name: str
    title: str
    command: tuple[str, ...]
    sums: bool = True
    module: str | None = None

    @property
    def missing(self) -> str | None:
        """What has to be installed before it can take part."""
        if shutil.which(self.command[0]) is None:
            return self.command[0]
        if self.module and importlib.util.find_spec(self.module) is None:
            return self.module
        return None


def _ours(name: str, title: str, *module: str, sums: bool = True) -> Contender:
    return Contender(name, title, (sys.executable, "-m", *module), sums=sums)


CONTENDERS = (
    Contender("wc", "wc -l, the floor of reading", ("wc", "-l"), sums=False),
    Contender("mawk", "mawk, bare sums", ("mawk", "-F|", "-f", str(_AWK))),
    Contender(
        "python",
        "plain Python loop, bare sums",
        (sys.executable, "-m", "benchmarks.peers.plain_loop"),
    ),
    Contender(
        "polars",
        "Polars streaming, bare sums",
        (sys.executable, "-m", "benchmarks.peers.polars_sums"),
        module="polars",
    ),
    _ours("parse", "parse kernel alone, one core", "benchmarks.ours.parsing", sums=False),
    _ours("analyze", "mailtally analyze", "benchmarks.ours.analyzing"),
    _ours("running", "pipeline, services running", "benchmarks.ours.pipeline", "--running"),
    _ours("pipeline", "pipeline, from the collectors' start", "benchmarks.ours.pipeline"),
)
