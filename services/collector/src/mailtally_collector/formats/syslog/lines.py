"""The pattern of a whole line: its framing, its repeats, and what its program says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailtally_collector.formats.engine.reasons import Reason
from mailtally_collector.formats.syslog.framing import OTHER_PROGRAM, REPEATS, framing
from mailtally_kernel import Ahead, Dated, Event, Field, Gives, Kept, Must, OneOf, Set, Within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailtally_collector.formats.engine.log_format import Setting
    from mailtally_collector.formats.programs.program import MailProgram
    from mailtally_kernel import Pattern

_DATED: Final = Must(Reason.BAD_TIMESTAMP, Dated())
_OTHER: Final[Pattern] = (Set(Field.PROGRAM, OTHER_PROGRAM), Gives(Event.PASS))


def pattern_of(programs: Sequence[MailProgram], setting: Setting) -> Pattern:
    """Return the pattern of a log with the lines of some programs."""
    numbered = [*enumerate(programs, start=OTHER_PROGRAM + 1)]
    said = {number: _said(number, program, setting) for number, program in numbered}
    own = [
        (Ahead(*program.own_log), Kept(Field.HOST), _DATED, *said[number])
        for number, program in numbered
        if program.own_log
    ]
    by_name = [(Within(Field.PROGRAM, *each.claims), *said[number]) for number, each in numbered]
    return (framing(own), _DATED, REPEATS, OneOf(*by_name, _OTHER))


def _said(number: int, program: MailProgram, setting: Setting) -> Pattern:
    """Return the pattern of a program's body. A line that it claims is counted under it."""
    return (
        Set(Field.PROGRAM, number),
        OneOf(program.body(setting), ()),
        Gives(Event.PASS),
    )
