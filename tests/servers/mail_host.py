"""One mail host of the laboratory: its sandbox, its log, and a foreign host to write to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.network import CLIENT, FOREIGN, SERVER, own_network
from tests.servers.packages import unpacked
from tests.servers.sandbox import Sandbox, require_sandbox
from tests.servers.sink import Sink
from tests.servers.syslog import SyslogReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.host_log import HostLog

NAME = "mx1.example.net"
#: What the hosts file of a sandbox says; there is no DNS.
HOSTS = {NAME: SERVER, "mx.example.org": FOREIGN, "client.example.org": CLIENT}


@dataclass(frozen=True)
class MailHost:
    """What each server of the laboratory is given."""

    sandbox: Sandbox
    logs: HostLog
    sink: Sink  # the mail host of remote.example

    @property
    def log(self) -> Path:
        """The log that is written now."""
        return self.logs.log

    def begin(self, log: Path) -> None:
        """Begin a scenario: a log of its own, and nothing at the sink."""
        self.logs.begin(log)
        self.sink.taken.clear()


@contextmanager
def mail_host(directory: Path, packages: tuple[str, ...]) -> Iterator[MailHost]:
    """Make one in a network of its own; what runs in it is stopped at the end."""
    require_sandbox()
    unpacked(*packages)  # before the network is left through which they come
    with own_network():
        sandbox = Sandbox(directory / "root", packages, HOSTS)
        device = directory / "root/dev/log"
        with Sink(FOREIGN) as sink, SyslogReader(device, directory / "mail.log", NAME) as syslog:
            try:
                yield MailHost(sandbox, syslog, sink)
            finally:
                sandbox.stop()
