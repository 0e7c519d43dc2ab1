"""Who takes part: the floor, the peers, and mailtally at three stages."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.awstats import PROGRAM as AWSTATS

_AWK = Path(__file__).parent / "peers" / "sums.awk"


@dataclass(frozen=True, slots=True)
class Share:
    """What a slow contender gets instead of the logs: the first of the same deliveries.

    Attributes:
        dialect: how they are written, one of ``benchmarks.dialects``.
        most: how many, at most.
        rounds: in how many rounds it takes part, at most.
    """

    dialect: str
    most: int
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that reads the logs named as its last arguments.

    Attributes:
        name: short, for ``--only`` and the results.
        title: for the table.
        command: program and first arguments.
        sums: it answers with the sums, which are then compared.
        module: the Python package that it needs, if any.
        program: what its command runs in turn, if anything.
        share: what it reads; ``None``: the logs.
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
        """What has to be installed before it can take part."""
        for program in (self.command[0], self.program):
            if program and shutil.which(program) is None:
                return program
        if self.module and importlib.util.find_spec(self.module) is None:
            return self.module
        return None


def _ours(name: str, title: str, *module: str, sums: bool = True) -> Contender:
    return Contender(name, title, (sys.executable, "-m", *module), sums=sums)


def _peer(name: str, title: str, module: str, needs: str | None = None) -> Contender:
    command = (sys.executable, "-m", f"benchmarks.peers.{module}")
    return Contender(name, title, command, module=needs)


def _slow(name: str, title: str, share: Share, program: str | None = None) -> Contender:
    """One that checks its answer itself, since it does not come to our sums."""
    command = (sys.executable, "-m", f"benchmarks.peers.{name}")
    return Contender(name, title, command, sums=False, program=program or name, share=share)


RUNNING = _ours("running", "pipeline, services running", "benchmarks.ours.pipeline", "--running")

CONTENDERS = (
    Contender("wc", "wc -l, the floor of reading", ("wc", "-l"), sums=False),
    Contender("mawk", "mawk, bare sums", ("mawk", "-F|", "-f", str(_AWK))),
    _peer("python", "plain Python loop, bare sums", "plain_loop"),
    _peer("polars", "Polars streaming, bare sums", "polars_sums", needs="polars"),
    _peer("duckdb", "DuckDB, bare sums", "duckdb_sums", needs="duckdb"),
    _slow("goaccess", "GoAccess, 1 M lines", Share("stats", 1_000_000)),
    _slow("pflogsumm", "pflogsumm, 150,000 deliveries", Share("postfix", 150_000)),
    _slow("awstats", "AWStats, 300,000 deliveries", Share("awstats", 300_000), AWSTATS),
    _ours("parse", "parse kernel alone, one core", "benchmarks.ours.parsing", sums=False),
    _ours("analyze", "mailtally analyze", "benchmarks.ours.analyzing"),
    RUNNING,
    _ours("pipeline", "pipeline, from the collectors' start", "benchmarks.ours.pipeline"),
)
#: Whom ours are compared with.
PEERS = ("wc", "mawk", "python", "polars", "duckdb", "goaccess", "pflogsumm", "awstats")
