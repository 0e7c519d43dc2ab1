"""qmail's log by syslog in plain Python: one regular expression per event, line by line.

It sums messages and transferred bytes by day and domain, without validation beyond the expressions,
limits or persistence.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from tools.benchmarks.peers.answer import Clock, tell

_DAY = 86_400
_LINE = re.compile(r"\w{3} [ \d]\d [\d:]{8} (\S+) qmail: (\d+)\.\d+ (.*)")
_INFO = re.compile(r"info msg (\d+): bytes (\d+) from <(.*)> qp \d+ uid \d+")
_START = re.compile(r"starting delivery (\d+): msg (\d+) to (local|remote) (\S+)")
_END = re.compile(r"delivery (\d+): (success|failure|deferral): ")
_OVER = re.compile(r"end msg (\d+)")
Key = tuple[int, str]


class Sums:
    """The sums: messages and transferred bytes by day (since 1970) and charged domain."""

    def __init__(self) -> None:
        self.of: dict[Key, tuple[int, int]] = defaultdict(lambda: (0, 0))
        self._messages: dict[str, tuple[int, str, dict[tuple[str, str], int]]] = {}
        self._deliveries: dict[str, tuple[str, str, str]] = {}

    def read(self, path: str) -> None:
        """Add a file."""
        with open(path, encoding="ascii") as log:  # noqa: PTH123 - typical for such a script
            for line in log:
                if found := _LINE.match(line):
                    self._follow(*found.groups())

    def _follow(self, host: str, seconds: str, text: str) -> None:
        if found := _START.match(text):
            delivery, message, channel, recipient = found.groups()
            self._deliveries[delivery] = (message, channel, recipient)
        elif found := _END.match(text):
            self._end(host, int(seconds), *found.groups())
        elif found := _INFO.match(text):
            message, size, sender = found.groups()
            self._messages[message] = (int(size), sender, {})
        elif found := _OVER.match(text):
            self._messages.pop(found[1], None)

    def _end(self, host: str, seconds: int, delivery: str, outcome: str) -> None:
        message, channel, recipient = self._deliveries.pop(delivery)
        size, sender, deferrals = self._messages[message]
        attempts = deferrals.pop((channel, recipient), 0) + 1
        if outcome == "deferral":
            deferrals[channel, recipient] = attempts
            return
        address = recipient if channel == "local" else sender
        is_null = address in {"", "#@[]"}
        domain = host if is_null else address.rpartition("@")[2].lower().removesuffix(".")
        messages, transferred = self.of[seconds // _DAY, domain]
        self.of[seconds // _DAY, domain] = (messages + 1, transferred + size * attempts)


if __name__ == "__main__":
    clock = Clock()
    sums = Sums()
    for name in sys.argv[1:]:
        sums.read(name)
    tell(((day, name, *found) for (day, name), found in sums.of.items()), clock.figures())
