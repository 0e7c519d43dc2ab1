"""Each log parsed in its own format, with what is remembered of it from chunk to chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailtally_collector.parse.format import NOTHING_KNOWN
from mailtally_collector.parse.formats import DEFAULT, recognised

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from mailtally_collector.parse.format import Format
    from mailtally_collector.parse.parsed import Parsed


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a log.

    Attributes:
        log: the primary's path.
        format: the name of its format.
        state: what its last chunk left to remember.
    """

    log: str
    format: str
    state: bytes = NOTHING_KNOWN


class ByLog:
    """Parses chunks of several logs, those of each in order.

    Nothing is remembered until ``keep`` says that a chunk was taken: one that was not may be parsed
    again.

    Args:
        formats: by name.
        chosen: the name of a log's format, or ``None`` where its lines are to tell.
        known: what an earlier one knew.
    """

    def __init__(
        self,
        formats: Mapping[str, Format],
        chosen: Callable[[str], str | None] = lambda _: None,
        known: Iterable[Known] = (),
    ) -> None:
        self._formats: Final = formats
        self._chosen: Final = chosen
        self._known: Final = {one.log: one for one in known}

    def format_of(self, log: str, chunk: bytes | memoryview) -> str | None:
        """The name of a log's format; ``None`` while nothing tells it.

        Args:
            log: the primary's path.
            chunk: what comes next in it. Once its lines have told, they are not asked again.
        """
        chosen = self._chosen(log)
        before = self._known.get(log)
        return chosen or (before.format if before else recognised(chunk, self._formats))

    def stateless(self, log: str, chunk: bytes | memoryview) -> Format | None:
        """The format of a log of which chunks may be parsed in any order; ``None`` of another."""
        name = self.format_of(log, chunk)
        parser = self._formats[name or DEFAULT]
        if not parser.is_stateless:
            return None
        self.keep(Known(log, name) if name else None)
        return parser

    def parse(self, log: str, chunk: bytes | memoryview) -> tuple[Parsed, Known | None]:
        """Parse whole lines, and tell what is known of the log behind them.

        Raises:
            Refused: what was known before cannot be read.
        """
        name = self.format_of(log, chunk)
        if name is None:
            return self._formats[DEFAULT].parse(chunk)[0], None
        before = self._known.get(log)
        state = before.state if before and before.format == name else NOTHING_KNOWN
        parsed, state = self._formats[name].parse(chunk, state)
        return parsed, Known(log, name, state)

    def learn(self, log: str, chunk: bytes | memoryview) -> bool:
        """Remember what lines tell about later ones; what they are themselves was counted before.

        Returns:
            Whether there is anything to learn from lines of this log.
        """
        if self.stateless(log, chunk) is not None:
            return False
        self.keep(self.parse(log, chunk)[1])
        return True

    def keep(self, known: Known | None) -> None:
        """The chunk was taken."""
        if known is not None:
            self._known[known.log] = known

    def known(self, logs: Container[str]) -> tuple[Known, ...]:
        """What is known of these logs; others are forgotten."""
        for log in [log for log in self._known if log not in logs]:
            del self._known[log]
        return tuple(self._known.values())
