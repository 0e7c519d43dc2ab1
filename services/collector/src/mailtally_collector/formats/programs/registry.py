"""The programs of a mail server's log, in the order in which they are asked for a line.

To add one, write a module like those below, a line in ``PROGRAMS``, and a section in
``docs/reference/formats.md``; see ``docs/how-to/develop/add-a-program.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.programs.courier import COURIER
from mailtally_collector.formats.programs.dovecot import DOVECOT

if TYPE_CHECKING:
    from mailtally_collector.formats.programs.program import MailProgram

PROGRAMS: Final[tuple[MailProgram, ...]] = (DOVECOT, COURIER)
