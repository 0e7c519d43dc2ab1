"""Log lines of known content: what is written is also added up, plainly. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import random

#: The accounting zone; in the night before the third day its clocks are put forward.
ZONE = "Europe/Berlin"
DAYS = (date(2025, 3, 28), date(2025, 3, 29), date(2025, 3, 30))
#: Seconds: 2025-03-28 00:00 in ``ZONE``, and the length of these three days there.
BEGIN = 1_743_116_400
SPAN = 3 * 86_400 - 3_600
_DOMAINS = tuple(f"customer{number}.example" for number in range(12))
_MALFORMED = (
    b"nonsense\n",
    b"\n",
    b"Mar 28 10:00:00 mail.example.com in[1]: 17|a@b|c@d|x|success\n",
)
#: What the console counts in: (day, domain).
Key = tuple[date, str]


@dataclass(slots=True)
class Truth:
    """What the written lines add up to."""

    messages: Counter[Key] = field(default_factory=Counter)
    bytes: Counter[Key] = field(default_factory=Counter)
    lines: int = 0
    malformed: int = 0

    def sums(self) -> dict[Key, tuple[int, int]]:
        """Messages and bytes of each day and domain."""
        return {key: (count, self.bytes[key]) for key, count in self.messages.items()}


class Traffic:
    """Lines drawn from a seed; each one is entered into ``truth`` as it is made."""

    def __init__(self, rng: random.Random, truth: Truth) -> None:
        self._rng = rng
        self.truth = truth

    def lines(self, count: int, host: str) -> bytes:
        """Some lines, now and then a malformed one."""
        return b"".join(self._any_line(host) for _ in range(count))

    def record(self, host: str, domain: str) -> bytes:
        """A line of a message to ``domain``."""
        time = BEGIN + self._rng.randrange(SPAN)
        size = self._rng.randrange(1, 100_000)
        day = datetime.fromtimestamp(time, ZoneInfo(ZONE)).date()
        self.truth.lines += 1
        self.truth.messages[day, domain] += 1
        self.truth.bytes[day, domain] += size
        shown = datetime.fromtimestamp(time, UTC)
        stamp = f"{shown:%b} {shown.day:2d} {shown:%H:%M:%S}"
        text = f"{stamp} {host} in[7]: {time}|a@example.org|b@{domain}|{size}|success\n"
        return text.encode()

    def _any_line(self, host: str) -> bytes:
        if self._rng.random() < 0.01:
            self.truth.lines += 1
            self.truth.malformed += 1
            return self._rng.choice(_MALFORMED)
        return self.record(host, self._rng.choice(_DOMAINS))
