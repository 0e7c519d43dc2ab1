"""The format ``stats``: the traffic log of qmail under H-Sphere. Each line is a record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from mailtally_collector.parse.format import NOTHING_KNOWN, Setting
from mailtally_collector.parse.stats import StatsParser, warm

if TYPE_CHECKING:
    from mailtally_collector.parse.parsed import Parsed

_LINE: Final = re.compile(
    rb"^[A-Za-z]{3} [ 0-9][0-9] [0-9:]{8} [^ \n]{1,255} (?:in|out)\[[0-9]+\]: [0-9]+\|",
    re.MULTILINE,
)


class StatsFormat:
    """A stateless :class:`Format`."""

    is_stateless: ClassVar[bool] = True

    def __init__(self, setting: Setting) -> None:
        """Nothing of the setting matters: each line says everything."""

    def warm(self) -> None:
        """Compile the kernel, or load it from disk."""
        warm()

    def first_line(self, chunk: bytes) -> int | None:
        """Where ``date host in[pid]: timestamp|`` is first."""
        found = _LINE.search(chunk)
        return found.start() if found else None

    def parse(
        self, chunk: bytes | bytearray | memoryview, state: bytes = NOTHING_KNOWN
    ) -> tuple[Parsed, bytes]:
        """Parse whole lines; see :meth:`Format.parse`. For any number of threads at once."""
        return StatsParser().parse(chunk), state
