"""A whole site: three mail hosts with collectors, three aggregators, a loader, Redis, database."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mailtally_shared.runtime.clock import REDIS_VARIABLE, VARIABLE
from tests.faults.mail_log import MailLog
from tests.faults.processes import Process
from tests.faults.proxy import Proxy
from tests.faults.redis_under_fault import RedisUnderFault
from tests.faults.traffic import ZONE

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tests.faults.redis_under_fault import Fsync

HOSTS = ("mail1", "mail2", "mail3")
COLLECTORS = tuple(f"collector-{host}" for host in HOSTS)
AGGREGATORS = ("aggregator-1", "aggregator-2", "aggregator-3")
LOADER = "loader"
SERVICES = (*AGGREGATORS, *COLLECTORS, LOADER)


def clone_of(collector: str) -> str:
    """The name of the service that runs from a copy of a collector's state directory."""
    return f"{collector}-clone"


#: Seconds before a service that ended by itself is started again, as systemd would.
_RESTART = 0.2

#: Everything small and quick, so that much happens in little time.
_SETTINGS = {
    "MAILTALLY_TIMEZONE": ZONE,
    "MAILTALLY_LOG_FORMAT": "text",
    "MAILTALLY_LOG_LEVEL": "info",
    "MAILTALLY_COLLECTOR__BATCH_KEYS": "40",
    "MAILTALLY_COLLECTOR__BATCH_BYTES": "4KiB",
    "MAILTALLY_COLLECTOR__LINGER": "20ms",
    "MAILTALLY_COLLECTOR__WINDOW": "8",
    "MAILTALLY_COLLECTOR__RESEND_FIRST": "300ms",
    "MAILTALLY_COLLECTOR__RESEND_LONGEST": "1s",
    "MAILTALLY_COLLECTOR__HEARTBEAT": "300ms",
    "MAILTALLY_COLLECTOR__RESCAN": "300ms",
    "MAILTALLY_COLLECTOR__ROTATE_WAIT": "10s",
    "MAILTALLY_COLLECTOR__CHUNK_SIZE": "8KiB",
    "MAILTALLY_AGGREGATOR__GROUP_BATCHES": "8",
    "MAILTALLY_AGGREGATOR__GRACE": "0",
    "MAILTALLY_AGGREGATOR__CLOCK_SETTLE": "1s",
    "MAILTALLY_AGGREGATOR__RESTATE_AFTER": "300ms",
    "MAILTALLY_AGGREGATOR__RESTATE_AT_MOST": "1s",
    "MAILTALLY_AGGREGATOR__RETENTION": "9999d",
    "MAILTALLY_AGGREGATOR__WRITER_INTERVAL": "200ms",
    "MAILTALLY_AGGREGATOR__WRITER_LEASE": "1s",
    "MAILTALLY_AGGREGATOR__SNAPSHOT_INTERVAL": "700ms",
    "MAILTALLY_LOADER__POLL": "100ms",
    "MAILTALLY_LOADER__SETTLE": "300ms",
}


