"""A real RabbitMQ for tests: a node of our own, with its own files, ports and name service."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import kombu
import pytest

from tests.support.ports import free_port
from tests.support.servers import missing
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

#: The system's own command in the path would change to the system's user and files.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_STARTING = 60.0  # seconds; Erlang is slow on a busy machine


class RabbitNode:
    """One node; what is durable in it survives ``stop`` and ``start``."""

    def __init__(self, directory: Path, config: Path | None = None) -> None:
        self.port = free_port()
        self._directory = directory
        self._environment = {
            **os.environ,
            "HOME": str(directory),  # of the cookie
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": f"mailtally-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(config or directory / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For kombu."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self._directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [_PROGRAMS / "rabbitmq-server"], env=self._environment, stdout=output, stderr=output
            )
        wait_until(self._answers, _STARTING, "the start of RabbitMQ")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_STARTING)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()
        subprocess.run(
            ["epmd", "-kill"], env=self._environment, check=False, capture_output=True, timeout=10
        )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "output").read_text("utf-8")
        with suppress(OSError), kombu.Connection(self.url, connect_timeout=2) as connection:
            connection.connect()
            return True
        return False


def require_rabbitmq() -> None:
    """Without its programs the test is skipped, or fails in CI."""
    if not (_PROGRAMS / "rabbitmq-server").exists() or not shutil.which("epmd"):
        missing("RabbitMQ", f"there is no {_PROGRAMS / 'rabbitmq-server'}")


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitNode]:
    """The session's node."""
    require_rabbitmq()
    with (
        tempfile.TemporaryDirectory(prefix="mailtally-mq-") as directory,
        RabbitNode(Path(directory)) as node,
    ):
        yield node
