"""Cyrus IMAP: sessions by its audit log, joined with their logins (FORMATS 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailtally_shared.schema import Service
from tests.reference.charging import session
from tests.reference.outcome import Malformed, number

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line
    from tests.reference.settings import Settings

PROGRAM = re.compile(rb"(?:cyrus/)?(?P<service>imap|pop3)s?")
LOGIN = re.compile(
    rb"login: [^\[]*\[[^\]]*\] (?P<user>.+) [^ ]+ User logged in ?SESSIONID=<(?P<id>[^>]*)>"
)
TRAFFIC = re.compile(
    rb"(?:auditlog: traffic|event=traffic) sessionid=<?(?P<id>[^ >]*)>?(?P<rest> .*)"
)
READ = re.compile(rb" (?:bytes_in=<?|used\.bytes\.in=)([0-9]+)")
WRITTEN = re.compile(rb" (?:bytes_out=<?|used\.bytes\.out=)([0-9]+)")


class Cyrus:
    """The sessions of each host whose lines are in the log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.users: dict[tuple[bytes, bytes], bytes] = {}

    def claims(self, line: Line) -> bool:
        return line.program.startswith(b"cyrus/") or bool(PROGRAM.fullmatch(line.program))

    def read(self, line: Line) -> Outcomes:
        if login := LOGIN.match(line.body):
            self.users[line.host, login["id"]] = login["user"]
            return []
        program, traffic = PROGRAM.fullmatch(line.program), TRAFFIC.fullmatch(line.body)
        if program is None or traffic is None:
            return []
        if program["service"] not in self.settings.session_services:
            return []
        read, written = READ.search(traffic["rest"]), WRITTEN.search(traffic["rest"])
        if read is None or written is None:
            return [Malformed("bad-event")]
        user = self.users.get((line.host, traffic["id"]))
        if user is None:
            return [Malformed("unknown-session")]
        both = self.settings.session_bytes == "both"
        service = Service.IMAP if program["service"] == b"imap" else Service.POP3
        return session(line, service, user, number(read[1]) * both + number(written[1]))