class Site:
    """Starts everything; leaving it kills what still runs."""

    def __init__(
        self, directory: Path, database_url: str, fsync: Fsync, socket_directory: Path
    ) -> None:
        self.directory = directory
        self.database_url = database_url
        self.redis = RedisUnderFault(socket_directory, fsync)
        self.networks = {role: Proxy(self.redis.socket) for role in ("collector", "aggregator")}
        self.logs: dict[str, MailLog] = {}
        self.processes: dict[str, Process] = {}
        self.wanted: set[str] = set()  # those that are started again when they end
        self._ended: dict[str, float] = {}
        self.restarts: list[str] = []
        self._held = ExitStack()

    @property
    def statistic_dir(self) -> Path:
        """Where day files appear."""
        return self.directory / "statistic"

    def state_dir(self, collector: str) -> Path:
        """A collector's state directory."""
        return self.directory / collector

    def settings(self, role: str) -> dict[str, str]:
        """What every service of a role is told; through the network where it has one."""
        network = self.networks.get(role)
        port = f"redis://127.0.0.1:{network.port}/0" if network else ""
        return {
            **_SETTINGS,
            "MAILTALLY_DATA_DIR": str(self.directory),
            "MAILTALLY_DATABASE_URL": self.database_url,
            "MAILTALLY_BROKER_URL": port or self.redis.broker_url,
            "MAILTALLY_STATE_URL": port or self.redis.url,
        }

    def start(self, name: str) -> None:
        """Start a service; from now on it is started again if it ends."""
        self.processes[name].start()
        self.wanted.add(name)
        self._ended.pop(name, None)

    def start_if_ended(self, name: str) -> None:
        """Start a service unless it runs."""
        if self.processes[name].exit_code is not None:
            self.start(name)

    def start_doomed(self, name: str, crash_at: str) -> None:
        """Start a service that dies at a crash point, and stays down until it is started."""
        self.processes[name].start(crash_at)

    def shift_clock(self, name: str, seconds: float) -> None:
        """Set the clock of a service's machine, or of ``redis``, by so much off; while it runs."""
        staged = self.directory / "clock.new"
        staged.write_text(str(seconds), "ascii")
        staged.replace(self._shift(name))

    def _shift(self, name: str) -> Path:
        return self.directory / f"{name}.clock"

    def kill(self, name: str) -> None:
        """SIGKILL; it stays down until it is started."""
        self.wanted.discard(name)
        self.processes[name].kill()

    def stop(self, name: str) -> None:
        """Ask it to stop; it stays down until it is started."""
        self.wanted.discard(name)
        self.processes[name].stop()

    def add_clone(self, collector: str) -> None:
        """Add a second service for a collector's host and logs, with its own state directory."""
        name = clone_of(collector)
        own = {"MAILTALLY_STATE_DIR": str(self.state_dir(name))}
        log = self.directory / f"{name}.log"
        settings = self.processes[collector].settings | own
        self.processes[name] = Process("collector", ("run", "--debug"), settings, log)

    def tend(self) -> None:
        """Start what ended by itself again, after a moment."""
        now = time.monotonic()
        for name in sorted(self.wanted):
            code = self.processes[name].exit_code
            if code is None:
                continue
            if name not in self._ended:
                self._ended[name] = now
                self.restarts.append(f"{name} ended with {code}")
            elif now - self._ended[name] >= _RESTART:
                self.start(name)

    @property
    def is_at_work(self) -> bool:
        """Every service that should run does."""
        return all(self.processes[name].exit_code is None for name in self.wanted)

    def command(self, name: str, *arguments: str) -> Process:
        """A command of the console, not started."""
        return Process(name, arguments, self.settings(name), self.directory / f"{name}.log")

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._held.close()
            raise
        return self

    def _begin(self) -> None:
        self._held.enter_context(self.redis)
        for network in self.networks.values():
            self._held.enter_context(network)
        for host, name in zip(HOSTS, COLLECTORS, strict=True):
            place = self.directory / "logs" / host
            place.mkdir(parents=True)
            self.logs[host] = MailLog(place)
            self._held.callback(self.logs[host].close)
            own = {
                "MAILTALLY_LOGS": f"{place}/stats*",
                "MAILTALLY_STATE_DIR": str(self.state_dir(name)),
                "MAILTALLY_COLLECTOR__HOST": host,
            }
            self._add(name, "collector", own)
        for name in AGGREGATORS:
            self._add(name, "aggregator", {})
        self._add(LOADER, "loader", {})
        self._held.callback(self._kill_all)

    def _add(self, name: str, role: str, own: dict[str, str]) -> None:
        clocks = {VARIABLE: str(self._shift(name)), REDIS_VARIABLE: str(self._shift("redis"))}
        settings = self.settings(role) | own | clocks
        self.processes[name] = Process(
            role, ("run", "--debug"), settings, self.directory / f"{name}.log"
        )

    def _kill_all(self) -> None:
        for process in self.processes.values():
            process.kill()

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._held.close()
