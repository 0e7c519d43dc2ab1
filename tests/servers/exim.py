"""Exim from Debian's package, with a configuration and a log of its own."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from tests.servers.mail_host import NAME
from tests.servers.network import SERVER
from tests.servers.sandbox import USERS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.servers.sandbox import Sandbox

PACKAGES = ("exim4-daemon-light",)
OWNER = USERS["Debian-exim"]
LOG = "var/log/exim4/mainlog"
PASSWORD = "as-good-as-any"  # noqa: S105 - of a server that lives as long as a test

_CONFIGURATION = f"""
primary_hostname = {NAME}
domainlist stored = alpha.example : beta.example
local_interfaces = 127.0.0.1 : {SERVER}
# 2525 is for mail that goes through the filter, 10025 where it comes back.
daemon_smtp_ports = 25 : 2525 : 10025
log_file_path = /var/log/exim4/%slog
spool_directory = /var/spool/exim4
timezone = UTC
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
message_logs = false
smtputf8_advertise_hosts = *
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept hosts = 127.0.0.1
  accept authenticated = *
  accept domains = +stored
  deny

begin routers
filter:
  driver = manualroute
  condition = ${{if eq{{$received_port}}{{2525}}}}
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_filter
aliases:
  driver = redirect
  data = ${{lookup{{$local_part@$domain}}lsearch{{/etc/exim4/aliases}}}}
  allow_fail
mailboxes:
  driver = accept
  domains = +stored
  transport = maildir
foreign:
  driver = manualroute
  domains = remote.example
  route_list = * mx.example.org byname
  transport = to_foreign

begin transports
maildir:
  driver = appendfile
  # Exim trusts no name that came from outside: it must be one of the file's own.
  directory = /var/mail/${{lookup{{$local_part@$domain}}lsearch{{/etc/exim4/mailboxes}}}}
  maildir_format
  user = vmail
  group = vmail
to_foreign:
  driver = smtp
to_filter:
  driver = smtp
  port = 10024
  allow_localhost

begin retry
* * F,5d,1s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if eq{{$auth3}}{{{PASSWORD}}}}}
  server_set_id = $auth2
"""

MAILBOXES = ("ann@alpha.example", "bob@alpha.example", "carol@beta.example")
_ALIASES = """
info@alpha.example: bob@alpha.example
both@beta.example: ann@alpha.example, carol@beta.example
away@alpha.example: friend@remote.example
void@alpha.example: :blackhole:
"""


class Exim:
    """A running Exim in a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.write("etc/exim4/exim4.conf", _CONFIGURATION)
        sandbox.write("etc/exim4/aliases", _ALIASES)
        sandbox.write("etc/exim4/mailboxes", "".join(f"{box}: {box}\n" for box in MAILBOXES))
        for name in ("var/spool/exim4", "var/log/exim4"):
            (sandbox.root / name).mkdir(parents=True, exist_ok=True)
            os.chown(sandbox.root / name, OWNER, OWNER)
        (sandbox.root / "var/mail").chmod(0o1777)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The main log."""
        return self.sandbox.root / LOG

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self.sandbox.start("exim4", "-bdf")
        wait_until(self._is_up, 60, "the start of Exim")

    def queued(self) -> int:
        """Messages in the queue."""
        return int(self.sandbox.run("exim4", "-bpc"))

    def empty(self) -> None:
        """Try again what was deferred until the queue is empty."""

        def is_empty() -> bool:
            if not self.queued():
                return True
            self.sandbox.run("exim4", "-qff")
            return False

        wait_until(is_empty, 20, "an empty queue of Exim")

    def retry_for(self, longest: str) -> None:
        """Give up after that time from now on."""
        changed = _CONFIGURATION.replace("F,5d,1s", f"F,{longest},1s")
        self.sandbox.write("etc/exim4/exim4.conf", changed)

    def mailbox(self, address: str) -> list[bytes]:
        """Messages in a mailbox, in no order."""
        new = self.sandbox.root / "var/mail" / address / "new"
        return [path.read_bytes() for path in new.iterdir()] if new.exists() else []

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.sandbox.output()
        with socket.socket() as tried:
            return tried.connect_ex((SERVER, 25)) == 0
