"""Log lines of known content: what is written is also added up, plainly. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

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
    """What the written lines add up to.

    Attributes:
        messages: records that must be counted once; likewise ``bytes``.
        lines: lines that must be counted once, malformed ones included.
        malformed: those among them that are no records.
        doubtful: records that a fault may have removed before they were read, each with a domain
            of its own and its bytes: counted once, or not at all.
        torn: lines that such a fault may have cut, so that one more may be malformed.
    """

    messages: Counter[Key] = field(default_factory=Counter)
    bytes: Counter[Key] = field(default_factory=Counter)
    lines: int = 0
    malformed: int = 0
    doubtful: dict[Key, int] = field(default_factory=dict)
    torn: int = 0

    def sums(self) -> dict[Key, tuple[int, int]]:
        """Messages and bytes of each day and domain."""
        return {key: (count, self.bytes[key]) for key, count in self.messages.items()}

    def certain(self, found: Mapping[Key, tuple[int, int]]) -> dict[Key, tuple[int, int]]:
        """What was found, without doubtful records that were counted once as they should be."""
        return {key: sums for key, sums in found.items() if not self._is_doubtful(key, sums)}

    def _is_doubtful(self, key: Key, sums: tuple[int, int]) -> bool:
        return key in self.doubtful and sums == (1, self.doubtful[key])


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
        line, key, size = self._drawn(host, domain)
        self.truth.lines += 1
        self.truth.messages[key] += 1
        self.truth.bytes[key] += size
        return line

    def doubtful(self, host: str) -> bytes:
        """A line that a fault is about to remove, whether or not it was read by then."""
        line, key, size = self._drawn(host, f"doubtful{len(self.truth.doubtful)}.example")
        self.truth.doubtful[key] = size
        return line

    def _drawn(self, host: str, domain: str) -> tuple[bytes, Key, int]:
        time = BEGIN + self._rng.randrange(SPAN)
        size = self._rng.randrange(1, 100_000)
        day = datetime.fromtimestamp(time, ZoneInfo(ZONE)).date()
        shown = datetime.fromtimestamp(time, UTC)
        stamp = f"{shown:%b} {shown.day:2d} {shown:%H:%M:%S}"
        text = f"{stamp} {host} in[7]: {time}|a@example.org|b@{domain}|{size}|success\n"
        return text.encode(), (day, domain), size

    def _any_line(self, host: str) -> bytes:
        if self._rng.random() < 0.01:
            self.truth.lines += 1
            self.truth.malformed += 1
            return self._rng.choice(_MALFORMED)
        return self.record(host, self._rng.choice(_DOMAINS))
