"""The format ``stats``: the traffic log of qmail under H-Sphere. Each line is a record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from mailtally_collector.formats.engine.log_format import NOTHING_KNOWN, Origin, Setting
from mailtally_collector.formats.stats.folding import Folder
from mailtally_collector.formats.stats.parser import StatsParser, warm

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.parsed import Parsed

_LINE: Final = re.compile(
    rb"^[A-Za-z]{3} [ 0-9][0-9] [0-9:]{8} [^ \n]{1,255} (?:in|out)\[[0-9]+\]: [0-9]+\|",
    re.MULTILINE,
)


class StatsFormat:
    """The stateless :class:`Format` of the traffic log."""

    is_stateless: ClassVar[bool] = True

    def __init__(self, setting: Setting) -> None:
        """Ignore the setting: each line is complete."""

    def warm(self) -> None:
        """Load the kernel."""
        warm()

    def first_line(self, chunk: bytes) -> int | None:
        """Return the offset of the first ``date host in[pid]: timestamp|``, or ``None``."""
        found = _LINE.search(chunk)
        return found.start() if found else None

    def parse(
        self,
        chunk: bytes | bytearray | memoryview,
        state: bytes = NOTHING_KNOWN,
        origin: Origin | None = None,  # noqa: ARG002 - its stamps are complete
    ) -> tuple[Parsed, bytes]:
        """Parse whole lines; see :meth:`Format.parse`. Safe for any number of threads at once."""
        return StatsParser().parse(chunk), state

    def folder(self, step: int) -> Folder:
        """Return a new folder; see :meth:`Folding.folder`."""
        return Folder(step)
