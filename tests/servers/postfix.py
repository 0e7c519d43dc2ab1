"""Postfix from Debian's package, with a configuration of our own."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING

from tests.servers.mail_host import NAME
from tests.servers.network import SERVER
from tests.servers.sandbox import GROUPS
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tests.servers.sandbox import Sandbox

PACKAGES = ("postfix",)

_MAIN = f"""
compatibility_level = 3.6
myhostname = {NAME}
mydomain = example.net
inet_interfaces = 127.0.0.1, {SERVER}
inet_protocols = ipv4
mydestination = {NAME}, localhost
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
virtual_mailbox_domains = alpha.example, beta.example
virtual_mailbox_maps = hash:/etc/postfix/mailboxes
virtual_mailbox_base = /var/mail
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_alias_maps = hash:/etc/postfix/aliases
transport_maps = hash:/etc/postfix/transport
queue_run_delay = 1h
minimal_backoff_time = 1s
maximal_backoff_time = 1h
smtputf8_enable = yes
"""

_MASTER = """
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
# After-queue content filter: in, to the filter, back.
127.0.0.1:2525 inet n   -       n       -       -       smtpd
    -o content_filter=filter:[127.0.0.1]:10024
filter    unix  -       -       n       -       -       smtp
    -o smtp_send_xforward_command=yes -o syslog_name=postfix/amavis
127.0.0.1:10025 inet n  -       n       -       -       smtpd
    -o content_filter= -o smtpd_authorized_xforward_hosts=127.0.0.0/8
    -o syslog_name=postfix/10025
# Before-queue content filter.
127.0.0.1:2526 inet n   -       n       -       -       smtpd
    -o smtpd_proxy_filter=127.0.0.1:10024 -o syslog_name=postfix/proxied
# Queue ids that are never used again.
127.0.0.1:2527 inet n   -       n       -       -       smtpd
    -o cleanup_service_name=longcleanup
longcleanup unix n      -       n       -       0       cleanup
    -o enable_long_queue_ids=yes
answering unix  -       n       n       -       -       pipe
    flags=Rq user=nobody argv=/bin/true
"""

#: Mailboxes below /var/mail; the slash at the end makes them maildirs.
MAILBOXES = ("ann@alpha.example", "bob@alpha.example", "carol@beta.example")

TABLES = {
    "etc/postfix/mailboxes": {box: f"{box}/" for box in MAILBOXES},
    "etc/postfix/aliases": {
        "info@alpha.example": "bob@alpha.example",
        "both@beta.example": "ann@alpha.example, carol@beta.example",
        "away@alpha.example": "friend@remote.example",
    },
    "etc/postfix/transport": {
        "remote.example": "smtp:[mx.example.org]",
        "void.example": "discard:",
        "piped.example": "answering:",
    },
}
ALIASES = """
postmaster: root
root: ann
staff: bob, friend@remote.example
"""


class Postfix:
    """A running Postfix in a sandbox; ``main`` and ``master`` are added to its configuration."""

    def __init__(
        self,
        sandbox: Sandbox,
        main: Mapping[str, str] | None = None,
        master: str = "",
        tables: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.sandbox = sandbox
        settings = "".join(f"{name} = {value}\n" for name, value in (main or {}).items())
        sandbox.write("etc/postfix/main.cf", _MAIN + settings)
        sandbox.write("etc/postfix/master.cf", _MASTER + master)
        (sandbox.root / "var/spool/postfix").mkdir(exist_ok=True)
        sandbox.write("etc/postfix/dynamicmaps.cf", "")
        sandbox.write("etc/aliases", ALIASES)
        sandbox.run("newaliases")
        for name, entries in {**TABLES, **(tables or {})}.items():
            sandbox.write(name, "".join(f"{key} {value}\n" for key, value in entries.items()))
            sandbox.run("postmap", f"hash:/{name}")
        (sandbox.root / "var/mail").chmod(0o1777)
        _give_group(sandbox)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self.sandbox.start("postfix", "start-fg")
        wait_until(self._is_up, 60, "the start of Postfix")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self._process is not None:
            self.sandbox.signal(self._process, signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    def set(self, **settings: str) -> None:
        """Change settings of the running one."""
        self.sandbox.run("postconf", *(f"{name}={value}" for name, value in settings.items()))
        assert self._process is not None
        # `postfix reload` would look for the master by a number of another process space.
        self.sandbox.signal(self._process, signal.SIGHUP)

    def flush(self) -> None:
        """Try everything in the queue again, now."""
        self.sandbox.run("postqueue", "-f")

    def queued(self) -> int:
        """Messages in the queue."""
        listed = self.sandbox.run("postqueue", "-j")
        return len(listed.splitlines())

    def empty(self) -> None:
        """Try again what was deferred until the queue is empty."""

        def is_empty() -> bool:
            if not self.queued():
                return True
            self.flush()
            return False

        wait_until(is_empty, 60, "an empty queue of Postfix")

    def mailbox(self, address: str) -> list[bytes]:
        """Messages in a mailbox of virtual(8), in no order."""
        new = self.sandbox.root / "var/mail" / address / "new"
        return [path.read_bytes() for path in new.iterdir()] if new.exists() else []

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.sandbox.output()
        return (self.sandbox.root / "var/spool/postfix/public/showq").exists() and _answers()


def _answers() -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((SERVER, 25)) == 0


def _give_group(sandbox: Sandbox) -> None:
    """Let users put mail into the queue, as the package does when it is installed."""
    for name in ("postdrop", "postqueue"):
        program = sandbox.unpacked / "usr/sbin" / name
        os.chown(program, 0, GROUPS["postdrop"])
        program.chmod(0o2555)
