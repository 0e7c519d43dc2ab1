"""The format ``maillog``: qmail's log, by syslog or multilog, joined to one record per delivery."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.maillog.sentences import QMAIL
from mailtally_collector.formats.queue.parser import QueueFormat

if TYPE_CHECKING:
    from mailtally_collector.formats.engine.log_format import Setting

_LINE: Final = re.compile(
    rb"^(?:[A-Za-z]{3} [ 0-9][0-9] [0-9:]{8} [^ \n]{1,255} qmail(?:\[[0-9]+\])?: [0-9]+\.[0-9]+ "
    rb"|@[0-9a-f]{24} (?:new msg|info msg|starting delivery|delivery|status:|end msg|bounce msg) )",
    re.MULTILINE,
)


class MaillogFormat(QueueFormat):
    """The :class:`Format` of qmail's log; its state is the messages in progress."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, QMAIL)

    def first_line(self, chunk: bytes) -> int | None:
        """Return the offset of the first line of qmail's, in either framing, or ``None``."""
        found = _LINE.search(chunk)
        return found.start() if found else None
