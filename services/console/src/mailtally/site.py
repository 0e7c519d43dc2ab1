"""A whole site on one machine: its own Redis, SQLite, and the services as children."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailtally.children import Child, Children
from mailtally.doctor.examination import Examination
from mailtally.doctor.finding import Finding, Level
from mailtally.embedded_redis import EmbeddedRedis
from mailtally.settings import ConsoleSettings, aggregator_settings
from mailtally_aggregator.foreign import text
from mailtally_aggregator.said import collectors
from mailtally_aggregator.totals import Totals
from mailtally_shared.day_files.names import LOADING
from mailtally_shared.errors import Unavailable
from mailtally_shared.process.settings import load_settings
from mailtally_shared.state.client import State, connect_state, unavailable_errors
from mailtally_shared.state.keys import StateKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from mailtally_aggregator.watermark import DayState
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
    days_stopped: int
    files_waiting: int

    @property
    def is_settled(self) -> bool:
        """Return whether each day is written and loaded, or left to a person."""
        written = self.days == self.days_written + self.days_stopped
        return written and self.files_waiting == 0


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

    def start_aggregators(self, count: int, *, accept_empty_state: bool = False) -> None:
        """Start some aggregators; the first one may open an empty state, once."""
        for number in range(1, count + 1):
            first = ("--accept-empty-state",) if accept_empty_state and number == 1 else ()
            command = ("mailtally_aggregator", "run")
            self._start(f"aggregator-{number}", command, {}, first_options=first)

    def start_loader(self) -> None:
        """Start the loader."""
        self._start("loader", ("mailtally_loader", "run"), {})

    def start_collector(
        self, logs: Sequence[str], *, host: str | None = None, once: bool = False
    ) -> Child:
        """Start a collector of some globs; with ``once`` it ends when all is counted."""
        name = f"collector-{host}" if host else "collector"
        settings = {
            # A path may hold a comma.
            "MAILTALLY_LOGS": json.dumps(list(logs)),
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
        """How far the site is, from its state and its directory.

        Raises:
            Unavailable: Redis is away, or cannot work at the moment.
        """
        keys = StateKeys()
        with unavailable_errors(), connect_state(self.state_url) as state:
            sums = {"lines": 0, "records": 0}
            for collector in collectors(state, keys):
                found = state.hmget(keys.ledger(collector), list(sums))
                for name, value in zip(sums, found, strict=True):
                    sums[name] += int(value or 0)
            days = Totals(state, keys).days()
            late = _late_to_write(state, keys)
        waiting = [*self.statistic_dir.glob("*.qml.txt")]
        waiting += (self.statistic_dir / LOADING).glob("*/*.qml.txt")
        return Progress(
            lines=sums["lines"],
            records=sums["records"],
            malformed=sums["lines"] - sums["records"],
            days=len(days) + late,
            days_written=sum(_is_written(day) for day in days),
            days_stopped=sum(day.is_stopped and not _is_written(day) for day in days),
            files_waiting=len(waiting),
        )

    def findings(self) -> list[Finding]:
        """Return what the doctor finds here that is not as it should be."""
        named = os.environ.get("MAILTALLY_CONFIG")  # the services go by it as well
        config = Path(named) if named else None
        settings = load_settings(
            ConsoleSettings,
            config,
            data_dir=self.data_dir,
            statistic_dir=self.statistic_dir,
            broker_url=self._server.broker_url,
            state_url=self._server.state_url,
        )
        aggregator = aggregator_settings(settings, config)
        found = Examination(settings, aggregator).findings(time.time())
        return [finding for finding in found if finding.level is not Level.OK]

    def wait_until(
        self, condition: Callable[[], bool], stop: Stop, tell: Callable[[Progress], None]
    ) -> bool:
        """Watch Redis and children, show progress until ``condition``; false if stopped first.

        A Redis that is away or cannot work is waited for, as the services do.
        """
        while True:
            with suppress(Unavailable):
                tell(self.progress())
                if condition():
                    return True
            self._server.watch(time.monotonic())
            self.children.watch(time.monotonic())
            if stop.wait(LOOK):
                return False

    def _start(
        self,
        name: str,
        command: Sequence[str],
        settings: Mapping[str, str],
        *,
        lasting: bool = True,
        first_options: Sequence[str] = (),
    ) -> Child:
        urls = {
            "MAILTALLY_DATA_DIR": str(self.data_dir),
            "MAILTALLY_STATISTIC_DIR": str(self.statistic_dir),
            "MAILTALLY_BROKER_URL": self._server.broker_url,
            "MAILTALLY_STATE_URL": self._server.state_url,
        }
        return self.children.start(
            Child(name, command, {**urls, **self.settings, **settings}, lasting, first_options)
        )


def _is_written(day: DayState) -> bool:
    """Return whether a day's files hold all that will come of it."""
    is_whole = day.complete or (day.has_gaps and not day.has_missing)
    return not day.is_dirty and is_whole


def _late_to_write(state: State, keys: StateKeys) -> int:
    """Return how many days that left the state have late records which no revision holds yet.

    Those of a day that is stopped, or that had no files of its own, wait for a person.
    """
    with unavailable_errors():
        pinned = {text(day) for day in cast("list[bytes]", state.hkeys(keys.pinned))}
    late = Totals(state, keys).days(keys.late)
    return sum(
        day.is_dirty and not day.is_stopped and day.day.isoformat() in pinned for day in late
    )
