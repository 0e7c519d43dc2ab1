"""Parse the log of a queue, whose lines a program of the kernel reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from mailtally_collector.formats.engine.domain import normalised
from mailtally_collector.formats.engine.log_format import NOTHING_KNOWN, Origin, Setting
from mailtally_collector.formats.engine.output_columns import bytes_of
from mailtally_collector.formats.engine.parsed import Parsed
from mailtally_collector.formats.stats.parser import parsed_of
from mailtally_kernel import KernelError, Limits, Program, left_by, restored
from mailtally_shared.errors import Refused

if TYPE_CHECKING:
    from mailtally_kernel import Pattern

#: Reasons why a message is dropped before its end.
TOO_OLD: Final = "age"
TOO_MANY: Final = "number"
_UNREADABLE: Final = (
    "The remembered messages of a mail log cannot be read. Run the version of mailtally that wrote "
    "them, or move the state directory away and start again."
)


class QueueFormat:
    """A :class:`Format` whose state is the messages in progress. Any number of threads may use it.

    Args:
        setting: the mail host.
        pattern: how its lines are read.

    Raises:
        Refused: The kernel is missing, or of another version.
    """

    is_stateless: ClassVar[bool] = False

    def __init__(self, setting: Setting, pattern: Pattern) -> None:
        self._setting: Final = setting
        self._pattern: Final = pattern
        self._compiled: Program | None = None

    def warm(self) -> None:
        """Load the kernel and compile the pattern, so that a missing kernel is noticed early.

        Raises:
            Refused: The kernel is missing, or of another version.
        """
        try:
            self._program()
        except KernelError as error:
            raise Refused(str(error)) from error

    def parse(
        self,
        chunk: bytes | bytearray | memoryview,
        state: bytes = NOTHING_KNOWN,
        origin: Origin | None = None,  # noqa: ARG002 - its stamps are complete
    ) -> tuple[Parsed, bytes]:
        """Parse whole lines; see :meth:`Format.parse`. It releases the GIL."""
        if not len(chunk):
            return Parsed.nothing(), state
        setting, data = self._setting, bytes_of(chunk)
        try:
            queue = restored(state, setting.host.encode(), data, setting.max_age)
        except ValueError as error:
            raise Refused(_UNREADABLE) from error
        lines = queue.read(data, self._program(), normalised)
        left = left_by(queue, data, Limits(setting.max_age, setting.max_entries))
        forgotten = {TOO_OLD: left.too_old, TOO_MANY: left.too_many}
        forgotten = {reason: count for reason, count in forgotten.items() if count}
        parsed = replace(parsed_of(lines), passed=lines.passed, forgotten=forgotten)
        return parsed, left.state

    def _program(self) -> Program:
        if self._compiled is None:
            self._compiled = Program(self._pattern)
        return self._compiled
