"""A cluster of real processes for one test: any services, one Redis, one directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from mailtally.local.children import Child, Children
from mailtally_shared.state.client import connect_state
from mailtally_shared.state.keys import StateKeys
from mailtally_shared.state.read.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class RedisPlace(Protocol):
    """Where a Redis is, for kombu and for redis-py."""

    @property
    def broker_url(self) -> str: ...

    @property
    def state_url(self) -> str: ...


def log_line(time: int, recipient: str, size: int, host: str = "mail.example.net") -> bytes:
    """An incoming message in the traffic log."""
    when = datetime.fromtimestamp(time, UTC)
    stamp = f"{when:%b} {when.day:2d} {when:%H:%M:%S}"
    return f"{stamp} {host} in[1]: {time}|a@example.org|{recipient}|{size}|success\n".encode()


@dataclass
class Cluster:
    """Starts and stops services; their logs and data are below ``directory``."""

    directory: Path
    redis: RedisPlace
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.children = Children(self.directory / "log")
        self.logs = self.directory / "logs"
        self.logs.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """What every service is told."""
        return {
            "MAILTALLY_DATA_DIR": str(self.directory),
            "MAILTALLY_BROKER_URL": self.redis.broker_url,
            "MAILTALLY_LOGS": f"{self.logs}/stats*",
            "MAILTALLY_COLLECTOR__HOST": "mail1",
            **self.settings,
        }

    def start(self, service: str, *arguments: str, **settings: str) -> Child:
        """Start a service, e.g. ``start("collector", "--once")``."""
        number = len(list((self.directory / "log").glob("*.log")))
        return self.children.start(
            Child(
                f"{service}-{number}",
                (f"mailtally_{service}", "run", *arguments),
                {**self.environment, **settings},
                lasting="--once" not in arguments,
            )
        )

    def bytes_of(self, day: date) -> dict[str, int]:
        """What is counted live of a day, by domain."""
        with connect_state(self.redis.state_url) as state:
            sums: dict[str, int] = {}
            for row in Totals(state, StateKeys()).read(day).rows:
                sums[row.domain] = sums.get(row.domain, 0) + row.bytes
            return sums

    def said(self, child: Child) -> str:
        """What a service has logged."""
        return (self.directory / "log" / f"{child.name}.log").read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.children.stop()


def kill(child: Child) -> None:
    """SIGKILL, and wait for the end."""
    assert child.process is not None
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()


def terminate(child: Child, timeout: float = 10.0) -> int:
    """SIGTERM; the exit code, which must come within ``timeout`` seconds."""
    assert child.process is not None
    child.process.send_signal(signal.SIGTERM)
    return child.process.wait(timeout)


def command(
    module: str, *arguments: object, settings: Mapping[str, str], timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run one of our commands to its end."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
