"""The format ``syslog``: a mail server's log with the lines of several programs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.log_format import NOTHING_KNOWN, Origin, Setting
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.engine.parsed import Parsed, ProgramLines
from mailtally_collector.formats.programs.registry import PROGRAMS
from mailtally_collector.formats.stats.parser import parsed_of
from mailtally_collector.formats.syslog.lines import pattern_of
from mailtally_kernel import (
    UTC,
    Clock,
    Following,
    KernelError,
    Limits,
    LogState,
    Program,
    Zone,
    left_by,
    read_state,
    restored,
)
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from mailtally_shared.columns import Array

#: Whose lines are counted together: first those without framing, then those of other programs.
NO_FRAMING: Final = "no-framing"
OTHER: Final = "other"
#: Names of what lines are counted under, in the order of their numbers.
_NAMES: Final = (NO_FRAMING, OTHER, *(program.name for program in PROGRAMS))
_CERTAIN: Final = re.compile(
    rb"^(?:<[0-9]{1,3}>(?:1 )?)?[A-Z0-9][^\n]{14,60}? (?:%b)"
    % b"|".join(program.certain for program in PROGRAMS),
    re.MULTILINE,
)
_UNREADABLE: Final = (
    "What is remembered of a mail log cannot be read. Run the version of mailtally that wrote it, "
    "or move the state directory away and start again."
)


class SyslogFormat:
    """A :class:`Format` for logs of several programs. Any number of threads may use it.

    Its state is the time of the last stamp and the last line of each host, which a later line may
    repeat, and the messages in progress.
    """

    is_stateless: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        self._setting: Final = setting
        self._compiled: Program | None = None
        self._known_zone: Zone | None = None

    def warm(self) -> None:
        """Load the kernel and compile the programs.

        Raises:
            Refused: The kernel is missing, or of another version.
        """
        try:
            self._program()
            self._zone()
        except KernelError as error:
            raise Refused(str(error)) from error

    def first_line(self, chunk: bytes) -> int | None:
        """Return the offset of the first line that only a program of ``PROGRAMS`` writes."""
        found = _CERTAIN.search(chunk)
        return found.start() if found else None

    def parse(
        self,
        chunk: bytes | bytearray | memoryview,
        state: bytes = NOTHING_KNOWN,
        origin: Origin | None = None,
    ) -> tuple[Parsed, bytes]:
        """Parse whole lines; see :meth:`Format.parse`. It releases the GIL."""
        if not len(chunk):
            return Parsed.nothing(), state
        setting, data = self._setting, bytes_of(chunk)
        try:
            before, messages = read_state(state) if state else (LogState(), NOTHING_KNOWN)
            following = self._following(before, origin or Origin())
            host = setting.host.encode()
            queue = restored(messages, host, data, setting.max_age, following)
        except ValueError as error:
            raise Refused(_UNREADABLE) from error
        lines = queue.read(data, self._program(), normalised)
        left = left_by(queue, data, Limits(setting.max_age, setting.max_entries))
        after = queue.state_after(data).to_bytes() + left.state
        programs = _by_name(queue.outcomes)
        return replace(parsed_of(lines), passed=lines.passed, programs=programs), after

    def _following(self, before: LogState, origin: Origin) -> Following:
        clock = Clock(
            zone=self._zone(),
            modified=origin.modified,
            begins=origin.begins,
            first_year=self._setting.first_year,
            previous=before.previous,
            second_pass=before.second_pass,
        )
        return Following(clock, len(_NAMES), before.last_lines)

    def _zone(self) -> Zone:
        if self._known_zone is None:
            offset_at = self._setting.offset_at
            self._known_zone = Zone.of(offset_at) if offset_at else UTC
        return self._known_zone

    def _program(self) -> Program:
        if self._compiled is None:
            self._compiled = Program(pattern_of(PROGRAMS, self._setting))
        return self._compiled


def _by_name(outcomes: Array) -> dict[str, ProgramLines]:
    """Return the lines of each program that has any."""
    lines = (ProgramLines(*row) for row in outcomes.tolist())
    return {name: each for name, each in zip(_NAMES, lines, strict=True) if each}
