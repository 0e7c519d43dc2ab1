"""A whole site on one machine: a private Redis, SQLite, and the services as children."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mailtally.local.children import Child, Children
from mailtally.local.embedded_redis import EmbeddedRedis
from mailtally_shared.audit.finding import Level
from mailtally_shared.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from mailtally.local.progress import Progress
    from mailtally_shared.audit.finding import Finding
    from mailtally_shared.runtime.lifecycle import Stop

#: Seconds between two checks of the services …
LOOK = 0.05
#: … and between two updates of the progress that is shown.
_SHOW = 0.5
#: Settings of a run that ends: it waits for the day writer and the loader, whose usual intervals
#: are longer.
HASTE = {"MAILTALLY_AGGREGATOR__WRITER_INTERVAL": "50ms", "MAILTALLY_LOADER__POLL": "50ms"}


@dataclass(slots=True)
class Site:
    """The site of a data directory. Entering starts its Redis; leaving stops everything.

    Attributes:
        data_dir: the data directory; one site at a time uses it.
        settings: environment variables of every service, in addition to the site's own.
    """

    data_dir: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _redis: EmbeddedRedis | None = None
    _children: Children | None = None

    @property
    def statistic_dir(self) -> Path:
        """Return the directory of the day files."""
        return self.data_dir / "statistic"

    @property
    def database(self) -> Path:
        """Return the path of the SQLite database."""
        return self.data_dir / "mailtally.sqlite"

    @property
    def state_url(self) -> str:
        """Return the URL of the site's Redis for redis-py."""
        return self._server.state_url

    @property
    def children(self) -> Children:
        """Return the running services."""
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
        """Start a collector for some globs, or for those that the settings name.

        With ``once`` it ends when all is counted.
        """
        name = f"collector-{host}" if host else "collector"
        settings = {"MAILTALLY_STATE_DIR": str(self.data_dir / name)}
        if logs:
            settings["MAILTALLY_LOGS"] = json.dumps(list(logs))  # a path may hold a comma
        if host:
            settings["MAILTALLY_COLLECTOR__HOST"] = host
        command = ("mailtally_collector", "run", *(("--once",) if once else ()))
        return self._start(name, command, settings, lasting=not once)

    def progress(self) -> Progress:
        """Return the progress of the site, from its state and its directory.

        Raises:
            Unavailable: Redis does not answer, or cannot work at present.
        """
        # Imported once the services have been started: it takes as long as their own start.
        from mailtally.local.progress import read_progress  # noqa: PLC0415 - see above

        return read_progress(self.state_url, self.statistic_dir)

    def findings(self) -> list[Finding]:
        """Return the findings of the doctor that are not OK."""
        from mailtally import examined  # noqa: PLC0415 - see progress
        from mailtally.settings import ConsoleSettings, site_settings  # noqa: PLC0415 - see progress
        from mailtally_shared.runtime.settings import load_settings  # noqa: PLC0415 - see progress

        named = os.environ.get("MAILTALLY_CONFIG")  # the services use it as well
        config = Path(named) if named else None
        settings = load_settings(
            ConsoleSettings,
            config,
            data_dir=self.data_dir,
            statistic_dir=self.statistic_dir,
            broker_url=self._server.broker_url,
            state_url=self._server.state_url,
        )
        aggregator = site_settings(settings, config)
        found = examined.findings(settings, aggregator, time.time())
        return [finding for finding in found if finding.level is not Level.OK]

    def wait_until(
        self, condition: Callable[[], bool], stop: Stop, tell: Callable[[Progress], None]
    ) -> bool:
        """Watch Redis and children, and show progress until ``condition``; false if stopped first.

        Like the services, it waits for a Redis that does not answer or cannot work.
        """
        shown_at = time.monotonic()
        while True:
            with suppress(Unavailable):
                if condition():
                    tell(self.progress())
                    return True
                if time.monotonic() - shown_at >= _SHOW:
                    tell(self.progress())
                    shown_at = time.monotonic()
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
