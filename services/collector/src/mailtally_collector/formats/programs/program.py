"""The declaration of a program whose lines are in a mail server's log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailtally_collector.formats.engine.log_format import Setting
    from mailtally_kernel import Pattern


@dataclass(frozen=True, slots=True)
class MailProgram:
    """A program, as a log of syslog has it.

    Attributes:
        name: in metrics and reports.
        claims: fits the program's name in a line; what follows in the name is ignored.
        body: what a line says; one that does not fit is passed.
        certain: a regular expression of lines that only this program writes, from the name on.
        own_log: fits the beginning of a body where the program writes a log without hosts; empty if
            it does not.
    """

    name: str
    claims: Pattern
    body: Callable[[Setting], Pattern]
    certain: bytes
    own_log: Pattern = ()
