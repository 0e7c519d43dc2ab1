"""Something an operator must see, put before a site that is well: the doctor has to name it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

_DAY = 86_400
_LINES = 60
_UNKNOWN = b"2025-03-28T10:00:00Z mail.example.com imapd[7]: LOGOUT, user=b@example.net\n"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind.

    Attributes:
        name: how it is called in what a seed reports.
        begin: does it to the directory of one host's logs.
        check: the beginning of the doctor's check that must not be ok then, for that host.
        word: what its sentence must hold.
    """

    name: str
    begin: Callable[[Path], None]
    check: str
    word: str


def _unknown_format(place: Path) -> None:
    (place / "stats-of-another-program").write_bytes(_UNKNOWN * _LINES)


def _damaged(place: Path) -> None:
    (place / "stats-20250327.gz").write_bytes(b"\x1f\x8b\x08\x00" + bytes(range(1, 200)))


def _of_the_future(place: Path) -> None:
    moment = int(time.time()) + 30 * _DAY
    line = f"Mar 28 10:00:00 mail.example.com in[7]: {moment}|a@example.org|b@c.example|7|success\n"
    with (place / "stats").open("ab") as log:
        log.write(line.encode())


TROUBLES = (
    Trouble("a log of a format that is not read", _unknown_format, "lines of", "malformed"),
    Trouble("a damaged archive", _damaged, "logs of", "stats-20250327.gz"),
    Trouble("a record of the future", _of_the_future, "held", "1"),
)


def drawn(rng: random.Random) -> Trouble:
    """One of them."""
    return rng.choice(TROUBLES)
