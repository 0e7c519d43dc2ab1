"""H-Sphere's own traffic lines (RULES 1) in any clothing: ``in[16723]: time|sender|...``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailtally_shared.schema import END_OF_TIME
from tests.reference.charging import checked
from tests.reference.outcome import Malformed, Record, need
from tests.support import reference_parser as body

if TYPE_CHECKING:
    from tests.reference.log import Outcomes
    from tests.reference.outcome import Line


class Stats:
    """The traffic lines of each host; a status that is one too many is ``other``."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()

    def claims(self, line: Line) -> bool:
        return line.program in (b"in", b"out") and body.is_number(line.pid)

    def read(self, line: Line) -> Outcomes:
        timestamp, pipe, rest = line.body.partition(b"|")
        need(pipe and body.is_number(timestamp), "bad-timestamp")
        time = body.int_of(timestamp)
        need(time < END_OF_TIME, "bad-timestamp")
        try:
            sender_recipient, size, status, attempts = body.measures(rest)
            sender, recipient = body.addresses(sender_recipient)
        except body.Malformed as malformed:
            raise Malformed(malformed.reason.name.lower().replace("_", "-")) from None
        # VERP: qmail's own form of the sender's prefix and host.
        sender = sender.removesuffix(b"-@[]")
        outgoing = line.program == b"out"
        service, name = body.charged(outgoing, sender, recipient, line.host)
        return [
            Record(
                time=time,
                host=line.host.decode(),
                domain=checked(line.host if name.startswith(b"[") else name),
                service=service,
                status=self.bounded(status),
                size=size,
                attempts=attempts,
            )
        ]

    def bounded(self, status: str) -> str:
        known = status.encode() in body.KNOWN or status in self.unknown
        if not known and len(self.unknown) >= 200:
            return "other"
        if not known:
            self.unknown.add(status)
        return status
