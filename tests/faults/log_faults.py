"""What befalls a log besides rotation: it loses its end, is edited, copied, restored.

Lines that a fault removes are *doubtful*: the collector may have read them before, or not. The
truth says of each that it is counted once or not at all; every other line is counted once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.faults.mail_log import MailLog
    from tests.faults.site import Site
    from tests.faults.traffic import Traffic

_MOST_DOUBTFUL = 8  # lines
#: Seconds within which doubtful lines may be read before they go; a batch lingers for 0.02.
_LONGEST_CHANCE = 0.12


class LogFaults:
    """Does each kind to one host's log."""

    def __init__(self, site: Site, traffic: Traffic, rng: random.Random) -> None:
        self._site = site
        self._traffic = traffic
        self._rng = rng

    def kinds(self) -> dict[str, Callable[[str], None]]:
        """Each kind of fault, and how it is done to a host."""
        return {
            "log-cut": self._cut,
            "log-zeroed": self._zero,
            "log-edited": self._edit,
            "log-replaced": lambda host: self._site.logs[host].replace_by_copy(),
            "log-restored": self._restore,
            "log-copied": lambda host: self._site.logs[host].copy(self._rng),
        }

    def _cut(self, host: str) -> None:
        begin, end = self._write_doubtful(host)
        self._log(host).cut(self._rng.randint(begin, end))
        self._end_torn_line(host)

    def _zero(self, host: str) -> None:
        begin, end = self._write_doubtful(host)
        self._log(host).zero(self._rng.randint(begin, end))
        self._end_torn_line(host)

    def _edit(self, host: str) -> None:
        begin, end = self._write_doubtful(host)
        self._log(host).append(self._traffic.lines(self._rng.randint(0, 3), _name(host)))
        self._give_a_chance()
        self._log(host).take_out(begin, end)

    def _restore(self, host: str) -> None:
        begin, _ = self._write_doubtful(host)
        self._log(host).replace_by_copy(begin)

    def _write_doubtful(self, host: str) -> tuple[int, int]:
        """Where the doubtful lines begin and end in the log."""
        begin = self._log(host).end
        count = self._rng.randint(1, _MOST_DOUBTFUL)
        self._log(host).append(b"".join(self._doubtful(host) for _ in range(count)))
        end = self._log(host).end
        self._give_a_chance()
        return begin, end

    def _end_torn_line(self, host: str) -> None:
        """The writer goes on where the log ends now, be it in the middle of a line."""
        self._traffic.truth.torn += 1
        self._log(host).append(self._doubtful(host))

    def _doubtful(self, host: str) -> bytes:
        return self._traffic.doubtful(_name(host))

    def _give_a_chance(self) -> None:
        time.sleep(self._rng.uniform(0, _LONGEST_CHANCE))

    def _log(self, host: str) -> MailLog:
        return self._site.logs[host]


def _name(host: str) -> str:
    return f"{host}.example.net"
