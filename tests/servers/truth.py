"""What a bill must say of a scenario, as clients and sinks know it; no log was read for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

#: Direction by service.
DIRECTIONS = {"smtp-in": "in", "smtp-out": "out", "imap": "access", "pop3": "access"}


@dataclass
class Truth:
    """Sums by (domain, service, status): messages, bytes, transferred."""

    _sums: dict[tuple[str, str, str], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0, 0])
    )

    def add(
        self,
        domain: str,
        service: str,
        size: int,
        *,
        status: str = "success",
        attempts: int = 1,
        messages: int = 1,
    ) -> None:
        """Add records of one size."""
        assert service in DIRECTIONS, service
        sums = self._sums[domain, service, status]
        sums[0] += messages
        sums[1] += messages * size
        sums[2] += messages * size * max(attempts, 1)

    def rows(self) -> list[dict[str, Any]]:
        """Return the table, sorted."""
        return [
            {
                "domain": domain,
                "service": service,
                "direction": DIRECTIONS[service],
                "status": status,
                "messages": messages,
                "bytes": size,
                "transferred": transferred,
            }
            for (domain, service, status), (messages, size, transferred) in sorted(
                self._sums.items()
            )
        ]


@dataclass
class Outcome:
    """What a scenario's log must show.

    ``sizes`` are the bytes of messages by queue id, ``lines`` how many lines hold some parts.
    """

    truth: Truth = field(default_factory=Truth)
    sizes: dict[str, int] = field(default_factory=dict)
    lines: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def expect(self, count: int, *parts: str) -> None:
        """Expect so many lines that hold all parts."""
        self.lines.append((count, parts))

    def differences(self, log: str, *size_forms: str) -> list[str]:
        """Compare with a log; ``size_forms`` are parts of a line, with ``{id}`` and ``{size}``."""
        # With a blank at each end, so that a word is a word wherever it is.
        lines, found = [f" {line} " for line in log.splitlines()], []
        for queue_id, size in self.sizes.items():
            forms = [form.format(id=queue_id, size=size) for form in size_forms]
            if not any(all(form in line for form in forms) for line in lines):
                found.append(f"no line has {forms}")
        for count, parts in self.lines:
            having = [line for line in lines if all(part in line for part in parts)]
            if len(having) != count:
                found.append(f"{len(having)} instead of {count} lines have {parts}")
        return found
