"""Dovecot from Debian's packages, next to a Postfix: the usual mail host, with one log."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.servers.network import SERVER
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from tests.servers.sandbox import Sandbox

PACKAGES = ("postfix", "dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
PASSWORD = "as-good-as-any"  # noqa: S105 - of a server that lives as long as a test
IMAP, POP3 = 143, 110

#: What Postfix needs to hand mail to Dovecot and to ask it who logs in.
POSTFIX_MAIN = {
    "virtual_transport": "lmtp:unix:private/dovecot-lmtp",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
}
POSTFIX_MASTER = f"""
{SERVER}:587 inet n     -       n       -       -       smtpd
    -o syslog_name=postfix/submission -o smtpd_sasl_auth_enable=yes
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""
#: A client there has POP3 bytes logged as a site may ask for it.
COUNTED_CLIENT = "203.0.113.25"

_CONFIGURATION = f"""
protocols = imap pop3 lmtp
listen = {SERVER}
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/mail
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 1000
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home=/var/mail/%u allow_all_users=yes
}}
service lmtp {{
  unix_listener /var/spool/postfix/private/dovecot-lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener /var/spool/postfix/private/auth {{
    mode = 0666
  }}
}}
remote {COUNTED_CLIENT} {{
  protocol pop3 {{
    pop3_logout_format = top=%t/%p, retr=%r/%b, del=%d/%m, size=%s, in=%i, out=%o
  }}
}}
"""


class Dovecot:
    """A running Dovecot in a sandbox where Postfix has run before: the queue's folders exist."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.write("etc/dovecot/dovecot.conf", _CONFIGURATION)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self.sandbox.start("dovecot", "-F")
        wait_until(self._is_up, 60, "the start of Dovecot")

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.sandbox.output()
        for port in (IMAP, POP3):
            with socket.socket() as tried:
                if tried.connect_ex((SERVER, port)):
                    return False
        return True
