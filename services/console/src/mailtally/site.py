"""A whole site on one machine: its own Redis, SQLite, and the services as children."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailtally.children import Child, Children
from mailtally.embedded_redis import EmbeddedRedis
from mailtally_aggregator.totals import Totals
from mailtally_shared.day_files.names import LOADING
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from mailtally_shared.process.lifecycle import Stop

#: Seconds between two looks at how things stand.
LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a site is."""

    lines: int
    records: int
    malformed: int
    days: int
    days_written: int
    files_waiting: int

    @property
    def is_settled(self) -> bool:
        """Every day is written and loaded."""
        return self.days == self.days_written and self.files_waiting == 0


@dataclass(slots=True)
class Site:
    """One data directory at work. Entering starts its Redis; leaving stops everything.

    Attributes:
        data_dir: everything is below it; one site at a time uses it.
        settings: environment of every service, on top of the site's own.
    """

    data_dir: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _redis: EmbeddedRedis | None = None
    _children: Children | None = None

    @property
    def statistic_dir(self) -> Path:
        """Where the day files appear."""
        return self.data_dir / "statistic"

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.data_dir / "mailtally.sqlite"

    @property
    def state_url(self) -> str:
        """The site's Redis, for redis-py."""
        return self._server.state_url

    @property
    def children(self) -> Children:
        """The services at work."""
        assert self._children is not None, "the site was entered"  # noqa: S101 - a caller's mistake
        return self._children

    @property
    def _server(self) -> EmbeddedRedis:
        assert self._redis is not None, "the site was entered"  # noqa: S101 - a caller's mistake
        return self._redis

    def __enter__(self) -> Self:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._redis = self._stack.enter_context(EmbeddedRedis(self.data_dir))
        self._children = self._stack.enter_context(Children(self.data_dir / "log"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def start_aggregators(self, count: int) -> None:
        """Start so many aggregators."""
        for number in range(1, count + 1):
            self._start(f"aggregator-{number}", ("mailtally_aggregator", "run"), {})

    def start_loader(self) -> None:
        """Start the loader."""
        self._start("loader", ("mailtally_loader", "run"), {})

    def start_collector(
        self, logs: Sequence[str], *, host: str | None = None, once: bool = False
    ) -> Child:
        """Start a collector of some globs; with ``once`` it ends when all is counted."""
        name = f"collector-{host}" if host else "collector"
        settings = {
            "MAILTALLY_LOGS": ",".join(logs),
            "MAILTALLY_STATE_DIR": str(self.data_dir / name),
        }
        if host:
            settings["MAILTALLY_COLLECTOR__HOST"] = host
        command = ("mailtally_collector", "run", *(("--once",) if once else ()))
        return self._start(name, command, settings, lasting=not once)

    def warm(self, stop: Stop) -> None:
        """Have the parser compiled once, before several collectors would each do it."""
        child = self._start("warm", ("mailtally_collector", "warm"), {}, lasting=False)
        while not child.is_done and not stop.wait(LOOK):
            self.children.watch(time.monotonic())

    def progress(self) -> Progress:
        """How far the site is, from its state and its directory."""
        keys = StateKeys()
        with connect_state(self.state_url) as state:
            sums = {"lines": 0, "records": 0}
            for collector in state.smembers(keys.collectors):
                found = state.hmget(keys.ledger(collector.decode()), list(sums))
                for name, value in zip(sums, found, strict=True):
                    sums[name] += int(value or 0)
            days = Totals(state, keys).days()
        waiting = [*self.statistic_dir.glob("*.qml.txt")]
        waiting += (self.statistic_dir / LOADING).glob("*/*.qml.txt")
        return Progress(
            lines=sums["lines"],
            records=sums["records"],
            malformed=sums["lines"] - sums["records"],
            days=len(days),
            days_written=sum(not day.is_dirty and day.complete for day in days),
            files_waiting=len(waiting),
        )

    def wait_until(
        self, condition: Callable[[], bool], stop: Stop, tell: Callable[[Progress], None]
    ) -> bool:
        """Watch the children and show progress until ``condition``; false if stopped first."""
        while not condition():
            self.children.watch(time.monotonic())
            tell(self.progress())
            if stop.wait(LOOK):
                return False
        tell(self.progress())
        return True

    def _start(
        self,
        name: str,
        command: Sequence[str],
        settings: Mapping[str, str],
        *,
        lasting: bool = True,
    ) -> Child:
        urls = {
            "MAILTALLY_DATA_DIR": str(self.data_dir),
            "MAILTALLY_BROKER_URL": self._server.broker_url,
            "MAILTALLY_STATE_URL": self._server.state_url,
        }
        return self.children.start(
            Child(name, command, {**urls, **self.settings, **settings}, lasting)
        )
