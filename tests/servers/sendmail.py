"""Sendmail from Debian's packages, with a configuration of our own."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.servers.mail_host import NAME
from tests.servers.network import SERVER
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from tests.servers.sandbox import Sandbox

PACKAGES = ("sendmail-bin", "m4")

_PROGRAMS = "/usr/libexec/sendmail"
_MACROS = "/usr/share/sendmail/cf"

_CONFIGURATION = f"""divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{NAME}')dnl
define(`confTO_IDENT', `0')dnl
define(`STATUS_FILE', `/var/lib/sendmail/status')dnl
define(`confPID_FILE', `/run/sendmail.pid')dnl
define(`LOCAL_MAILER_PATH', `{_PROGRAMS}/mail.local')dnl
define(`LOCAL_MAILER_ARGS', `mail.local -d $u')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`mailertable', `hash -o /etc/mail/mailertable')dnl
FEATURE(`virtusertable', `hash -o /etc/mail/virtusertable')dnl
FEATURE(`no_default_msa')dnl
LOCAL_DOMAIN(`{NAME} alpha.example')dnl
DAEMON_OPTIONS(`Name=MTA, Port=25, Addr={SERVER}')dnl
DAEMON_OPTIONS(`Name=Local, Port=25, Addr=127.0.0.1')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

_TABLES = {
    "mailertable": "remote.example\tesmtp:[mx.example.org]\n",
    "virtusertable": f"info@alpha.example\tbob@{NAME}\n",
}
_ALIASES = """postmaster: root
mailer-daemon: root
root: ann
staff: bob, friend@remote.example
"""


class Sendmail:
    """A running Sendmail in a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        for name in ("var/spool/mqueue", "var/spool/clientmqueue", "var/lib/sendmail", "etc/mail"):
            (sandbox.root / name).mkdir(parents=True, exist_ok=True)
        (sandbox.root / "var/spool/mqueue").chmod(0o700)
        # mail.local makes its lock files as the user, and has no group of its own here.
        (sandbox.root / "var/mail").chmod(0o1777)
        macros = ("m4", f"-D_CF_DIR_={_MACROS}/", f"{_MACROS}/m4/cf.m4", "-")
        made = sandbox.run(*macros, given=_CONFIGURATION.encode())
        sandbox.write("etc/mail/sendmail.cf", made)
        for name, text in _TABLES.items():
            makemap = (f"{_PROGRAMS}/makemap", "hash", f"/etc/mail/{name}")
            sandbox.run(*makemap, given=text.encode())
        sandbox.write("etc/mail/aliases", _ALIASES)
        sandbox.run(f"{_PROGRAMS}/sendmail", "-bi")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self.sandbox.start(f"{_PROGRAMS}/sendmail", "-L", "sm-mta", "-bD")
        wait_until(self._is_up, 60, "the start of Sendmail")

    def empty(self) -> None:
        """Try again what was deferred until the queue is empty."""

        def is_empty() -> bool:
            if not any((self.sandbox.root / "var/spool/mqueue").iterdir()):
                return True
            self.sandbox.run(f"{_PROGRAMS}/sendmail", "-L", "sm-mta", "-qf")
            return False

        wait_until(is_empty, 20, "an empty queue of Sendmail")

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.sandbox.output()
        with socket.socket() as tried:
            return tried.connect_ex((SERVER, 25)) == 0
