"""The contenders: the floor, the peers, and mailtally at three stages."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.benchmarks.peers.awstats import PROGRAM as AWSTATS

_AWK = Path(__file__).parent / "sums.awk"


@dataclass(frozen=True, slots=True)
class Share:
    """The input of a slow contender instead of the logs: the first of the same deliveries.

    Attributes:
        dialect: their format, one of ``tools.benchmarks.peers.dialects``.
        most: maximum number of deliveries.
        rounds: maximum number of rounds.
    """

    dialect: str
    most: int
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads the logs named as its last arguments.

    Attributes:
        name: short name for ``--only`` and the results.
        title: title in the table.
        command: program and first arguments.
        sums: whether it answers with the sums, which are then compared.
        module: Python package that it needs, if any.
        program: program that its command runs, if any.
        share: its input; ``None``: the logs.
    """

    name: str
    title: str
    command: tuple[str, ...]
    sums: bool = True
    module: str | None = None
    program: str | None = None
    share: Share | None = None

    @property
    def missing(self) -> str | None:
        """Return what has to be installed for it, or ``None``."""
        for program in (self.command[0], self.program):
            if program and shutil.which(program) is None:
                return program
        if self.module and importlib.util.find_spec(self.module) is None:
            return self.module
        return None


def _ours(name: str, title: str, *module: str, sums: bool = True) -> Contender:
    return Contender(name, title, (sys.executable, "-m", *module), sums=sums)


def _peer(name: str, title: str, module: str, needs: str | None = None) -> Contender:
    command = (sys.executable, "-m", f"tools.benchmarks.peers.{module}")
    return Contender(name, title, command, module=needs)


def _slow(name: str, title: str, share: Share, program: str | None = None) -> Contender:
    """Return a contender that checks its own answer, because it has other sums."""
    command = (sys.executable, "-m", f"tools.benchmarks.peers.{name}")
    return Contender(name, title, command, sums=False, program=program or name, share=share)


RUNNING = _ours(
    "running", "pipeline, services running", "tools.benchmarks.pipeline.pipeline", "--running"
)

ANALYZE = _ours("analyze", "mailtally analyze", "tools.benchmarks.pipeline.analyzing")
POLARS = _peer("polars", "Polars streaming, bare sums", "polars_sums", needs="polars")
#: One collector reads all logs.
TOGETHER = _ours(
    "running",
    "pipeline, services running",
    *("tools.benchmarks.pipeline.pipeline", "--running", "--together"),
)
ONCE = _ours("once", "mailtally up --once", "tools.benchmarks.pipeline.once")

CONTENDERS = (
    Contender("wc", "wc -l, the floor of reading", ("wc", "-l"), sums=False),
    Contender("mawk", "mawk, bare sums", ("mawk", "-F|", "-f", str(_AWK))),
    _peer("python", "plain Python loop, bare sums", "plain_loop"),
    POLARS,
    _peer("duckdb", "DuckDB, bare sums", "duckdb_sums", needs="duckdb"),
    _slow("goaccess", "GoAccess, 1 M lines", Share("stats", 1_000_000)),
    _slow("pflogsumm", "pflogsumm, 150,000 deliveries", Share("postfix", 150_000)),
    _slow("awstats", "AWStats, 300,000 deliveries", Share("awstats", 300_000), AWSTATS),
    _ours("parse", "parse kernel alone, one core", "tools.benchmarks.kernels.parsing", sums=False),
    _ours(
        "fold",
        "… parse and fold, one core",
        *("tools.benchmarks.kernels.parsing", "--fold"),
        sums=False,
    ),
    ANALYZE,
    RUNNING,
    _ours("pipeline", "pipeline, from the collectors' start", "tools.benchmarks.pipeline.pipeline"),
)
#: The peers that mailtally is compared with.
PEERS = ("wc", "mawk", "python", "polars", "duckdb", "goaccess", "pflogsumm", "awstats")
